"""Cost Explorer: which tags the bill is split by, which moto does not know. Every tag is one that can be switched on."""

from __future__ import annotations

import json

from moto.ce.responses import CostExplorerResponse

from .seams import asked, operation

STATUS: dict[str, str] = {}


@operation(CostExplorerResponse)
def update_cost_allocation_tags_status(response: CostExplorerResponse) -> str:
    STATUS.update({each["TagKey"]: each["Status"] for each in asked(response)["CostAllocationTagsStatus"]})
    return json.dumps({"Errors": []})


@operation(CostExplorerResponse)
def list_cost_allocation_tags(response: CostExplorerResponse) -> str:
    names = asked(response).get("TagKeys") or list(STATUS)
    found = [{"TagKey": name, "Type": "UserDefined", "Status": STATUS.get(name, "Inactive")} for name in names]
    return json.dumps({"CostAllocationTags": found})
