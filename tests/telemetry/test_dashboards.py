"""Every query of every panel, asked of live stores that a real run has filled: no error, no unknown name, nothing empty."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import pytest
import yaml

from tests.servers import ROOT
from tests.telemetry.services import RELEASES
from tests.telemetry.stores import Loki, Prometheus
from tests.telemetry.walk import LINK_ROUTE, Walk

# The servers are started once, in one process.
pytestmark = pytest.mark.xdist_group("stores")

FOLDER = ROOT / "chart" / "files" / "dashboards"
GRAFANA = ROOT / "observability" / "grafana" / "datasources.yaml"
# What Grafana fills in by itself. A rate needs some exports, which come every second; the walk takes longer than this.
BUILT_IN = {"__rate_interval": "15s", "__interval": "5s", "__auto": "15s", "__range": "1m"}
VARIABLE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}|\[\[(\w+)\]\]|\$(\w+)")
# Whose panels: those that both services have, or one.
OF = {"ingestion": ["genomics"], "links": ["clinical"]}
# Prometheus makes it of alerts, with the labels that the rules set; while all is well it has none of ours.
ALERTS = "ALERTS"
OF_ALERTS = {"alertname", "alertstate", "severity", "team", "service", "namespace", "release"}
OF_RELEASES = {"k8s_namespace_name", "k8s_deployment_name", "namespace", "release"}
# Labels that a query makes itself.
MADE = {"window"}


class Choice(NamedTuple):
    """What somebody has chosen above the panels."""

    name: str
    namespace: str
    release: str


# As Grafana fills in "All".
ALL = Choice("all", ".*", ".*")
CHOICES = {service: Choice(service, release.namespace, service) for service, release in RELEASES.items()}


class Query(NamedTuple):
    """One query of a panel, for one choice."""

    dashboard: str
    panel: str
    source: str
    text: str
    instant: bool
    choice: Choice

    def __str__(self) -> str:
        return f"{self.dashboard}-{self.panel}-{self.choice.name}"


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def filled(text: str, variables: Mapping[str, str]) -> str:
    """As Grafana asks; a variable that nobody defines is none, and stands in what the store refuses."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[3]
        return variables.get(name, found[0])

    return VARIABLE.sub(value, text)


def variables_of(dashboard: Mapping[str, Any], choice: Choice) -> dict[str, str]:
    """Those that choose a release; the others as they are when nobody has chosen."""
    given = {}
    for each in dashboard["templating"]["list"]:
        if each["type"] in {"textbox", "constant", "custom"}:
            given[each["name"]] = str(each.get("current", {}).get("value", "") or each.get("query", ""))
    return {**BUILT_IN, **given, "namespace": choice.namespace, "release": choice.release}


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All of them, those of folded rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries() -> Iterator[Query]:
    for name, dashboard in dashboards().items():
        for choice in (ALL, *(CHOICES[service] for service in OF.get(name, RELEASES))):
            variables = variables_of(dashboard, choice)
            for panel in panels(dashboard):
                for target in panel.get("targets", []):
                    source = (target.get("datasource") or panel["datasource"])["type"]
                    text = filled(target.get("expr", ""), variables)
                    yield Query(name, panel["title"], source, text, bool(target.get("instant")), choice)


def of(source: str) -> list[Query]:
    return [query for query in queries() if query.source == source]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a syntax tree of PromQL."""
    if isinstance(tree, dict):
        yield tree
        for inner in tree.values():
            yield from nodes(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from nodes(inner)


class Selected(NamedTuple):
    """A choice of series in a query: the metric, or a pattern of metrics, and what is asked of its labels."""

    name: str
    matchers: list[tuple[str, str, str]]


def selected(tree: Any) -> Iterator[Selected]:
    for node in nodes(tree):
        if node.get("type") in {"vectorSelector", "matrixSelector"}:
            every = [(each["name"], each["type"], each["value"]) for each in node["matchers"] or ()]
            name = next((value for label, _, value in every if label == "__name__"), node["name"])
            yield Selected(name, [each for each in every if each[0] != "__name__"])


def told(samples: list[Any]) -> bool:
    return any(not math.isnan(sample.value) for sample in samples)


@pytest.fixture(scope="module")
def shown(walkthrough: Walk, recorded: float) -> tuple[float, float]:
    """What is looked at: from the walk's beginning until the rules have told all of it."""
    return walkthrough.began, recorded


def test_there_are_four_with_queries_in_each() -> None:
    assert set(dashboards()) == {"service", "ingestion", "links", "database"}
    assert {query.dashboard for query in queries()} == set(dashboards())
    # Of a panel that asks another store nothing would be tried here.
    assert {query.source for query in queries()} == {"prometheus", "loki"}


