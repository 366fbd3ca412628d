"""Objectives as rules: windows and factors of the Workbook, who is woken by what, and no release that speaks for another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml
from opentelemetry.instrumentation._semconv import HTTP_DURATION_HISTOGRAM_BUCKETS_NEW

from observability.rules import RulesError, rendered
from tests.chart.releases import ASKING, FIRST, FORMATS, SERVICES, watched
from tests.chart.rendering import Objects, at, merged, named, of_kind, render
from tests.chart.values import schema_of

SLOS = ("availability", "latency")
# Severity, long and short window, factor: for 30 days table 5-8 of the Workbook, for others the same parts of the period.
WINDOWS = {
    30: [("page", "1h", "5m", "14.4"), ("page", "6h", "30m", "6"), ("ticket", "3d", "6h", "1")],
    28: [("page", "56m", "280s", "14.4"), ("page", "336m", "28m", "6"), ("ticket", "4032m", "336m", "1")],
    7: [("page", "14m", "70s", "14.4"), ("page", "84m", "7m", "6"), ("ticket", "1008m", "84m", "1")],
    3: [("page", "6m", "30s", "14.4"), ("page", "36m", "3m", "6"), ("ticket", "432m", "36m", "1")],
}
GUARDS = {30: "120 / 3600", 28: "120 / 3360", 7: "120 / 840", 3: "120 / 360"}
COMMON = {
    *(
        "CarewayAvailabilityBudgetBurn",
        "CarewayLatencyBudgetBurn",
        "CarewayDatabaseUnreachable",
        "CarewayTelemetryAbsent",
        "CarewayEverybodyRefused",
    ),
    *("CarewayDatabaseConnectionsNearLimit", "CarewayMigrationsPending", "CarewayKeySetStale"),
    "CarewayCertificateExpiring",
}
OWN = {"genomics": {"CarewayIngestionFailing"}, "clinical": {"CarewayLinksPending"}}
LASTING = re.compile(
    r"careway:slo_errors:rate(\w+)\{[^}]*\} / clamp_min\(careway:slo_requests:rate(\w+)\{[^}]*\}, (\d+ / \d+)\) > ([\d.]+) \* ([\d.]+)"
)  # fmt: skip


def with_period(days: int, rules: str = "configmap", service: str = FIRST) -> dict[str, Any]:
    """The windows of three days are so short that exports have to come more often."""
    return merged(
        watched(service, rules), {"slo": {slo: {"period": days} for slo in SLOS}, "telemetry": {"exportSeconds": 5}}
    )


def groups(objects: Objects) -> list[dict[str, Any]]:
    """Of a release, whatever object the plain rules are in."""
    for each in of_kind(objects, "PrometheusRule"):
        return list(each["spec"]["groups"])
    (found,) = (each for each in of_kind(objects, "ConfigMap") if "rules.yaml" in each["data"])
    return list(yaml.safe_load(found["data"]["rules.yaml"])["groups"])


def rules(objects: Objects, kind: str = "") -> list[dict[str, Any]]:
    return [rule for group in groups(objects) for rule in group["rules"] if not kind or kind in rule]


def burns(objects: Objects, slo: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The alerts of an objective by severity."""
    for rule in rules(objects, "alert"):
        if rule["labels"].get("slo") == slo:
            yield rule["labels"]["severity"], rule


def expressions(objects: Objects) -> list[str]:
    """Everything that somebody evaluates, in every format."""
    found = [rule["expr"] for rule in rules(objects)]
    for each in of_kind(objects, "PrometheusServiceLevel"):
        for slo in each["spec"]["slos"]:
            found += [query.replace("{{.window}}", "5m") for query in slo["sli"]["events"].values()]
    for each in of_kind(objects, "ServiceLevelObjective"):
        for indicator in each["spec"]["indicator"].values():
            found += [inner["metric"] for inner in indicator.values()]
    return found


