"""The server span of a request: OpenTelemetry's middleware, kept from what would break here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import context, trace
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.trace import Span, SpanKind

from .requests import PROBES

tracer = trace.get_tracer(__name__)


class TracingMiddleware(_DjangoMiddleware):
    """The distro's, but for probes, and for names of hosts that are not served.

    It asks for the request's absolute URL, to see whether that is excluded; Django raises at a host it does not serve.
    The kubelet asks by the pod's address, so every probe would be answered 400.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in PROBES:
            untraced: HttpResponseBase = self.get_response(request)
            return untraced
        try:
            request.get_host()
        except DisallowedHost:
            # It is about to be refused, and nobody will build a link for it.
            request.build_absolute_uri = lambda location=None: request.path  # type: ignore[method-assign]
        answer: HttpResponseBase = super().__call__(request)
        return answer

    def process_view(self, request: HttpRequest, view_func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if request.path not in PROBES:
            super().process_view(request, view_func, *args, **kwargs)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Nothing: chassis/problems.py records what nobody foresaw, wherever it is raised, and once is enough."""


@contextmanager
def database_span(operation: str, table: str, *, current: bool = True) -> Iterator[Span]:
    """A client span for what psycopg's instrumentation does not see: COPY, and rows that are streamed.

    A generator says `current=False`: it gives control away between its rows, and must not leave its span behind.
    """
    settings = connection.settings_dict
    attributes = {
        "db.system.name": "postgresql",
        "db.namespace": str(settings["NAME"]),
        "db.operation.name": operation,
        "db.collection.name": table,
    }
    begin = tracer.start_as_current_span if current else partial(_begun, tracer)
    with begin(f"{operation} {table}", kind=SpanKind.CLIENT, attributes=attributes) as span:
        yield span


@contextmanager
def _begun(tracer: trace.Tracer, name: str, **options: Any) -> Iterator[Span]:
    span = tracer.start_span(name, **options)
    try:
        yield span
    except Exception as error:
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        span.end()


def continued(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a body, made below the span of the request that asked for them.

    They are made while they are sent, when the view has long returned: without this each of their statements would begin
    a trace of its own. The context is given back between two pieces, since the thread serves others afterwards.
    """
    asked = context.get_current()

    def pulled() -> Iterator[bytes]:
        while True:
            token = context.attach(asked)
            try:
                piece = next(pieces, None)
            finally:
                context.detach(token)
            if piece is None:
                return
            yield piece

    return pulled()
