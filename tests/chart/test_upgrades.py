"""An upgrade changes nothing that cannot be changed, and replaces only what has to be replaced.

`released/` holds, for each published version of the chart, what of it Kubernetes never lets anybody change. A file is
written when its version is published (`python -m tests.chart.test_upgrades`), and not edited after that.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis import housekeeping
from tests.chart.promises.lifecycle import LATER
from tests.chart.releases import ASKING, SHAPES, everything, production, trial
from tests.chart.rendering import ABOUT, CHART, Objects, component, merged, named, of_kind, pods, render, render_copy

RELEASED = Path(__file__).parent / "released"
VERSION = ABOUT["version"]
# By kind what the API server refuses to change. Of a Job it is nearly all: its name is made of it (TestTheMigration).
IMMUTABLE = {
    "Deployment": ["spec.selector"],
    "RoleBinding": ["roleRef"],
    "Service": ["spec.clusterIP", "spec.clusterIPs", "spec.type"],
    "Secret": ["type", "immutable"],
    "ConfigMap": ["immutable"],
}

SUBJECTS = [{"kind": "User", "name": "a"}]


def fixed(objects: Objects) -> dict[str, Any]:
    """What cannot be changed of each object, by kind and name."""
    found = {}
    for each in objects:
        parts = {path: value for path in IMMUTABLE.get(each["kind"], []) if (value := _get(each, path)) is not None}
        if parts:
            found[f"{each['kind']}/{each['metadata']['name']}"] = parts
    return found


def _get(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def snapshot() -> dict[str, Any]:
    """Of the shapes that have every object among them."""
    shapes = [shape for shape in SHAPES if shape.startswith(("a trial of", "everything of"))]
    return {shape: fixed(render(SHAPES[shape])) for shape in shapes}


def migration(objects: Objects) -> str:
    (job,) = (each for each in of_kind(objects, "Job") if component(each) == "migration")
    return str(job["metadata"]["name"])


def templates(objects: Objects) -> dict[str, Any]:
    return dict(pods(objects))


class TestWhatWasReleased:
    @pytest.mark.parametrize("path", sorted(RELEASED.glob("*.json")), ids=lambda path: path.stem)
    def test_what_cannot_be_changed_is_as_it_was(self, path: Path) -> None:
        before = json.loads(path.read_text(encoding="utf-8"))
        for shape, objects in before.items():
            now = fixed(render(SHAPES[shape]))
            both = objects.keys() & now.keys()
            assert len(both) > 1, shape
            assert {name: now[name] for name in both} == {name: objects[name] for name in both}, shape

    def test_this_version_has_its_file(self) -> None:
        """Made before it is published; a version with another content would be another version."""
        assert (RELEASED / f"{VERSION}.json").is_file(), "write it: python -m tests.chart.test_upgrades"

    def test_a_changed_selector_would_be_seen(self) -> None:
        objects = json.loads(json.dumps(render(production())))
        named(objects, "Deployment", "own")["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] = "other"
        assert fixed(objects) != fixed(render(production()))


class TestTheMigration:
    @pytest.mark.parametrize("change", [
        {"image": {"digest": "sha256:" + "3" * 64}}, {"settings": {"CAREWAY_LOCK_TIMEOUT_SECONDS": 9}}, {"hosts": ["a"]},
        {"database": {"host": "other.example.org"}}, {"nodeSelector": {"a": "b"}}, {"labels": {"a": "b"}},
        {"jobResources": {"limits": {"memory": "1Gi"}}}, {"secrets": {"existing": "other"}},
    ])  # fmt: skip
    def test_what_its_pods_are_made_of_is_in_its_name(self, change: dict[str, Any]) -> None:
        assert migration(render(production())) != migration(render(merged(production(), change)))

    @pytest.mark.parametrize("change", [
        {"replicas": 5}, {"autoscaling": {"enabled": True}}, {"podDisruptionBudget": {"enabled": False}},
        {"resources": {"limits": {"memory": "1Gi"}}}, {"preStopSeconds": 30}, {"podAnnotations": {"a": "b"}},
        {"networkPolicy": {"egress": {"aws": [{"cidr": "10.0.0.0/8"}]}}}, {"team": {"enabled": True, "subjects": SUBJECTS}},
        {"jobs": {"purge-idempotency": {"suspend": True}}}, {"tests": {"asJob": True}}, {"sidecars": [{"name": "a", "image": "a"}]},
        {"serviceAccount": {"annotations": {"a": "b"}}}, {"exportHistory": {"claim": "a"}}, {"affinity": {"podAffinity": {}}},
        {"readinessProbe": {"periodSeconds": 9}}, {"resourceQuota": {"pods": 9}},
    ])  # fmt: skip
    def test_nothing_else_is(self, change: dict[str, Any]) -> None:
        assert migration(render(production())) == migration(render(merged(production(), change)))

    @pytest.mark.parametrize("shape", SHAPES)
    def test_one_name_is_one_content(self, shape: str) -> None:
        """Rendered twice, as Argo CD does, a Job is the same one, down to the last field."""
        jobs = [
            {each["metadata"]["name"]: each["spec"] for each in of_kind(render_copy(SHAPES[shape], CHART), "Job")}
            for _ in range(2)
        ]
        assert jobs[0] == jobs[1]

    def test_a_chart_that_makes_other_jobs_of_the_same_pods_names_them_otherwise(self, tmp_path: Path) -> None:
        """What is outside of a Job's pods is immutable too."""
        chart = _edited(tmp_path, "templates/job.yaml", "type: DisruptionTarget", "type: PodReadyToStartContainers")
        assert migration(render_copy(production(), chart)) != migration(render(production()))

    def test_the_command_and_the_chart_mean_the_same_by_later(self) -> None:
        assert LATER == housekeeping.LATER


class TestAnotherVersion:
    @pytest.mark.parametrize("values", [trial(ASKING), everything()], ids=["trial", "everything"])
    def test_another_chart_alone_replaces_no_pod(self, values: dict[str, Any], tmp_path: Path) -> None:
        chart = _edited(tmp_path, "Chart.yaml", f"version: {VERSION}\n", "version: 9.9.9\n")
        before, after = (json.dumps(templates(each)) for each in (render(values), render_copy(values, chart)))
        # A trial's password is random where Helm sees no cluster; the rest is the same.
        random = r'"careway/password": "[0-9a-f]{64}"'
        assert re.sub(random, "", before) == re.sub(random, "", after)

    def test_another_image_replaces_them(self, tmp_path: Path) -> None:
        other = merged(production(), {"image": {"digest": "sha256:" + "3" * 64}})
        before, after = templates(render(production())), templates(render(other))
        assert before.keys() & after.keys() >= {"Deployment/own"}
        assert before["Deployment/own"] != after["Deployment/own"]


def _edited(folder: Path, name: str, old: str, new: str) -> Path:
    chart = folder / "chart"
    shutil.copytree(CHART, chart)
    text = (chart / name).read_text(encoding="utf-8")
    assert old in text
    (chart / name).write_text(text.replace(old, new), encoding="utf-8")
    return chart


if __name__ == "__main__":
    path = RELEASED / f"{VERSION}.json"
    if path.exists():
        sys.exit(f"{path.name} is there: a published version is not written again.")
    path.write_text(json.dumps(snapshot(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
