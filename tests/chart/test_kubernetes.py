"""Kubernetes takes every object of every example and shape, strictly: no unknown field, no wrong type."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml

from tests.chart.kubernetes import OLDEST, VERSIONS, faults
from tests.chart.releases import SHAPES, trial
from tests.chart.rendering import ABOUT, CHART, ENVIRONMENT, HELM, at, merged, render

EXAMPLES = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (CHART / "values").glob("*.yaml")}


@pytest.mark.parametrize("version", [OLDEST, *VERSIONS])
def test_it_takes_every_shape_and_example(version: str) -> None:
    objects = [each for values in [*SHAPES.values(), *EXAMPLES.values()] for each in render(values)]
    assert len(objects) > 150
    assert [fault for each in objects for fault in faults(each, version)] == []


@pytest.mark.parametrize(("kind", "path", "wrong"), [
    ("Deployment", "spec.replicas", "two"),
    ("Deployment", "spec.replica", 2),
    ("NetworkPolicy", "spec.policyTypes", "Egress"),
    ("Service", "spec.ports", [{"port": "http"}]),
])  # fmt: skip
def test_what_kubernetes_would_refuse_is_seen(kind: str, path: str, wrong: Any) -> None:
    (each, *_) = (each for each in render(trial()) if each["kind"] == kind)
    assert list(faults(merged(each, at(path, wrong)), VERSIONS[0]))


def test_the_chart_asks_for_the_oldest_version_that_is_tried() -> None:
    assert ABOUT["kubeVersion"] == f">={OLDEST}.0-0"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_calm_and_in_the_page(name: str) -> None:
    assert f"[{name}](values/{name})" in (CHART / "README.md").read_text(encoding="utf-8")
    assert (CHART / "values" / name).read_text(encoding="utf-8").count("\n") < 85


@pytest.mark.parametrize("name", EXAMPLES)
def test_helm_has_nothing_to_say_of_an_example(name: str) -> None:
    words = [HELM, "lint", "--strict", "--quiet", str(CHART), "--values", str(CHART / "values" / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout
