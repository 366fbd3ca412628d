"""Spans that no instrumentation makes, and the context in which a body is made while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind

tracer = trace.get_tracer(__name__)


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
