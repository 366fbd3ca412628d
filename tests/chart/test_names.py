"""Names are valid however long a release's is, and two releases in one namespace do not touch each other."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.chart.promises.release import selects
from tests.chart.releases import ASKING, FIRST, SHAPES, everything, production, trial
from tests.chart.rendering import CHART, Objects, merged, of_kind, pods, render

LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# The controller adds eleven characters to a CronJob's name, and a pod's is a label.
MOST = {"CronJob": 52, "Job": 63, "Service": 63, "Deployment": 63, "Pod": 63}
LONGEST = "an-analysis-service-of-the-genomics-team-in-production"[:53]


class TestNames:
    @pytest.mark.parametrize("release", ["a", "genomics", LONGEST, "a" * 34, "a" * 35, "a" * 26 + "-" * 3 + "b" * 24])
    @pytest.mark.parametrize(
        "values", [trial(ASKING), everything(ASKING), SHAPES["tests as jobs"]], ids=["trial", "full", "jobs"]
    )
    def test_they_are_valid(self, values: dict[str, Any], release: str) -> None:
        for each in render(values, release=release):
            name = each["metadata"]["name"]
            assert SERVICE_NAME.fullmatch(name), name
            assert len(name) <= MOST.get(each["kind"], 63), name

    @pytest.mark.parametrize("release", ["a", LONGEST])
    def test_labels_are_valid_too(self, release: str) -> None:
        objects = render(everything(ASKING), release=release)
        heads = [each["metadata"] for each in [*objects, *(pod for _, pod in pods(objects))]]
        labels = [head.get("labels", {}) for head in heads]
        assert [text for each in labels for text in each.values() if not LABEL.fullmatch(text)] == []

    def test_a_long_name_is_not_that_of_another_long_name(self) -> None:
        one, other = (render(trial(), release=LONGEST[:-1] + end) for end in "xy")
        assert not names(one) & names(other)

    @pytest.mark.parametrize("word", ["123", "true", "null"])
    def test_a_namespace_may_look_like_a_number_or_a_word(self, word: str) -> None:
        assert {each["metadata"]["namespace"] for each in render(production(), namespace=word)} == {word}

    @pytest.mark.parametrize("word", ["123", "true", "null", "1e3"])
    def test_so_may_what_values_name(self, word: str) -> None:
        named = {
            "keySets": word,
            "priorityClassName": word,
            "secrets": {"existing": word},
            "database": {"caConfigMap": word},
        }
        (pod, *_) = (pod["spec"] for _, pod in pods(render(merged(production(), named))))
        volumes = {each["name"]: each for each in pod["volumes"]}
        assert volumes["secrets"]["secret"]["secretName"] == word
        assert [volumes[name]["configMap"]["name"] for name in ("key-sets", "database-ca")] == [word, word]
        assert pod["priorityClassName"] == word


def names(objects: Objects) -> set[tuple[str, str]]:
    return {(each["kind"], each["metadata"]["name"]) for each in objects}


class TestTwoReleases:
    @pytest.mark.parametrize(("one", "other"), [
        ("genomics", "clinical"), ("genomics", "genomics-test"), ("a", "a-migrate"), ("a", "a-deny"), ("a", "a-within"),
    ])  # fmt: skip
    @pytest.mark.parametrize("shapes", [
        (f"a trial of {FIRST}", f"a trial of {ASKING}"),
        (f"everything of {FIRST}", f"everything of {ASKING}"),
    ], ids=["trials", "full"])  # fmt: skip
    def test_they_have_no_object_in_common(self, one: str, other: str, shapes: tuple[str, str]) -> None:
        first, second = (render(SHAPES[shape], release=name) for shape, name in zip(shapes, (one, other), strict=True))
        assert not names(first) & names(second)

    @pytest.mark.parametrize(
        "shapes", list(itertools.product([f"a trial of {FIRST}", f"everything of {FIRST}"], repeat=2))
    )
    def test_no_selector_takes_a_pod_of_the_other(self, shapes: tuple[str, str]) -> None:
        first, second = (render(SHAPES[shape], release=name) for shape, name in zip(shapes, ("a", "a-b"), strict=True))
        for mine, others in ((first, second), (second, first)):
            strangers = [pod["metadata"]["labels"] for _, pod in pods(others)]
            found = list(selectors(mine))
            assert len(found) > 8
            assert [each for each in found for labels in strangers if selects(each, labels)] == []

    def test_a_route_of_one_is_not_that_of_the_other(self) -> None:
        (route,) = of_kind(render(everything(ASKING)), "HTTPRoute")
        assert [match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]] == [
            f"/{ASKING}"
        ]


def selectors(objects: Objects) -> Any:
    """Every selector of pods in the release's own namespace."""
    for each in objects:
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            yield {"matchLabels": spec["selector"]}
        elif each["kind"] == "NetworkPolicy":
            yield spec["podSelector"]
            for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
                for party in rule.get("from") or rule["to"]:
                    if "podSelector" in party and "namespaceSelector" not in party:
                        yield party["podSelector"]
        elif "selector" in spec:
            yield spec["selector"]
    for _, pod in pods(objects):
        for constraint in pod["spec"].get("topologySpreadConstraints", []):
            yield constraint["labelSelector"]


def test_nothing_is_named_by_a_revision() -> None:
    """It is 1 in every `helm template`, so two renderings would be one immutable Job."""
    texts = [path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*") if path.is_file()]
    assert not any(re.search(r"\.Release\.(Revision|IsUpgrade|IsInstall)|\bnow\b", text) for text in texts)