class TestTheArithmetic:
    @pytest.mark.parametrize("slo", SLOS)
    @pytest.mark.parametrize("days", WINDOWS)
    def test_windows_and_factors_are_those_of_the_table(self, days: int, slo: str) -> None:
        seen = []
        for severity, rule in burns(render(with_period(days)), slo):
            halves = LASTING.findall(rule["expr"])
            for long, short in zip(halves[::2], halves[1::2], strict=True):
                # Errors and requests of one window; one guard, one factor and one budget for both windows.
                assert (long[0], short[0], long[2:]) == (long[1], short[1], short[2:])
                assert long[2] == GUARDS[days]
                seen.append((severity, long[0], short[0], long[3]))
        assert seen == WINDOWS[days]

    @pytest.mark.parametrize("days", WINDOWS)
    def test_what_an_alert_reads_is_recorded(self, days: int) -> None:
        objects = render(with_period(days))
        recorded = {(rule["record"], rule["labels"]["slo"]) for rule in rules(objects, "record")}
        read = {
            pair for rule in rules(objects) for pair in re.findall(r'(careway:slo_\w+:\w+)\{slo="(\w+)"', rule["expr"])
        }
        assert read <= recorded
        assert len(recorded) == 2 * (2 * 6 + 2)

    @pytest.mark.parametrize(("objective", "share", "budget"), [
        (99.9, "0.999", "0.001"), (99.99, "0.9999", "0.0001"), (99.95, "0.9995", "0.0005"), (99, "0.99", "0.01"), (95.5, "0.955", "0.045"),
    ])  # fmt: skip
    def test_a_budget_has_no_noise(self, objective: float, share: str, budget: str) -> None:
        promised = {"objective": objective, "minimumTraffic": 2000}
        objects = render(merged(watched(), at("slo.availability", promised)))
        kept = [rule for rule in rules(objects, "record") if rule["record"] == "careway:slo_objective:ratio"]
        assert kept[0]["labels"]["slo"] == "availability"
        assert kept[0]["expr"] == f"vector({share})"
        assert {LASTING.search(rule["expr"])[5] for _, rule in burns(objects, "availability")} == {budget}  # type: ignore[index]

    def test_a_threshold_is_a_bound_of_the_histogram(self) -> None:
        assert schema_of("slo.latency.threshold")["enum"] == list(HTTP_DURATION_HISTOGRAM_BUCKETS_NEW)

    @pytest.mark.parametrize(
        ("threshold", "bound"), [(0.5, 'le="0.5"'), (7.5, 'le="7.5"'), (1, 'le=~"1([.]0)?"'), (10, 'le=~"10([.]0)?"')]
    )
    def test_a_whole_bound_is_found_however_it_is_written(self, threshold: float, bound: str) -> None:
        objects = render(merged(watched(), at("slo.latency.threshold", threshold)))
        assert [rule["record"] for rule in rules(objects) if bound in rule["expr"]] == ["careway:slo_errors:rate5m"]


class TestExpressions:
    @pytest.mark.parametrize("chosen", FORMATS)
    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("days", WINDOWS)
    def test_prometheus_reads_them_all(self, days: int, service: str, chosen: str) -> None:
        found = expressions(render(with_period(days, chosen, service)))
        assert len(found) > 8
        for each in found:
            promql_parser.parse(each)

    @pytest.mark.parametrize("service", SERVICES)
    def test_what_rings_keeps_no_label_of_a_pod(self, service: str) -> None:
        """A pod that ends would end its alert, and the next one ring another."""
        for rule in rules(render(watched(service)), "alert"):
            if "slo" not in rule["labels"]:
                assert bare(promql_parser.parse(rule["expr"])) == [], rule["alert"]

    def test_a_label_that_is_kept_would_be_seen(self) -> None:
        assert bare(promql_parser.parse('careway_links_pending_age_seconds{job="a"} > 5')) == [
            "careway_links_pending_age_seconds"
        ]

    @pytest.mark.parametrize("service", SERVICES)
    def test_every_series_is_the_release_s_own(self, service: str) -> None:
        recorded = f'service="{service}",namespace="team",release="own"'
        for text in expressions(render(watched(service))):
            for name, matchers in re.findall(r"([a-z_:][\w:]*)\{([^}]*)\}", text):
                own = recorded if name.startswith("careway:") else 'k8s_deployment_name="own",k8s_namespace_name="team"'
                assert own in matchers, text


def bare(expression: Any) -> list[str]:
    """The selectors that nothing aggregates."""
    if isinstance(expression, promql_parser.AggregateExpr):
        return []
    if isinstance(expression, promql_parser.VectorSelector):
        return [str(expression.name)]
    parts = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    return [name for part in [*parts, *getattr(expression, "args", [])] if part is not None for name in bare(part)]


class TestAlerts:
    @pytest.mark.parametrize("chosen", ["configmap", "prometheusrule"])
    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_has_those_of_every_service_and_its_own(self, service: str, chosen: str) -> None:
        found = [rule["alert"] for rule in rules(render(watched(service, chosen)), "alert")]
        assert set(found) == COMMON | OWN.get(service, set())
        # Those of the objectives are two, a page and a ticket.
        assert len(found) == len(set(found)) + 2

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("team", ["", "night"])
    def test_each_says_whom_it_wakes_what_is_wrong_and_where_to_read_on(self, service: str, team: str) -> None:
        objects = render(merged(watched(service), at("monitoring.team", team)), release="blue", namespace="ward")
        for rule in rules(objects, "alert"):
            labels = {name: text for name, text in rule["labels"].items() if name != "slo"}
            assert labels.pop("severity") in {"page", "ticket"}
            assert labels == {"team": team or "ward", "service": service, "namespace": "ward", "release": "blue"}
            assert rule["annotations"]["summary"].startswith(f"{service} in ward ")
            assert rule["annotations"]["runbook_url"] == f"https://docs.example.org/runbooks/{rule['alert']}.md"

    def test_a_runbook_s_url_has_one_slash(self) -> None:
        objects = render(merged(watched(), at("monitoring.runbooks", "https://docs.example.org/runbooks/")))
        assert {rule["annotations"]["runbook_url"].count("//") for rule in rules(objects, "alert")} == {1}


