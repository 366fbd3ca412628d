"""The shorter ways, with a provider of the tests; tests/server/test_telemetry.py and test_metrics.py see what arrives."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch, resolve
from opentelemetry import trace
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.util.http import ExcludeList

from chassis.instrumentation import StatementTracer, TracingMiddleware
from chassis.metrics import active_requests, requests
from chassis.pace import Pace
from chassis.problems import Problem, respond

SERVICE = settings.SERVICES[0]
Answer = Callable[[HttpRequest], HttpResponse]


class Rig:
    """What the instrumentors have by the time that a process serves."""

    def __init__(self, sampler: Sampler) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider(sampler=sampler)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("test")
        self.meter = MeterProvider([self._reader]).get_meter("test")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        found: Any = self._reader.get_metrics_data()
        metrics = found.resource_metrics[0].scope_metrics[0].metrics if found else []
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(getattr(request, "param", ALWAYS_ON))


unsampled = pytest.mark.parametrize("rig", [ALWAYS_OFF], indirect=True)


class TestARequest:
    @pytest.fixture
    def call(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(_DjangoMiddleware, "_tracer", rig.tracer)
        monkeypatch.setattr(_DjangoMiddleware, "_duration_histogram_new", rig.meter.create_histogram("duration"))
        monkeypatch.setattr(_DjangoMiddleware, "_excluded_urls", ExcludeList(["host/not/.*this"]))

        def call(path: str, answer: Answer, method: str = "GET", **environ: Any) -> HttpResponse:
            request = RequestFactory(HTTP_HOST="host").generic(method, path, **environ)
            return TracingMiddleware(answer)(request)  # type: ignore[return-value]

        return call

    @staticmethod
    def fine(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @unsampled
    def test_that_is_not_sampled_is_measured(self, rig: Rig, call: Any) -> None:
        call("/a", self.fine)
        assert rig.spans == ()
        (point,) = rig.points("duration")
        assert point.attributes == {
            "http.request.method": "GET",
            "url.scheme": "http",
            "network.protocol.version": "1.1",
            "http.response.status_code": 200,
        }

    def test_its_span_is_the_current_one_while_it_runs_and_no_longer(self, rig: Rig, call: Any) -> None:
        seen = []

        def look(_: HttpRequest) -> HttpResponse:
            seen.append(trace.get_current_span().get_span_context().span_id)
            return HttpResponse()

        call("/a", look)
        assert seen == [each.context.span_id for each in rig.spans if each.context]
        assert trace.get_current_span() is trace.INVALID_SPAN

    def test_a_url_that_the_variables_exclude_leaves_nothing(self, rig: Rig, call: Any) -> None:
        call("/not/at/this", self.fine)
        assert (rig.spans, rig.points("duration")) == ((), [])
        call("/not/at/that", self.fine)
        assert len(rig.spans) == 1

    def test_an_error_of_the_server_is_one_of_the_span(self, rig: Rig, call: Any) -> None:
        call("/a", lambda _: HttpResponse(status=503))
        (span,) = rig.spans
        assert (span.status.status_code, dict(span.attributes or {})["error.type"]) == (trace.StatusCode.ERROR, "503")
        assert rig.points("duration")[0].attributes["error.type"] == "503"

    @pytest.fixture
    def pace(self) -> Iterator[Pace]:
        """Of a request that is here for a minute, and was waited for half of that."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours)
            pace.begin(time.perf_counter() - 60)
            pace.waited = 30.0
            yield pace

    def test_its_duration_begins_when_it_came_and_leaves_out_what_its_client_took(
        self, rig: Rig, call: Any, pace: Pace
    ) -> None:
        call("/a", self.fine, **{"gunicorn.socket": pace})
        assert 30 <= rig.points("duration")[0].sum < 40

    def test_its_span_leaves_out_nothing(self, rig: Rig, call: Any, pace: Pace) -> None:
        call("/a", self.fine, **{"gunicorn.socket": pace})
        (span,) = rig.spans
        assert span.start_time
        assert span.end_time
        assert abs(span.end_time / 1e9 - time.time()) < 10
        assert 60 <= (span.end_time - span.start_time) / 1e9 < 70

    def test_without_a_server_it_begins_with_the_middleware(self, rig: Rig, call: Any) -> None:
        call("/a", self.fine)
        assert 0 < rig.points("duration")[0].sum < 10

    def test_whatever_ends_it_it_runs_no_longer_and_its_span_ends(self, rig: Rig, call: Any) -> None:
        def running() -> int:
            return sum(int(each.value) for each in active_requests.observe(CallbackOptions()))

        before, seen = running(), []

        def end(_: HttpRequest) -> HttpResponse:
            seen.append(running())
            raise SystemExit

        with pytest.raises(SystemExit):
            call("/a", end)
        assert (seen, running()) == ([before + 1], before)
        assert len(rig.spans) == 1
        assert trace.get_current_span() is trace.INVALID_SPAN

    @pytest.fixture
    def counted(self) -> Callable[[], list[str]]:
        """The outcomes counted since, of the first service; nothing else is counted in these tests."""

        def read() -> dict[str, int]:
            found = [(each.attributes or {}, int(each.value)) for each in requests.observe(CallbackOptions())]
            return {str(about["outcome"]): number for about, number in found if about["api"] == SERVICE}

        before: dict[str, int] = read()
        return lambda: [each for each, number in read().items() for _ in range(number - before.get(each, 0))]

    @staticmethod
    def routed(answer: Answer) -> Answer:
        def route(request: HttpRequest) -> HttpResponse:
            request.resolver_match = ResolverMatch(answer, (), {}, route=f"{SERVICE}/v1/things/<uuid:pk>")
            return answer(request)

        return route

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            ("not-found", "answered"),
            ("too-many-requests", "refused"),
            ("internal", "failed"),
            ("unavailable", "failed"),
            ("busy", "limited"),
            ("unauthenticated", "refused"),
            ("forbidden", "answered"),
        ],
    )
    def test_of_a_service_is_counted_by_what_became_of_it(
        self, call: Any, counted: Callable[[], list[str]], code: str, outcome: str
    ) -> None:
        call(f"/{SERVICE}/v1/things/7", self.routed(lambda request: respond(Problem(code), request)))
        assert counted() == [outcome]

    def test_that_breaks_off_has_failed(self, call: Any, counted: Callable[[], list[str]]) -> None:
        def end(_: HttpRequest) -> HttpResponse:
            raise SystemExit

        with pytest.raises(SystemExit):
            call(f"/{SERVICE}/v1/things/7", self.routed(end))
        assert counted() == ["failed"]

    @pytest.mark.parametrize("document", ["openapi.json", "docs"])
    @pytest.mark.parametrize("status", [200, 405, 500])
    def test_of_a_document_is_none_of_its_service(
        self, call: Any, counted: Callable[[], list[str]], document: str, status: int
    ) -> None:
        def route(request: HttpRequest) -> HttpResponse:
            request.resolver_match = resolve(request.path)
            return HttpResponse(status=status)

        call(f"/{SERVICE}/v1/{document}", route)
        assert counted() == []

    def test_without_a_route_counts_only_where_the_service_failed(
        self, call: Any, counted: Callable[[], list[str]]
    ) -> None:
        call(f"/{SERVICE}/v1/nonsense", lambda _: HttpResponse(status=404))
        call("/nonsense", lambda _: HttpResponse(status=500))
        call(f"/{SERVICE}nonsense", lambda _: HttpResponse(status=500))
        assert counted() == []
        call(f"/{SERVICE}/v1/things", lambda _: HttpResponse(status=500))
        assert counted() == ["failed"]

    def test_every_outcome_of_every_service_is_zero_from_the_start(self, call: Any) -> None:
        call("/livez", self.fine)
        found = {tuple((each.attributes or {}).values()) for each in requests.observe(CallbackOptions())}
        outcomes = ("answered", "failed", "limited", "refused")
        assert found == {(name, outcome) for name in settings.SERVICES for outcome in outcomes}


