"""The chart as the real helm renders it, and the refusals that it words."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "chart"
# The wheel of the development lock, and not what happens to be on the machine.
HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or "helm"
# Nothing that a developer's shell says to helm or of a cluster; and a process of 50 ms need not collect garbage.
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith(("HELM_", "KUBE"))} | {
    "GOGC": "off"
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ABOUT: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

Values = Mapping[str, Any]
Object = dict[str, Any]
Objects = list[Object]


class Refused(Exception):
    """What helm said instead of rendering; `reasons` are the chart's own sentences, and none where the schema refused."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        own = re.search(r"validation\.yaml:\d+:\d+\): \n\n(.*?)\n\n", told, re.DOTALL)
        self.reasons = own[1].splitlines() if own else []


def render(values: Values, *, release: str = "own", namespace: str = "team", chart: Path = CHART) -> Objects:
    """The objects of a release; the namespace that a test does not name is not one of Helm's own."""
    return _render(json.dumps(values), release, namespace, chart)


def render_copy(values: Values, chart: Path) -> Objects:
    """The same of a chart that changes from one rendering to the next."""
    return _render.__wrapped__(json.dumps(values), "own", "team", chart)


@lru_cache(maxsize=64)
def _render(values: str, release: str, namespace: str, chart: Path) -> Objects:
    """Nobody changes what it answers: the same release is looked at by many tests."""
    command = [HELM, "template", release, str(chart), "--namespace", namespace, "--values", "-"]
    done = subprocess.run(command, input=values, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        raise Refused(done.stderr)
    return parsed(done.stdout)


def parsed(text: str) -> Objects:
    return [each for document in text.removeprefix("---\n").split("\n---\n") if (each := _parsed(document))]


@lru_cache(maxsize=2048)
def _parsed(document: str) -> Any:
    """Most documents are the same in most renderings, and reading them would take as long as helm does."""
    return yaml.load(document, LOADER)


def merged(values: Values, *changes: Values) -> dict[str, Any]:
    """Maps are merged as Helm merges them; everything else is replaced."""
    result = dict(values)
    for change in changes:
        for name, value in change.items():
            both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
            result[name] = merged(result[name], value) if both else value
    return result


def at(path: str, value: Any) -> dict[str, Any]:
    """`at("image.tag", "x")` is `{"image": {"tag": "x"}}`."""
    first, _, rest = path.partition(".")
    return {first: at(rest, value) if rest else value}


def named(objects: Objects, kind: str, name: str) -> Object:
    (found,) = (each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def of_kind(objects: Objects, *kinds: str) -> Objects:
    return [each for each in objects if each["kind"] in kinds]


def template_of(each: Object) -> Object | None:
    """The pods that an object makes, as metadata and spec; None where it makes none."""
    match each["kind"]:
        case "Deployment" | "Job":
            return dict(each["spec"]["template"])
        case "CronJob":
            return dict(each["spec"]["jobTemplate"]["spec"]["template"])
        case "Pod":
            return each
    return None


def pods(objects: Objects) -> Iterator[tuple[str, Object]]:
    """Every pod that a release makes, by the kind and the name of what makes it."""
    for each in objects:
        if (template := template_of(each)) is not None:
            yield f"{each['kind']}/{each['metadata']['name']}", template


def component(labelled: Object) -> str:
    return str(labelled["metadata"]["labels"]["app.kubernetes.io/component"])


def containers(template: Object) -> Iterator[Object]:
    yield from template["spec"].get("initContainers", [])
    yield from template["spec"]["containers"]
