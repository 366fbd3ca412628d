"""collector-aws.yaml over collector.yaml: run as the real collector merges both, with what is not built here replaced."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from opentelemetry.metrics import ObservableCounter

from chassis.instrumentation import OUTCOMES
from observability.rules import merged, rendered, services
from observability.stack import SERVERS, VARIABLE, Stack, free_ports
from tests.chassis.test_metrics import documented, instruments
from tests.collector import Collector, Traced, eventually
from tests.observability.test_collector import is_of_this_house
from tests.observability.test_net import CANARY, pairs, send, span, spans
from tests.test_house import ROOT

TEXT = (ROOT / "observability" / "collector-aws.yaml").read_text(encoding="utf-8")
AWS = yaml.safe_load(TEXT)
BASE = yaml.safe_load((ROOT / "observability" / "collector.yaml").read_text(encoding="utf-8"))
HEAD = TEXT.split("\n\n", 1)[0]
EMF = AWS["exporters"]["awsemf"]
(DECLARED,) = AWS["processors"]["filter/declared"]["metrics"]["metric"]
GROUP = "${env:LOG_GROUP_PREFIX}/"
# The service whose lines each exporter of logs is for.
GROUPS = {
    name: str(each["log_group_name"]).removeprefix(GROUP) for name, each in AWS["exporters"].items() if "cloud" in name
}
OF_AWS = [name for name in AWS["exporters"] if name.startswith("aws")]
OURS = pytest.mark.skipif(
    not is_of_this_house(), reason="The collector's services are not this house's yet: docs/copying.md, What waits."
)


class Overlaid(Stack):
    """A Prometheus that is written to, and a collector of both files, whose exporters of AWS send OTLP to `stores`."""

    def __init__(self, folder: Path, stores: Mapping[str, Collector]) -> None:
        super().__init__(folder, ports=free_ports(), decision_wait="100ms")
        self._stores = stores

    def write(self) -> None:
        super().write()
        (self.folder / "collector-aws.yaml").write_text(yaml.safe_dump(self._overlay()), encoding="utf-8")

    def _overlay(self) -> Any:
        variables = {"METRICS_REMOTE_WRITE_URL": f"{self.url('prometheus')}/api/v1/write"}
        overlay = yaml.safe_load(VARIABLE.sub(lambda found: variables.get(found["name"], "unused"), TEXT))
        del overlay["extensions"], overlay["exporters"]["prometheusremotewrite"]["auth"]
        overlay["service"]["extensions"].remove("sigv4auth")
        del overlay["processors"]["cumulativetodelta"]
        for name in OF_AWS:
            del overlay["exporters"][name]
            overlay["exporters"][f"otlp_http/{name}"] = {"endpoint": self._stores[name].url}
        for parts in overlay["service"]["pipelines"].values():
            parts["processors"] = [each for each in parts["processors"] if each != "cumulativetodelta"]
            parts["exporters"] = [f"otlp_http/{each}" if each in OF_AWS else each for each in parts["exporters"]]
        return overlay

    def found(self, query: str) -> list[dict[str, str]]:
        """The labels of each series that Prometheus has of it."""
        asked = f"{self.url('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(asked) as answer:
            return [each["metric"] for each in json.load(answer)["data"]["result"]]


Running = tuple[Overlaid, dict[str, Collector]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as opened, pytest.MonkeyPatch.context() as changed:
        stores = {name: opened.enter_context(Collector()) for name in OF_AWS}
        stack = Overlaid(tmp_path_factory.mktemp("aws"), stores)
        if missing := {"otelcol", "prometheus"} & {*stack.missing()}:
            pytest.skip(f"Not on PATH: {', '.join(sorted(missing))}. collector-aws.yaml cannot be run without.")
        for name, argument in (
            ("collector", "--config=collector-aws.yaml"),
            ("prometheus", "--web.enable-remote-write-receiver"),
        ):
            server = SERVERS[name]
            changed.setitem(SERVERS, name, server._replace(arguments=(*server.arguments, argument)))
        try:
            stack.start("prometheus", "collector")
            yield stack, stores
        finally:
            stack.stop()


def units() -> dict[str, str]:
    """Of every instrument, also of those that the instrumentations make: tests/chassis/test_metrics.py holds them to the code."""
    documents = [ROOT / "docs" / f"{name}.md" for name in ("operating", *settings.AVAILABLE_SERVICES)]
    return {name: unit for each in documents for name, unit in documented(each, "## Metrics").items()}


def metric(name: str, counters: set[str], *points: dict[str, str]) -> dict[str, Any]:
    """As an SDK would send it, cumulative, with a data point of each attributes."""
    now = {"startTimeUnixNano": str(time.time_ns() - 10**9), "timeUnixNano": str(time.time_ns())}
    given = [{**now, "attributes": pairs(**each)} for each in points]
    about = {"name": name, "unit": units().get(name, "")}
    if name.endswith(".duration"):
        one = {"count": "1", "sum": 0.1, "bucketCounts": ["1", "0"], "explicitBounds": [0.5]}
        return about | {"histogram": {"aggregationTemporality": 2, "dataPoints": [each | one for each in given]}}
    given = [each | {"asInt": "1"} for each in given]
    if name in counters:
        return about | {"sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": given}}
    return about | {"gauge": {"dataPoints": given}}


def all_metrics(service: str) -> dict[str, Any]:
    """What a worker of a service might send: every instrument, with the attributes that the rules choose by."""
    modules = [import_module(f"{each}.metrics") for each in ("chassis", *settings.AVAILABLE_SERVICES)]
    found = [each for module in modules for each in instruments(module)]
    counters = {each._name for each in found if issubclass(type(each), ObservableCounter)}
    about = {"api": service, "http__route": f"{service}/v1/a", "http__response__status_code": "200", "patient": CANARY}
    points = [about | {"outcome": outcome} for outcome in OUTCOMES]
    resource = pairs(
        service__name=f"careway-{service}", service__instance__id="worker", process__command_args=CANARY,
        k8s__namespace__name="analyses", k8s__deployment__name=service,
    )  # fmt: skip
    scope = {"scope": {"name": "scope"}, "metrics": [metric(name, counters, *points) for name in units()]}
    return {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [scope]}]}


def is_declared(name: str) -> bool:
    """Whether EMF makes a metric of it."""
    return any(re.search(each, name) for one in EMF["metric_declarations"] for each in one["metric_name_selectors"])


def passes() -> Callable[[str], bool]:
    """Whether the filter lets a name through to EMF."""
    pattern = re.fullmatch(r'not IsMatch\(name, "(.*)"\)', DECLARED)
    assert pattern
    return lambda name: bool(re.search(pattern[1], name))


class TestTheMergedFiles:
    def test_a_line_goes_to_the_group_of_its_service_and_nowhere_else(self, running: Running) -> None:
        stack, stores = running
        names = [f"careway-{each}" for each in (*GROUPS.values(), "other")] + ["careway", "somebody"]
        record = {"body": {"stringValue": "request"}, "attributes": pairs(route="a", name=CANARY)}
        scope = {"scope": {"name": "careway.request"}, "logRecords": [record]}
        send(stack, "logs", {
            "resourceLogs": [{"resource": {"attributes": pairs(service__name=each)}, "scopeLogs": [scope]} for each in names]
        })  # fmt: skip
        for exporter, service in GROUPS.items():
            (found,) = eventually(stores[exporter].logs)
            assert (found.resource, found.body) == ({"service.name": f"careway-{service}"}, "request")
            assert found.attributes == {"route": "a"}

    def test_what_was_dropped_is_in_no_store(self, running: Running) -> None:
        stack, stores = running
        send(stack, "metrics", all_metrics(services()[0]))
        assert eventually(stores["awsemf"].points)
        assert [each.attributes for each in stores["awsemf"].points() if "patient" in each.attributes] == []
        found = eventually(lambda: stack.found('{__name__=~"careway_.+|http_.+|target_info"}'))
        assert len({each["__name__"] for each in found}) > 5
        assert CANARY not in json.dumps(found) + "".join(each.all_text() for each in stores.values())

    def test_emf_is_sent_what_is_declared_and_nothing_else(self, running: Running) -> None:
        stack, stores = running
        send(stack, "metrics", all_metrics(services()[0]))
        wanted = {name for name in units() if is_declared(name)}
        assert len(wanted) > 5
        assert eventually(lambda: {each.name for each in stores["awsemf"].points()} >= wanted)
        assert {each.name for each in stores["awsemf"].points()} == wanted

    @OURS
    def test_prometheus_has_what_the_rules_of_the_chart_choose(self, running: Running) -> None:
        stack, _ = running
        for service in services():
            send(stack, "metrics", all_metrics(service))
            rules = yaml.safe_dump(
                yaml.safe_load(rendered(service, release=service, namespace="analyses")), width=10**6
            )
            chosen = set(re.findall(r'\b[a-z_]+\{k8s_deployment_name="[^}]*\}', rules))
            assert len(chosen) > 5
            eventually(lambda chosen=chosen: all(map(stack.found, chosen)))  # type: ignore[misc]
            assert [each for each in chosen if not stack.found(each)] == []

    def test_a_series_has_its_worker_and_its_deployment(self, running: Running) -> None:
        stack, _ = running
        send(stack, "metrics", all_metrics(services()[0]))
        query = f'careway_requests_total{{k8s_namespace_name="analyses",k8s_deployment_name="{services()[0]}"}}'
        found = eventually(lambda: stack.found(query))
        assert {(each["instance"], each["outcome"]) for each in found} == {("worker", outcome) for outcome in OUTCOMES}

    def test_x_ray_is_sent_the_names_that_it_knows_of_what_is_on_the_list(self, running: Running) -> None:
        stack, stores = running
        query = pairs(
            db__system__name="postgresql", db__namespace="a", db__query__text=f"SELECT '{CANARY}'",
            server__address="database", enduser__id=CANARY,
        )  # fmt: skip
        asked = pairs(http__route="b", server__address="clinical", user_agent__original=CANARY)
        whole = spans(
            span(1, kind=3, attributes=query, status={"code": 2}),
            span(1, spanId=f"{2:016x}", kind=3, attributes=asked),
            span(1, spanId=f"{3:016x}", attributes=asked),
        )
        send(stack, "traces", whole)
        found: list[Traced] = eventually(lambda: stores["awsxray"].traced(f"{1:032x}"))
        database, client, server = (each.attributes for each in sorted(found, key=lambda each: each.span.span_id))
        assert database == {
            "db.system.name": "postgresql", "db.namespace": "a", "db.query.text": "SELECT ?", "server.address": "database",
            "db.system": "postgresql", "db.name": "a", "db.statement": "SELECT ?",
        }  # fmt: skip
        assert client == {"http.route": "b", "server.address": "clinical", "peer.service": "clinical"}
        assert server == {"http.route": "b", "server.address": "clinical"}
        assert CANARY not in stores["awsxray"].all_text()


class TestTheFile:
    def test_the_filter_lets_through_what_is_declared(self) -> None:
        names = {*units(), *(f"{each}.other" for each in units()), *(f"other.{each}" for each in units())}
        assert {each for each in names if passes()(each)} == {each for each in names if is_declared(each)}

    @OURS
    def test_each_declaration_is_of_an_instrument(self) -> None:
        for selector in (each for one in EMF["metric_declarations"] for each in one["metric_name_selectors"]):
            assert any(re.search(selector, name) for name in units()), selector

    @OURS
    def test_each_unit_that_cloudwatch_does_not_know_is_a_count(self) -> None:
        counted = {name for name, unit in units().items() if unit.startswith("{") and is_declared(name)}
        assert counted
        assert {each["metric_name"]: each["unit"] for each in EMF["metric_descriptors"]} == dict.fromkeys(
            counted, "Count"
        )
        assert all(each["overwrite"] for each in EMF["metric_descriptors"])

    @OURS
    def test_each_service_has_a_group_of_its_own(self) -> None:
        assert sorted(GROUPS.values()) == sorted(settings.AVAILABLE_SERVICES)

    def test_differences_are_made_of_what_goes_to_emf_and_of_nothing_else(self) -> None:
        whole = {
            name: parts
            for name, parts in AWS["service"]["pipelines"].items()
            if "cumulativetodelta" in parts["processors"]
        }
        assert [each["exporters"] for each in whole.values()] == [["awsemf"]]

    def test_nothing_goes_where_the_file_below_sends_it(self) -> None:
        pipelines = merged(BASE, AWS)["service"]["pipelines"]
        assert BASE["service"]["pipelines"].keys() <= pipelines.keys()
        assert {each for parts in pipelines.values() for each in parts["exporters"]} == set(AWS["exporters"])

    def test_its_head_lists_what_it_reads_and_the_rights_that_the_ground_gives(self) -> None:
        assert set(re.findall(r"^#   ([A-Z_]+) ", HEAD, re.MULTILINE)) == {
            each["name"] for each in VARIABLE.finditer(TEXT)
        }
        role = (ROOT / "terraform" / "modules" / "identity" / "collector.tf").read_text(encoding="utf-8")
        right = re.compile(r"\b(?:aps|logs|xray):[A-Z]\w+")
        assert set(right.findall(HEAD)) == set(right.findall(role))
