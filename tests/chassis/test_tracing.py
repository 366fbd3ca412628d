"""Spans that are made by hand; tests/server/test_telemetry.py has those of a request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chassis import tracing
from chassis.tracing import continued, database_span


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    return exporter


class TestADatabaseSpan:
    @pytest.mark.parametrize("current", [True, False])
    def test_it_says_what_is_done_to_which_table(self, exported: InMemorySpanExporter, current: bool) -> None:
        with database_span("COPY", "a_table", current=current) as span:
            assert (trace.get_current_span() is span) is current
        (done,) = exported.get_finished_spans()
        assert (done.name, done.kind) == ("COPY a_table", SpanKind.CLIENT)
        attributes = dict(done.attributes or {})
        assert attributes.pop("db.namespace")
        assert attributes == {
            "db.system.name": "postgresql", "db.operation.name": "COPY", "db.collection.name": "a_table"
        }  # fmt: skip

    @pytest.mark.parametrize("current", [True, False])
    def test_it_records_an_error(self, exported: InMemorySpanExporter, current: bool) -> None:
        with pytest.raises(LookupError), database_span("COPY", "a_table", current=current):
            raise LookupError
        (done,) = exported.get_finished_spans()
        assert (done.status.status_code, [event.name for event in done.events]) == (StatusCode.ERROR, ["exception"])

    def test_a_reader_that_goes_away_is_no_error(self, exported: InMemorySpanExporter) -> None:
        def rows() -> Iterator[int]:
            with database_span("SELECT", "a_table", current=False):
                yield from range(3)

        reading = rows()
        next(reading)
        reading.close()  # type: ignore[attr-defined]  # a generator has it
        (done,) = exported.get_finished_spans()
        assert done.status.status_code is StatusCode.UNSET


class TestContinued:
    def test_pieces_are_made_in_the_context_of_whoever_asked_and_it_is_given_back(self) -> None:
        seen: list[object] = []

        def pieces() -> Iterator[bytes]:
            for piece in (b"a", b"b"):
                seen.append(context.get_value("asked"))
                yield piece

        token = context.attach(context.set_value("asked", "by me"))
        body = continued(pieces())
        context.detach(token)
        given = []
        for piece in body:
            given.append(piece)
            assert context.get_value("asked") is None
        assert (given, seen) == ([b"a", b"b"], ["by me", "by me"])

    def test_an_error_gives_it_back_too(self) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"a"
            raise LookupError

        token = context.attach(context.set_value("asked", "by me"))
        body = continued(pieces())
        context.detach(token)
        with pytest.raises(LookupError):
            list(body)
        assert context.get_value("asked") is None