class Cursor:
    rowcount = 3


class TestAStatement:
    @pytest.fixture
    def execute(self, rig: Rig) -> Any:
        class Integration:
            enable_commenter, commenter_options, enable_attribute_commenter, connect_module = False, None, False, None
            database_system, database, name = "postgresql", "careway", "postgresql.careway"
            _server_address, _server_port, _tracer = "db", 5432, rig.tracer
            _duration_histogram = rig.meter.create_histogram("duration")
            _returned_rows_histogram = rig.meter.create_histogram("rows")

        tracer = StatementTracer(Integration())

        def execute(statement: Any, method: Callable[..., Any] = lambda *_: "answer") -> Any:
            return tracer.traced_execution(Cursor(), method, statement, ())

        return execute

    def test_of_a_sampled_request_has_a_span_below_it(self, rig: Rig, execute: Any) -> None:
        with rig.tracer.start_as_current_span("GET"):
            assert execute("SELECT 1 WHERE a = %s") == "answer"
        statement, request = rig.spans
        assert (statement.name, statement.kind) == ("SELECT", trace.SpanKind.CLIENT)
        assert statement.parent == request.context
        assert dict(statement.attributes or {}) == {
            "db.system.name": "postgresql",
            "db.namespace": "careway",
            "db.query.text": "SELECT 1 WHERE a = %s",
            "server.address": "db",
            "server.port": 5432,
        }

    def test_outside_of_one_has_none_and_is_measured(self, rig: Rig, execute: Any) -> None:
        execute("SELECT 1")
        assert rig.spans == ()
        assert rig.points("duration")[0].attributes == rig.points("rows")[0].attributes
        assert rig.points("duration")[0].attributes == {
            "db.system.name": "postgresql",
            "db.namespace": "careway",
            "db.operation.name": "SELECT",
            "server.address": "db",
            "server.port": 5432,
        }
        assert rig.points("rows")[0].sum == Cursor.rowcount

    def test_that_fails_is_an_error_and_has_no_rows(self, rig: Rig, execute: Any) -> None:
        def fail(*_: Any) -> None:
            raise LookupError

        with pytest.raises(LookupError), rig.tracer.start_as_current_span("GET"):
            execute("SELECT 1", fail)
        assert rig.spans[0].status.status_code is trace.StatusCode.ERROR
        assert [event.name for event in rig.spans[0].events] == ["exception"]
        assert rig.points("duration")[0].attributes["error.type"] == "LookupError"
        assert rig.points("rows") == []

    def test_of_a_probe_is_not_seen(self, rig: Rig, execute: Any) -> None:
        with suppress_instrumentation(), rig.tracer.start_as_current_span("GET"):
            assert execute("SELECT 1") == "answer"
        assert [span.name for span in rig.spans] == ["GET"]
        assert rig.points("duration") == []

    @pytest.mark.parametrize(
        ("statement", "name"),
        [
            ("SELECT\n1", "SELECT"),
            ("  UPDATE a", "UPDATE"),
            ("/* a */ DELETE FROM a", "DELETE"),
            ("", "postgresql.careway"),
        ],
    )
    def test_is_named_by_its_first_word(self, rig: Rig, execute: Any, statement: str, name: str) -> None:
        with rig.tracer.start_as_current_span("GET"):
            execute(statement)
        assert rig.spans[0].name == name