class TestTwoReleases:
    @pytest.mark.parametrize("chosen", FORMATS)
    @pytest.mark.parametrize(("one", "other"), [
        (("team", "own"), ("ward", "own")),
        (("team", "own"), ("team", "other")),
        (("team", "a-b"), ("team-a", "b")),
        (("team", "own"), ("team", "own-rules-of-the-other-team-in-this-namespace")),
    ], ids=["namespaces", "one namespace", "one text", "a long name"])  # fmt: skip
    def test_they_share_no_series_no_alert_and_no_dashboard(
        self, one: tuple[str, str], other: tuple[str, str], chosen: str
    ) -> None:
        values = merged(watched(rules=chosen), at("monitoring.dashboards", True))
        first, second = (identities(render(values, release=name, namespace=space)) for space, name in (one, other))
        assert len(first) > 10
        assert not first & second

    def test_the_same_release_is_the_same(self) -> None:
        values = merged(watched(rules="sloth"), at("monitoring.dashboards", True))
        assert identities(render(values)) == identities(render(merged(values, at("replicas", 3))))


def identities(objects: Objects) -> set[Any]:
    """What there may be once in a Prometheus, an Alertmanager and a Grafana."""
    found: set[Any] = {group["name"] for group in groups(objects)}
    for rule in rules(objects):
        found.add((rule.get("record", rule.get("alert")), frozenset(rule["labels"].items())))
    for each in of_kind(objects, "PrometheusServiceLevel"):
        found |= {("sloth", each["spec"]["service"], slo["name"]) for slo in each["spec"]["slos"]}
    for each in of_kind(objects, "ServiceLevelObjective"):
        # Pyrra's series have the equal matchers of the metric as labels, beside the name.
        found.add(("pyrra", each["metadata"]["name"], str(each["spec"]["indicator"])))
    for each in of_kind(objects, "ConfigMap"):
        if "dashboard" in each["metadata"]["name"]:
            for file, text in each["data"].items():
                found |= {file, *re.findall(r'^  "(?:uid|title)": "(.+)"', text, re.MULTILINE)}
    return found


class TestFormats:
    @pytest.mark.parametrize(("objective", "threshold"), [(99.9, 0.25), (99, 1), (95.5, 2.5)])
    def test_all_four_promise_the_same(self, objective: float, threshold: float) -> None:
        change = {
            "slo": {slo: {"objective": objective} for slo in SLOS}
            | {"latency": {"objective": objective, "threshold": threshold}}
        }
        said = [promise(render(merged(watched(rules=chosen), change))) for chosen in FORMATS]
        assert said == [(dict.fromkeys(SLOS, objective), threshold)] * 4

    def test_the_guard_is_in_all_that_can_have_one(self) -> None:
        guarded = [chosen for chosen in FORMATS if "clamp_min(" in str(burning(render(watched(rules=chosen))))]
        assert guarded == ["configmap", "prometheusrule", "sloth"]


def promise(objects: Objects) -> tuple[dict[str, float], float]:
    """The objectives in percent, and the seconds that are in time."""
    text = " ".join(expressions(objects))
    (bound,) = set(re.findall(r'le=~?"([\d.]+)', text))
    if levels := of_kind(objects, "PrometheusServiceLevel"):
        said = {slo["name"]: float(slo["objective"]) for slo in levels[0]["spec"]["slos"]}
    elif levels := of_kind(objects, "ServiceLevelObjective"):
        said = {each["metadata"]["name"].removeprefix("own-"): float(each["spec"]["target"]) for each in levels}
    else:
        kept = [rule for rule in rules(objects, "record") if rule["record"] == "careway:slo_objective:ratio"]
        said = {rule["labels"]["slo"]: round(float(rule["expr"][7:-1]) * 100, 4) for rule in kept}
    return said, float(bound)


def burning(objects: Objects) -> list[Any]:
    """What the burn alerts are made of, without the rules that are recorded."""
    plain = [rule["expr"] for rule in rules(objects, "alert") if "slo" in rule["labels"]]
    levels = of_kind(objects, "PrometheusServiceLevel", "ServiceLevelObjective")
    totals = [slo["sli"]["events"]["totalQuery"] for each in levels for slo in each["spec"].get("slos", [])]
    return [*plain, *totals, *(each["spec"]["indicator"] for each in levels if "indicator" in each["spec"])]


class TestTheText:
    @pytest.mark.parametrize("service", SERVICES)
    def test_it_is_what_the_config_map_holds(self, service: str) -> None:
        objects = render(watched(service), release="blue", namespace="ward")
        text = rendered(service, release="blue", namespace="ward")
        assert text.strip() == named(objects, "ConfigMap", "blue-rules")["data"]["rules.yaml"].strip()

    def test_values_go_before_the_least_ones(self) -> None:
        text = rendered(FIRST, release="own", namespace="team", values={"monitoring": {"team": "night"}})
        assert 'team: "night"' in text
        assert "https://docs.example.org/runbooks/" in text

    def test_a_refusal_is_told(self) -> None:
        with pytest.raises(RulesError, match=r"slo\.availability\.period is 3 days"):
            rendered(ASKING, release="own", namespace="team", values=at("slo.availability.period", 3))
