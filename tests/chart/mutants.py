"""Copies of the chart that are broken on purpose, a line each, and what notices it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.chart.kubernetes import VERSIONS, faults
from tests.chart.promises import broken
from tests.chart.promises.release import Release
from tests.chart.releases import ASKING, SHAPES, everything, trial, watched
from tests.chart.rendering import CHART, Refused, merged, render, render_copy

TEMPLATES = CHART / "templates"
# Other windows, bounds and selectors than the default ones.
OWN = {
    "slo": {
        "availability": {"period": 7, "objective": 99.95, "minimumTraffic": 300},
        "latency": {"period": 28, "threshold": 1, "minimumTraffic": 20},
    },
    "monitoring": {
        "runbooks": "https://docs.example.org/runbooks/",
        "team": "night",
        "patienceSeconds": 100,
        "selector": {"service_name": "own", "job": "a"},
        "labels": {"a": "b"},
    },
}
# What is looked at, until one notices: the shape with most in it comes first.
BESIDE = [{"name": "early", "image": "proxy", "restartPolicy": "Always"}, {"name": "beside", "image": "proxy"}]
DRAINING = {"settings": {"CAREWAY_DRAIN_SECONDS": 7, "CAREWAY_GRACEFUL_SECONDS": 50}}
LOOKED_AT: list[dict[str, Any]] = [
    merged(everything(ASKING), {"sidecars": BESIDE}),
    SHAPES["tests as jobs"],
    trial(ASKING),
    SHAPES["migrations past a pooler"],
    SHAPES["a trial without policies"],
    merged(everything(), {"ingress": {"className": "nginx", "tlsSecret": ""}, "autoscaling": {"enabled": False}}),
    SHAPES["a single pod"],
    SHAPES["a store that is there"],
    SHAPES["no wait before it ends"],
    *(merged(watched(ASKING, rules), OWN) for rules in ("configmap", "sloth", "pyrra")),
    SHAPES["alerts as configmap"],
    SHAPES["sampled by the collector"],
    merged(trial(), {"database": {"name": "own_name"}, "priorityClassName": "low", "nodeSelector": {"a": "b"}}, DRAINING),
]  # fmt: skip


class Mutant(NamedTuple):
    """A template with one place changed; `line` is where, counted from 1."""

    template: str
    line: int
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.template}:{self.line} {self.what}"


# Control and comments; and what only leads to other lines, without which nothing is an object.
NOT_ALONE = re.compile(r"\s*(\{\{-? ?(/\*|end|else|if|range|with|define)|#|apiVersion:|kind: \w+$|[\w-]+:$|-{3}$|$)")


def lines_removed(template: str) -> Iterator[Mutant]:
    """The template without one of its lines, for each that says something by itself."""
    lines = (TEMPLATES / template).read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines):
        if not NOT_ALONE.match(line):
            yield Mutant(template, number + 1, "".join(lines[:number] + lines[number + 1 :]), f"without {line.strip()}")


def conditions_negated(template: str) -> Iterator[Mutant]:
    """The template with one of its conditions turned round."""
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for match in re.finditer(r"\{\{- if (.+?) \}\}", text):
        turned = f"{text[: match.start()]}{{{{- if not ({match[1]}) }}}}{text[match.end() :]}"
        yield Mutant(template, text[: match.start()].count("\n") + 1, turned, f"if not {match[1]}")


def noticed(mutant: Mutant, chart: Path) -> str:
    """Who notices the mutant in a copy of the chart: helm, a promise or Kubernetes; nobody is the empty text."""
    path = chart / "templates" / mutant.template
    kept = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    try:
        # A trial's own templates make nothing elsewhere.
        likely = sorted(LOOKED_AT, key=lambda values: mutant.template.startswith("trial/") != _is_trial(values))
        return next((who for values in likely if (who := _notices(values, chart))), "")
    finally:
        path.write_text(kept, encoding="utf-8")


def _notices(values: dict[str, Any], chart: Path) -> str:
    try:
        objects = render_copy(values, chart)
    except Refused:
        return "helm"
    if not all(_is_object(each) for each in objects):
        return "kubectl"
    # A trial is another each time, since its password is random: it is looked at in any case.
    if not _is_trial(values) and objects == render(values):
        return ""
    found = next(broken(Release(objects, values)), "")
    return found or next((fault for each in objects for fault in faults(each, VERSIONS[0])), "")


def _is_trial(values: dict[str, Any]) -> bool:
    return bool(values["database"].get("trial"))


def _is_object(each: Any) -> bool:
    known = isinstance(each, dict) and {"apiVersion", "kind"} <= each.keys()
    return known and isinstance(each.get("metadata"), dict) and isinstance(each["metadata"].get("name"), str)