@pytest.mark.usefixtures("shown")
class TestMetrics:
    @pytest.mark.parametrize("query", of("prometheus"), ids=str)
    def test_the_panel_shows_something(self, query: Query, shown: tuple[float, float], prometheus: Prometheus) -> None:
        start, end = shown
        if query.instant:
            assert told(prometheus.query(query.text, at=end)), query.text
        else:
            assert told(prometheus.over(query.text, start=start, end=end)), query.text

    @pytest.mark.parametrize("query", of("prometheus"), ids=str)
    def test_what_it_asks_for_is_there(self, query: Query, prometheus: Prometheus) -> None:
        """Where a panel has a fall-back, nothing would be seen of a name that is misspelt."""
        assert unknown(prometheus, query.text) == []

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("sum(rate(careway_request_total[1m])) or vector(0)", ["no metric careway_request_total"]),
            ('max(careway_links_pending{result="x"}) or vector(0)', ["no label result of careway_links_pending"]),
            (
                'sum(rate(careway_requests_total{outcome="fail"}[1m])) or vector(0)',
                ["no outcome=fail of careway_requests_total"],
            ),
            ("sum by (route) (careway_requests_total)", ["no label route to group by"]),
            ('count({__name__=~"careway:slo_error:rate.+"}) or vector(0)', ["no metric careway:slo_error:rate.+"]),
        ],
    )
    def test_a_misspelt_name_would_be_seen(self, text: str, words: list[str], prometheus: Prometheus) -> None:
        assert unknown(prometheus, text) == words


def unknown(prometheus: Prometheus, text: str) -> list[str]:
    """What a query names and no series has: metrics, their labels and values, and labels to group by."""
    tree, found = prometheus.parsed(text), []
    for chosen in selected(tree):
        labels = labels_of(prometheus, chosen.name)
        if not labels:
            found.append(f"no metric {chosen.name}")
            continue
        for label, kind, value in chosen.matchers:
            if label not in labels:
                found.append(f"no label {label} of {chosen.name}")
            # Not every release has every metric; and what an alert will say is not known before.
            elif label not in OF_RELEASES and chosen.name != ALERTS and not fits(labels[label], kind, value):
                found.append(f"no {label}{kind}{value} of {chosen.name}")
    for node in nodes(tree):
        if node.get("type") == "aggregation":
            below = set().union(MADE, *(labels_of(prometheus, chosen.name) for chosen in selected(node["expr"])))
            found += [f"no label {label} to group by" for label in node["grouping"] or () if label not in below]
    return found


def fits(values: set[str], kind: str, value: str) -> bool:
    """Whether any series is chosen; those that are left out, or are without the label, need not be there."""
    return (
        not value
        or kind in {"!=", "!~"}
        or any(value == each if kind == "=" else re.fullmatch(value, each) for each in values)
    )


def labels_of(prometheus: Prometheus, name: str) -> dict[str, set[str]]:
    """The labels of a metric, or of a pattern of metrics, and their values."""
    found: dict[str, set[str]] = {}
    for metric, labels in labels_of_all(prometheus).items():
        if re.fullmatch(name, metric):
            for label, values in labels.items():
                found.setdefault(label, set()).update(values)
    return {label: {""} for label in OF_ALERTS} if name == ALERTS else found


@cache
def labels_of_all(prometheus: Prometheus) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for sample in prometheus.query('{__name__=~".+"}'):
        labels = found.setdefault(sample.labels["__name__"], {})
        for label, value in sample.labels.items():
            labels.setdefault(label, set()).add(value)
    return found


class TestLogs:
    @pytest.mark.parametrize("query", of("loki"), ids=str)
    def test_the_panel_shows_something(self, query: Query, shown: tuple[float, float], loki: Loki) -> None:
        start, end = shown
        assert loki.over(query.text, start=start, end=end), query.text


class TestTheWayFromATrace:
    def test_it_leads_to_the_lines_of_both_services(self, walkthrough: Walk, loki: Loki) -> None:
        sources = yaml.safe_load(GRAFANA.read_text(encoding="utf-8"))["datasources"]
        (way,) = [each["jsonData"]["tracesToLogsV2"] for each in sources if each["type"] == "jaeger"]
        (call, *_) = walkthrough.of("clinical", "POST", LINK_ROUTE, 201)
        lines = loki.lines(way["query"].replace("$${__trace.traceId}", call.trace_id))
        assert {each.labels["service_name"] for each in lines} == {release.name for release in RELEASES.values()}
        assert {each.metadata["trace_id"] for each in lines} == {call.trace_id}


class TestChoices:
    """What a person chooses from: the variables of a dashboard."""

    @pytest.mark.parametrize("name", dashboards())
    def test_both_releases_can_be_chosen(self, name: str, walkthrough: Walk, prometheus: Prometheus) -> None:
        asked = {
            each["name"]: each["query"]["query"] if isinstance(each["query"], dict) else each["query"]
            for each in dashboards()[name]["templating"]["list"]
            if each["type"] == "query"
        }
        assert set(asked) >= {"namespace", "release"}
        for choice in (CHOICES[service] for service in OF.get(name, RELEASES)):
            for variable, wanted in (("namespace", choice.namespace), ("release", choice.release)):
                text = filled(asked[variable], {"namespace": choice.namespace})
                metric, _, label = text.removeprefix("label_values(").removesuffix(")").rpartition(",")
                found = {sample.labels.get(label.strip()) for sample in prometheus.query(metric)}
                assert wanted in found, text
