"""Amazon Managed Prometheus. moto forgets the workspace's key, and has no alert manager definition."""

from __future__ import annotations

import json
from typing import Any

from moto.amp import urls
from moto.amp.models import Workspace
from moto.amp.responses import PrometheusServiceResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time

from .seams import Method, around, asked, operation

urls.url_paths["{0}/workspaces/(?P<workspaceId>[^/]+)/alertmanager/definition$"] = PrometheusServiceResponse.dispatch


class NotThere(JsonRESTError):
    code = 404


@around(PrometheusServiceResponse, "create_workspace")
def create_workspace(original: Method, response: PrometheusServiceResponse) -> str:
    answer: str = original(response)
    workspace = response.amp_backend.workspaces[json.loads(answer)["workspaceId"]]
    workspace.kms_key_arn = asked(response).get("kmsKeyArn")
    return answer


@around(Workspace, "to_dict")
def with_key(original: Method, workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = original(workspace)
    key = getattr(workspace, "kms_key_arn", None)
    return found | ({"kmsKeyArn": key} if key else {})


def answer(workspace: Workspace) -> str:
    definition = workspace.alert_manager
    return json.dumps({"alertManagerDefinition": definition, "status": definition["status"]})


def define(response: PrometheusServiceResponse) -> str:
    body = asked(response)
    workspace = response.amp_backend.workspaces[body["workspaceId"]]
    now = {"createdAt": unix_time(), "modifiedAt": unix_time()}
    workspace.alert_manager = {"data": body["data"], "status": {"statusCode": "ACTIVE"}} | now
    return answer(workspace)


@operation(PrometheusServiceResponse)
def create_alert_manager_definition(response: PrometheusServiceResponse) -> str:
    return define(response)


@operation(PrometheusServiceResponse)
def put_alert_manager_definition(response: PrometheusServiceResponse) -> str:
    return define(response)


@operation(PrometheusServiceResponse)
def describe_alert_manager_definition(response: PrometheusServiceResponse) -> str:
    workspace = response.amp_backend.workspaces.get(asked(response)["workspaceId"])
    if getattr(workspace, "alert_manager", None) is None:
        raise NotThere("ResourceNotFoundException", "There is no alert manager definition.")
    return answer(workspace)


@operation(PrometheusServiceResponse)
def delete_alert_manager_definition(response: PrometheusServiceResponse) -> str:
    response.amp_backend.workspaces[asked(response)["workspaceId"]].alert_manager = None
    return "{}"
