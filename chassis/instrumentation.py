"""What OpenTelemetry's instrumentations of Django and psycopg do once, they do; what is done each time is done here.

Theirs resolve the URL of a request again, build it whole three times, and collect for every request and statement what
is then not sampled. What these cost, `python -m bench.telemetry` measures. Instruments, sampling, propagation and the
variables that set them are still theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPMethod, HTTPStatus
from typing import Any

import opentelemetry.instrumentation.dbapi as dbapi_instrumentation
import opentelemetry.instrumentation.psycopg as psycopg_instrumentation
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import context, propagate, trace
from opentelemetry.instrumentation.dbapi import CursorTracer
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.metrics import Histogram as Instrument
from opentelemetry.metrics import Meter
from opentelemetry.semconv.metrics.db_metrics import DB_CLIENT_OPERATION_DURATION
from opentelemetry.trace import Span, SpanKind, StatusCode

from .histograms import Histogram, Values
from .metrics import active_requests, requests
from .pace import arrival, pace_of
from .requests import PROBES

METHODS = frozenset(HTTPMethod)
# What became of a request; `limited` is no failure of the service: it has as much to do as it may. Nor is `refused`, but
# a client that goes on with an expired token, or without a pause, would outnumber what fails.
OUTCOMES = ANSWERED, FAILED, LIMITED, REFUSED = "answered", "failed", "limited", "refused"
REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
# The names in chassis/urls.py of what is about a service. Nobody who is promised anything waits for it.
DOCUMENTS = {"openapi", "docs"}
# gunicorn takes any HTTP/1.x, and each would be a series.
VERSIONS = {f"HTTP/{version}": version for version in ("1.0", "1.1")}
# The attributes of their instruments.
OF_REQUEST = (
    "http.request.method",
    "url.scheme",
    "network.protocol.version",
    "http.route",
    "http.response.status_code",
    "error.type",
)
OF_STATEMENT = (
    "db.system.name",
    "db.namespace",
    "server.address",
    "server.port",
    "db.operation.name",
    "error.type",
)


def shorten() -> None:
    """Call it before the instrumentations start: they will use what is here."""
    DjangoInstrumentor._opentelemetry_middleware = f"{__name__}.{TracingMiddleware.__qualname__}"
    psycopg_instrumentation.CursorTracer = StatementTracer  # type: ignore[misc,assignment]
    dbapi_instrumentation.create_db_client_operation_duration = _statement_duration  # type: ignore[attr-defined]


def _statement_duration(meter: Meter) -> Instrument:
    """With the bounds of the semantic conventions: theirs has the SDK's, the first of which is five seconds."""
    return meter.create_histogram(
        DB_CLIENT_OPERATION_DURATION,
        unit="s",
        description="Duration of database client operations.",
        explicit_bucket_boundaries_advisory=[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    )


class TracingMiddleware:
    """The server span of a request, below the caller's, its duration, and what became of it; of probes nothing.

    Both begin when the request was here, so that a wait for a thread is seen. The span also has what was waited for the
    client's body; the duration has not.

    What nobody foresaw chassis/problems.py records, wherever it is raised: Django's `process_exception` is not needed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        theirs: Any = _DjangoMiddleware  # to which the instrumentor has given what its variables ask for
        self._get_response = get_response
        self._tracer: trace.Tracer = theirs._tracer
        self._excluded = theirs._excluded_urls if theirs._excluded_urls._excluded_urls else None
        # As WSGI names the headers that a caller's trace may come in.
        self._carriers = {f"HTTP_{name.upper().replace('-', '_')}" for name in propagate.get_global_textmap().fields}
        self._duration = Histogram(theirs._duration_histogram_new, *OF_REQUEST)
        self._services = frozenset(settings.SERVICES)
        for service in self._services:
            for outcome in OUTCOMES:
                requests.begin(service, outcome)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in PROBES or (self._excluded and self._excluded.url_disabled(_url(request))):
            return self._get_response(request)
        method = str(request.method) if request.method in METHODS else "_OTHER"
        scheme = request.META["wsgi.url_scheme"]
        is_below = not request.META.keys().isdisjoint(self._carriers)
        above = propagate.extract(request.META, getter=wsgi_getter) if is_below else None
        arrived = arrival(request.META)
        span = self._tracer.start_span(method, above, SpanKind.SERVER, start_time=_in_unix_time(arrived))
        token = context.attach(trace.set_span_in_context(span, above))
        active_requests.enter(method, scheme)
        outcome = FAILED
        try:
            response = self._get_response(request)
            outcome = _outcome(response)
            about = (method, scheme, *_answer(request, response))
            sampled = span.is_recording()
            self._duration.record(time.perf_counter() - arrived - _waited(request), about, sampled=sampled)
            if sampled:
                _describe(span, request, dict(zip(OF_REQUEST, about, strict=True)))
        finally:
            active_requests.leave(method, scheme)
            self._count(request, outcome)
            context.detach(token)
            span.end()
        return response

    def _count(self, request: HttpRequest, outcome: str) -> None:
        """Nonsense below a service's path is nobody's; but what failed before its route was known, is that service's."""
        match = request.resolver_match
        if match and match.url_name in DOCUMENTS:
            return
        if match or outcome == FAILED:
            service, _, _ = (match.route if match else request.path.removeprefix("/")).partition("/")
            if service in self._services:
                requests.count(service, outcome)


def _url(request: HttpRequest) -> str:
    """As it came. Django raises where a host is not served; that has to be answered, and seen."""
    return f"{request.scheme}://{request.META.get('HTTP_HOST')}{request.path}"


def _in_unix_time(moment: float) -> int:
    """In nanoseconds, as spans tell it."""
    return time.time_ns() - int((time.perf_counter() - moment) * 1e9)


def _waited(request: HttpRequest) -> float:
    """The seconds that its client let us wait for its body: who is slow there would make the service look slow."""
    pace = pace_of(request.META)
    return pace.waited if pace else 0.0


def _outcome(response: HttpResponseBase) -> str:
    if response.status_code < 500:
        return REFUSED if response.status_code in REFUSALS else ANSWERED
    return LIMITED if getattr(response, "problem", "") == "busy" else FAILED


def _answer(request: HttpRequest, response: HttpResponseBase) -> tuple[str | None, str | None, int, str | None]:
    version = VERSIONS.get(request.META.get("SERVER_PROTOCOL", ""))
    match, status = request.resolver_match, response.status_code
    return version, (match.route if match else None) or None, status, str(status) if status >= 500 else None


def _describe(span: Span, request: HttpRequest, about: dict[str, Any]) -> None:
    """The name of a span of a method that we do not know is HTTP; of the index, which has no route, its own."""
    match, method = request.resolver_match, about["http.request.method"]
    name = (match.route or match.url_name or "") if match else ""
    span.update_name("HTTP" if method == "_OTHER" else f"{method} {name}".rstrip())
    attributes = {name: each for name, each in about.items() if each is not None}
    if route := about["http.route"]:
        attributes["url.path"] = f"/{route}"
    if port := request.META.get("SERVER_PORT"):
        attributes["server.port"] = int(port)
    span.set_attributes(attributes)
    if "error.type" in attributes:
        span.set_status(StatusCode.ERROR)


class StatementTracer(CursorTracer[Any]):
    """A span for each statement of a request that is sampled; of every one, its duration and its rows."""

    def __init__(self, integration: Any) -> None:
        super().__init__(integration)
        self._duration = Histogram(integration._duration_histogram, *OF_STATEMENT)
        self._rows = Histogram(integration._returned_rows_histogram, *OF_STATEMENT)

    def traced_execution(self, cursor: Any, query_method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not is_instrumentation_enabled():
            return query_method(*args, **kwargs)
        it = self._db_api_integration
        operation = self.get_operation_name(cursor, args)
        about = (it.database_system, it.database or None, it._server_address, it._server_port, operation or None)
        # Not whether its span still records: while a body is streamed, that has ended.
        sampled = trace.get_current_span().get_span_context().trace_flags.sampled
        if not sampled:
            return self._measured(sampled, about, cursor, query_method, *args, **kwargs)
        attributes = {name: each for name, each in zip(OF_STATEMENT[:4], about, strict=False) if each is not None}
        attributes["db.query.text"] = self.get_statement(cursor, args)
        with it._tracer.start_as_current_span(operation or it.name, None, SpanKind.CLIENT, attributes):
            return self._measured(sampled, about, cursor, query_method, *args, **kwargs)

    def get_operation_name(self, cursor: Any, args: Any) -> str:
        """Theirs takes the whole statement to pieces for its first word."""
        if args and isinstance(args[0], str) and not args[0].startswith("/*"):
            return next(iter(args[0].split(None, 1)), "")
        return super().get_operation_name(cursor, args)

    def _measured(
        self, sampled: bool, about: Values, cursor: Any, query_method: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        started = time.perf_counter()
        try:
            answer = query_method(*args, **kwargs)
        except Exception as error:
            failed = (*about, type(error).__qualname__)
            self._duration.record(time.perf_counter() - started, failed, sampled=sampled)
            raise
        about = (*about, None)
        self._duration.record(time.perf_counter() - started, about, sampled=sampled)
        if cursor.rowcount >= 0:
            self._rows.record(cursor.rowcount, about, sampled=sampled)
        return answer
