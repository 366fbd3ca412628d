"""X-Ray: groups, the key of the region, and tags. moto takes traces in, and knows no setting."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.xray import urls
from moto.xray.responses import XRayResponse

from .seams import operation

# By region and name; the key by region.
GROUPS: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
TAGS: dict[str, list[dict[str, str]]] = {}
ENCRYPTION: dict[str, dict[str, str]] = {}
PATHS = ("CreateGroup", "GetGroup", "Groups", "UpdateGroup", "DeleteGroup", "PutEncryptionConfig", "EncryptionConfig")

for path in (*PATHS, "TagResource", "UntagResource", "ListTagsForResource"):
    urls.url_paths["{0}/" + path + "$"] = XRayResponse.dispatch


class NotThere(JsonRESTError):
    code = 400


@operation(XRayResponse)
def create_group(response: XRayResponse) -> str:
    body = response.request_params
    name = body["GroupName"]
    path = f"group/{name}/{uuid.uuid4().hex[:20].upper()}"
    arn = f"arn:{response.partition}:xray:{response.region}:{response.current_account}:{path}"
    insights = {"InsightsEnabled": False, "NotificationsEnabled": False} | body.get("InsightsConfiguration", {})
    group = {"GroupName": name, "GroupARN": arn, "InsightsConfiguration": insights}
    GROUPS[response.region][name] = group | {"FilterExpression": body.get("FilterExpression", "")}
    TAGS[arn] = body.get("Tags", [])
    return json.dumps({"Group": GROUPS[response.region][name]})


def the_group(response: XRayResponse) -> dict[str, Any]:
    body, groups = response.request_params, GROUPS[response.region].values()
    asked_for = (body.get("GroupName"), body.get("GroupARN"))
    for group in groups:
        if group["GroupName"] == asked_for[0] or group["GroupARN"] == asked_for[1]:
            return group
    raise NotThere("InvalidRequestException", "Group not found")


@operation(XRayResponse)
def get_group(response: XRayResponse) -> str:
    return json.dumps({"Group": the_group(response)})


@operation(XRayResponse)
def groups(response: XRayResponse) -> str:
    return json.dumps({"Groups": list(GROUPS[response.region].values())})


@operation(XRayResponse)
def update_group(response: XRayResponse) -> str:
    group, body = the_group(response), response.request_params
    group.update({name: body[name] for name in ("FilterExpression", "InsightsConfiguration") if name in body})
    return json.dumps({"Group": group})


@operation(XRayResponse)
def delete_group(response: XRayResponse) -> str:
    del GROUPS[response.region][the_group(response)["GroupName"]]
    return "{}"


@operation(XRayResponse)
def put_encryption_config(response: XRayResponse) -> str:
    ENCRYPTION[response.region] = response.request_params | {"Status": "ACTIVE"}
    return json.dumps({"EncryptionConfig": ENCRYPTION[response.region]})


@operation(XRayResponse)
def encryption_config(response: XRayResponse) -> str:
    return json.dumps({"EncryptionConfig": ENCRYPTION.get(response.region, {"Type": "NONE", "Status": "ACTIVE"})})


@operation(XRayResponse)
def list_tags_for_resource(response: XRayResponse) -> str:
    return json.dumps({"Tags": TAGS.get(response.request_params["ResourceARN"], [])})


@operation(XRayResponse)
def tag_resource(response: XRayResponse) -> str:
    body = response.request_params
    new = {tag["Key"] for tag in body["Tags"]}
    kept = [tag for tag in TAGS.get(body["ResourceARN"], []) if tag["Key"] not in new]
    TAGS[body["ResourceARN"]] = kept + body["Tags"]
    return "{}"


@operation(XRayResponse)
def untag_resource(response: XRayResponse) -> str:
    body = response.request_params
    TAGS[body["ResourceARN"]] = [tag for tag in TAGS.get(body["ResourceARN"], []) if tag["Key"] not in body["TagKeys"]]
    return "{}"
