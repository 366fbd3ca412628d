"""What telemetry costs: series, bytes of log and spans, printed and bounded.

The bounds are a first run's numbers and a margin: what goes beyond was added by somebody, who has to mean it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers import Server
from tests.telemetry.conftest import Line
from tests.telemetry.services import RELEASES, WORKERS
from tests.telemetry.stores import Jaeger, Loki, Prometheus
from tests.telemetry.walk import LINK_ROUTE, PAGE_ROUTE, VCF_ROUTE, VISIT_ROUTE, Walk

# The servers are started once, in one process.
pytestmark = pytest.mark.xdist_group("stores")

Hold = Callable[[str, str, float, float], None]
# Series of one worker process when every route of the walk was answered once: each route and status is a histogram of
# seventeen series.
SERIES = {"genomics": 700, "clinical": 700}
# Of the rules of one release: two objectives, six windows of three kinds, and what is shown of each.
RULE_SERIES = 36
# Bytes of one request on stdout: its request line and its access line.
STDOUT_BYTES = 1000
# Bytes of the same two records as Loki counts them: texts and metadata, which hold the same members and what OTLP adds.
LOKI_BYTES = 1400
# Spans of one request, all its statements included. Spans of a link are those of both services.
SPANS = {
    ("genomics", "GET", PAGE_ROUTE, 200): 4,
    ("genomics", "PUT", VCF_ROUTE, 201): 14,
    ("clinical", "POST", VISIT_ROUTE, 201): 8,
    ("clinical", "POST", LINK_ROUTE, 201): 16,
}


@pytest.fixture
def bounded(line: Line) -> Hold:
    """Notes a cost, and holds it to its bound. One that is nothing was not measured."""

    def hold(what: str, unit: str, found: float, most: float) -> None:
        line("what telemetry costs", {"cost": what, "found": found, "at most": most, "unit": unit})
        assert 0 < found <= most, f"{what}: {found:.0f} {unit}, and at most {most:.0f} are allowed"

    return hold


@pytest.fixture(params=RELEASES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_series_of_a_worker(service: str, walkthrough: Walk, prometheus: Prometheus, bounded: Hold) -> None:
    found = prometheus.total(f"count({{{RELEASES[service].series}}})", at=walkthrough.ended) / WORKERS[service]
    bounded(f"{service}: a worker after the walk", "series", found, SERIES[service])


def test_series_of_the_rules(service: str, recorded: float, prometheus: Prometheus, bounded: Hold) -> None:
    """However many pods a release has."""
    release = RELEASES[service]
    chosen = f'{{__name__=~"careway:.+",namespace="{release.namespace}",release="{release.service}"}}'
    found = prometheus.total(f"count({chosen})", at=recorded)
    bounded(f"{service}: the rules of a release", "series", found, RULE_SERIES)


def test_bytes_of_a_request_on_stdout(
    service: str, walkthrough: Walk, genomics: Server, clinical: Server, bounded: Hold
) -> None:
    output = {"genomics": genomics, "clinical": clinical}[service].output
    assert output
    lines = (output / "stdout").read_bytes().splitlines(keepends=True)
    requests = [line for line in lines if b'"careway.request"' in line]
    accesses = [line for line in lines if b'"careway.access"' in line]
    assert len(requests) >= walkthrough.kinds(service).total()
    bounded(
        f"{service}: a request on stdout", "bytes", sum(map(len, requests + accesses)) / len(requests), STDOUT_BYTES
    )


def test_bytes_of_a_request_in_loki(service: str, walkthrough: Walk, loki: Loki, bounded: Hold) -> None:
    query = f'{RELEASES[service].stream} | scope_name=~"careway.(request|access)"'
    lines = loki.lines(query, start=walkthrough.began, end=walkthrough.ended)
    found = sum(len(line.text) + sum(len(name) + len(text) for name, text in line.metadata.items()) for line in lines)
    bounded(f"{service}: a request in Loki", "bytes", found / walkthrough.kinds(service).total(), LOKI_BYTES)


@pytest.mark.parametrize("kind", SPANS, ids=lambda kind: f"{kind[1]} {kind[2]}")
def test_spans_of_a_request(kind: tuple[str, str, str, int], walkthrough: Walk, jaeger: Jaeger, bounded: Hold) -> None:
    """The most that one of those had that were kept."""
    service, method, route, status = kind
    kept = jaeger.kept([call.trace_id for call in walkthrough.of(*kind)], RELEASES[service].name)
    found = max(len(jaeger.trace(trace_id)) for trace_id in kept)
    bounded(f"{service}: {method} {route} {status}", "spans", found, SPANS[kind])
