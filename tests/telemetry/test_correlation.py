"""One request is one trace id, in all three stores; and of whole traces the collector keeps what it says it keeps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tests.servers import Server
from tests.telemetry.services import RELEASES
from tests.telemetry.slowness import LOCKED_SECONDS, linked_slowly, locked
from tests.telemetry.stores import Exemplar, Jaeger, Loki, Prometheus, Span, eventually
from tests.telemetry.walk import ANALYSIS_ROUTE, CALLER, LINK_ROUTE, Call, NotingApi, Walk

# The servers are started once, in one process.
pytestmark = pytest.mark.xdist_group("stores")

CLINICAL, GENOMICS = RELEASES["clinical"], RELEASES["genomics"]
# Of each kind; all of them have to be kept.
FAILED = SLOW = 20
# At once: as many as a worker has threads, since a request is timed from its thread on.
TOGETHER = 4
# What the collector keeps of the healthy; and how many standard deviations it may be off: one run in a million is.
SHARE, DEVIATIONS = 0.1, 5
# Without those that a busy machine made slow there must be enough of them to tell a tenth from a fifth.
FEWEST = 150


@pytest.fixture(scope="module")
def call(walkthrough: Walk, genomics: Server, clinical: Server) -> Call:
    return linked_slowly(walkthrough, NotingApi(service="clinical", url=clinical.url), genomics.database)


@pytest.fixture(scope="module")
def exemplar(call: Call, walkthrough: Walk, prometheus: Prometheus) -> Exemplar:
    expr = f'http_server_request_duration_seconds_bucket{{{CLINICAL.series},http_route="{LINK_ROUTE}"}}'

    def found() -> list[Exemplar]:
        exemplars = prometheus.exemplars(expr, start=walkthrough.began)
        return [each for each in exemplars if each.trace_id == call.trace_id]

    return eventually(found)[0]


@pytest.fixture(scope="module")
def spans(call: Call, jaeger: Jaeger) -> list[Span]:
    """Those of both services, which export each for itself."""
    both = {CLINICAL.name, GENOMICS.name}
    eventually(lambda: {span.service for span in jaeger.trace(call.trace_id) if span.kind == "server"} == both)
    return jaeger.trace(call.trace_id)


class TestOneTraceId:
    """Of a link that took long: its trace is kept for that, and nothing newer takes its place in its bucket."""

    def test_prometheus_has_it_as_an_exemplar_of_the_request(
        self, exemplar: Exemplar, spans: list[Span], call: Call
    ) -> None:
        (served,) = [span for span in spans if span.parent_id == CALLER]
        assert exemplar.labels["span_id"] == served.span_id
        assert exemplar.series["http_response_status_code"] == "201"
        assert exemplar.series["service_name"] == CLINICAL.name
        # One measurement: the span begins a little before it, and the client waited a little longer.
        assert exemplar.value == pytest.approx(served.seconds, abs=0.2)
        assert LOCKED_SECONDS / 2 < exemplar.value < call.seconds

    def test_jaeger_has_its_spans_of_both_services_each_below_its_caller(self, spans: list[Span]) -> None:
        (served,) = [span for span in spans if span.parent_id == CALLER]
        (asked,) = [span for span in spans if span.kind == "server" and span.service == GENOMICS.name]
        (call,) = [span for span in spans if span.span_id == asked.parent_id]
        assert (served.service, served.kind, served.name) == (CLINICAL.name, "server", f"POST {LINK_ROUTE}")
        assert (call.service, call.kind, call.parent_id) == (CLINICAL.name, "client", served.span_id)
        assert asked.name == f"GET {ANALYSIS_ROUTE}"
        # Whoever is below somebody is below one of these; nothing hangs in the air.
        known = {span.span_id for span in spans}
        assert [span for span in spans if span.parent_id not in {*known, CALLER}] == []
        statements = [span for span in spans if "db.system.name" in span.tags]
        assert {(span.service, span.parent_id) for span in statements} == {
            (CLINICAL.name, served.span_id),
            (GENOMICS.name, asked.span_id),
        }
        assert {span.resource["k8s.namespace.name"] for span in spans} == {CLINICAL.namespace, GENOMICS.namespace}

    @pytest.mark.parametrize("service", RELEASES)
    def test_loki_has_it_on_the_request_line_of_each_service(
        self, service: str, call: Call, spans: list[Span], loki: Loki
    ) -> None:
        release = RELEASES[service]
        query = f'{release.stream} | trace_id="{call.trace_id}"'
        eventually(
            lambda: {"careway.request", "careway.access"} <= {each.metadata["scope_name"] for each in loki.lines(query)}
        )
        lines = loki.lines(query)
        (line,) = [each for each in lines if each.metadata["scope_name"] == "careway.request"]
        (served,) = [span for span in spans if span.kind == "server" and span.service == release.name]
        assert line.metadata["span_id"] == served.span_id
        assert f"{line.metadata['method']} {line.metadata['route']}" == served.name
        assert int(line.metadata["status"]) == int(served.tags["http.response.status_code"])
        assert [each.text for each in lines if each.metadata["scope_name"] == "careway.access"] == ["access"]


class TestWhatIsKept:
    def test_about_a_tenth_of_the_healthy(self, walkthrough: Walk, jaeger: Jaeger) -> None:
        healthy = [call.trace_id for call in walkthrough.healthy()]
        kept = {trace for release in RELEASES.values() for trace in jaeger.kept(healthy, release.name)}
        print(f"\n{len(kept)} of {len(healthy)} healthy traces were kept")
        assert len(healthy) >= FEWEST
        off = abs(len(kept) - len(healthy) * SHARE)
        assert off <= DEVIATIONS * math.sqrt(len(healthy) * SHARE * (1 - SHARE))

    def test_every_error(self, genomics: Server, jaeger: Jaeger) -> None:
        """A table that a migration has renamed too early: each request that needs it is answered 500, at once."""
        api = NotingApi(service="genomics", url=genomics.url)
        with renamed(genomics.database, "genomics_finding"):
            for _ in range(FAILED):
                assert api.get("findings").status == 500
        assert api.get("findings").status == 200
        failed = {call.trace_id for call in api.calls if call.status == 500}
        eventually(lambda: jaeger.kept(failed, GENOMICS.name) == failed)
        spans = [span for span in jaeger.trace(min(failed)) if span.parent_id == CALLER]
        assert [span.tags["error"] for span in spans] == [True]

    def test_every_slow_one(self, clinical: Server, jaeger: Jaeger) -> None:
        """A lock that others wait for: each is answered 200, and late."""
        api = NotingApi(service="clinical", url=clinical.url)
        for _ in range(SLOW // TOGETHER):
            with ThreadPoolExecutor(TOGETHER) as threads, locked(clinical.database, "clinical_patient"):
                waiting = [threads.submit(api.get, "patients") for _ in range(TOGETHER)]
                time.sleep(LOCKED_SECONDS)
            assert [each.result().status for each in waiting] == [200] * TOGETHER
        slow = {call.trace_id for call in api.calls}
        assert len(slow) == SLOW
        eventually(lambda: jaeger.kept(slow, CLINICAL.name) == slow)


@contextmanager
def renamed(database: str, table: str) -> Iterator[None]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_of_another_release")
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE {table}_of_another_release RENAME TO {table}")
