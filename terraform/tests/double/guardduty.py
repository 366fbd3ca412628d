"""GuardDuty. A feature that is set takes the place of all others in moto; tags cannot be asked for or changed."""

from __future__ import annotations

import json
import time
from typing import Any

from moto.guardduty import urls
from moto.guardduty.models import Detector
from moto.guardduty.responses import GuardDutyResponse

from .seams import Method, around, asked, operation

urls.url_paths["{0}/tags/(?P<resourceArn>.+)$"] = GuardDutyResponse.dispatch


@around(Detector, "update")
def update(original: Method, detector: Detector, enable: Any, frequency: Any, sources: Any, features: Any) -> None:
    kept = {each["name"]: each for each in detector.features}
    kept.update({each["name"]: each | {"updatedAt": time.time()} for each in features or []})
    original(detector, enable, frequency, sources, list(kept.values()))


@around(Detector, "to_json")
def with_malware_protection(original: Method, detector: Detector) -> dict[str, Any]:
    """The provider reads that without asking whether it is there."""
    found: dict[str, Any] = original(detector)
    volumes = {"ebsVolumes": {"status": "DISABLED"}, "reason": ""}
    found["dataSources"]["malwareProtection"] = {"scanEc2InstanceWithFindings": volumes}
    return found


def tags_of(response: GuardDutyResponse) -> dict[str, str]:
    name = asked(response)["resourceArn"].rpartition("/")[2]
    tags: dict[str, str] = response.guardduty_backend.get_detector(name).tags
    return tags


@operation(GuardDutyResponse)
def list_tags_for_resource(response: GuardDutyResponse) -> str:
    return json.dumps({"tags": tags_of(response)})


@operation(GuardDutyResponse)
def tag_resource(response: GuardDutyResponse) -> str:
    tags_of(response).update(asked(response)["tags"])
    return "{}"


@operation(GuardDutyResponse)
def untag_resource(response: GuardDutyResponse) -> str:
    for name in response.querystring["tagKeys"]:
        tags_of(response).pop(name, None)
    return "{}"
