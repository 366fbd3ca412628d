"""Whether an API server would take an object, by its own schemas, strictly.

No package that is kept up ships those of custom kinds: the promises compare these objects whole (rights.py, routes.py,
monitoring.py), and `make prove` gives those of External Secrets to a cluster that has its definitions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft202012Validator, Registry

from tests.chart.rendering import Object

CUSTOM = {
    *("external-secrets.io/v1", "gateway.networking.k8s.io/v1"),
    *("monitoring.coreos.com/v1", "sloth.slok.dev/v1", "pyrra.dev/v1alpha1"),
}
# Chart.yaml says the oldest; the newest are those that a platform runs now.
OLDEST, VERSIONS = "1.30", ("1.32", "1.33", "1.34", "1.35", "1.36")


def faults(each: Object, version: str) -> Iterator[str]:
    """What is wrong with an object, in the words of the schema; a kind that nobody knows is wrong."""
    if each["apiVersion"] in CUSTOM:
        return
    validator = _validator(each["apiVersion"], each["kind"], version)
    if validator is None:
        yield f"{version} knows no {each['apiVersion']} {each['kind']}"
        return
    for error in validator.iter_errors(each):
        place = ".".join(map(str, error.instance_path))
        yield f"{each['kind']}/{each['metadata']['name']} {place}: {error.message[:200]}"


@cache
def _validator(group: str, kind: str, version: str) -> Draft202012Validator | None:
    """kubernetes_validate.validate() would read two megabytes for each object, which takes a hundred times as long."""
    # rbac.authorization.k8s.io/v1 is rbac-v1 in the names of the files.
    short = re.sub(r"^([^./]*)[^/]*/", r"\1-", group)
    try:
        return Draft202012Validator(_read(version, f"{kind.lower()}-{short}"), registry=_definitions(version))
    except FileNotFoundError:
        return None


@cache
def _definitions(version: str) -> Registry:
    return Registry([("_definitions.json", _read(version, "_definitions"))])


def _read(version: str, name: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
