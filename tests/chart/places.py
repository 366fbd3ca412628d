"""Objects as flat places, and what a changed value changes: `Deployment/own/spec/replicas` was 2, and is 3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.chart.rendering import Objects

# The ends of names that are made of a Job's content.
HASH = re.compile(r"(-migrate|-within|-stranger)-[0-9a-f]{8}$")
# What follows from another setting or another pod: pods that are made anew, and Jobs of another name.
ECHOES = (
    *(f"Job/own-{name}/metadata/name" for name in ("migrate", "within", "stranger")),
    "Deployment/own/spec/template/metadata/annotations/careway/settings",
    "Job/own-migrate/spec/template/metadata/annotations/careway/settings",
)
# Where Helm sees no cluster, each rendering of a trial makes another password.
RANDOM = (
    *("Secret/own/stringData/password", "Secret/own/stringData/secret-key"),
    "Deployment/own-trial-database/spec/template/metadata/annotations/careway/password",
)


def places(objects: Objects) -> dict[str, Any]:
    """Every text, number and flag by its place; members of a list by their name, where they have one."""
    found = {}
    for each in objects:
        head = f"{each['kind']}/{HASH.sub(r'', each['metadata']['name']) + _role(each['metadata']['name'])}"
        found.update({f"{head}/{place}": value for place, value in _flat(each)})
    return found


def _role(name: str) -> str:
    match = HASH.search(name)
    return match[1] if match else ""


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{place}/{name}".lstrip("/"))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            name = inner.get("name", number) if isinstance(inner, dict) else number
            yield from _flat(inner, f"{place}/{name}")
    else:
        yield place, value


def changed(before: Objects, after: Objects, ignored: Iterable[str] = ()) -> set[str]:
    """The places that are not the same in both, but for those that are ignored, and what is random."""
    old, new = places(before), places(after)
    nothing = object()
    found = {place for place in old.keys() | new.keys() if old.get(place, nothing) != new.get(place, nothing)}
    random = {place for place in RANDOM if len(old.get(place) or "") == len(new.get(place) or "") > 0}
    return found - {*ignored, *random}


def unexplained(found: set[str], patterns: list[str]) -> tuple[set[str], list[str]]:
    """The places that no pattern expects, and the patterns that met no place."""
    strays = {place for place in found if not any(fnmatchcase(place, pattern) for pattern in patterns)}
    unmet = [pattern for pattern in patterns if not any(fnmatchcase(place, pattern) for place in found)]
    return strays, unmet
