"""What a plan would do, resource by resource: where, what, and which attributes; never what they hold.

Who reads the table of a pipeline need not be who may read the ground.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Actions = tuple[str, ...]
# The actions of a plan (https://developer.hashicorp.com/terraform/internals/json-format), as they are going to be.
WORDS: Mapping[Actions, str] = {
    ("create",): "create",
    ("update",): "change",
    ("delete",): "DELETE",
    ("delete", "create"): "REPLACE",
    ("create", "delete"): "REPLACE",
    ("forget",): "forget",
}


class Change(NamedTuple):
    """A resource, what becomes or became of it, and the attributes that differ."""

    address: str
    what: str
    attributes: tuple[str, ...]


def changes(plan: Mapping[str, Any], words: Mapping[Actions, str] = WORDS) -> Iterator[Change]:
    """Reads of data, and what stays as it is, are no changes."""
    for each in plan.get("resource_changes", []):
        if what := words.get(tuple(each["change"]["actions"])):
            yield Change(each["address"], what, tuple(_attributes(each["change"])))


def _attributes(change: Mapping[str, Any]) -> Iterator[str]:
    """The names of what differs; of a resource that is made or taken away as a whole, none."""
    before, after = change.get("before"), change.get("after")
    if before is None or after is None:
        return
    unknown = change.get("after_unknown") or {}
    for name in sorted({*before, *after, *unknown}):
        if unknown.get(name) is True or before.get(name) != after.get(name):
            yield name


def table(found: Sequence[Change]) -> str:
    rows = [
        ("resource", "what", "attributes"),
        *((each.address, each.what, ", ".join(each.attributes)) for each in found),
    ]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{row[0]:{first}}  {row[1]:{second}}  {row[2]}".rstrip() for row in rows) + "\n"
