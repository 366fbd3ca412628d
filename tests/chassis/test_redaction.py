"""What is left of a span and of a log record; tests/server/test_telemetry.py looks at what arrives over the wire."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chassis import redaction
from chassis.redaction import Redaction, redact_handlers, template, without_values

CANARY = "Zqx7canary"


class Rig:
    """A tracer whose exporter was there before the redaction was, as with the distro."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        provider.add_span_processor(Redaction())
        self.tracer = provider.get_tracer("test")

    @property
    def exported(self) -> ReadableSpan:
        (span,) = self.exporter.get_finished_spans()
        return span

    def kept(self, kind: SpanKind = SpanKind.CLIENT, **attributes: Any) -> dict[str, Any]:
        named = {name.replace("__", "."): each for name, each in attributes.items()}
        self.tracer.start_span("a span", kind=kind, attributes=named).end()
        return dict(self.exported.attributes or {})


@pytest.fixture
def rig() -> Rig:
    return Rig()


def fail(rig: Rig, message: str) -> ReadableSpan:
    with pytest.raises(ValueError, match=CANARY), rig.tracer.start_as_current_span("a span"):
        raise ValueError(message)
    return rig.exported


class TestErrors:
    @pytest.mark.parametrize(
        "message",
        [
            CANARY,
            f"duplicate key\nDETAIL:  Key (mrn)=({CANARY}) already exists.",
            f'x\n  File "{CANARY}", line 1, in <module>\n    {CANARY}',
            f'x\n  File "/a/b.py", line 1, in f {CANARY}',
        ],
    )
    def test_type_and_frames_are_kept_and_words_are_not(self, rig: Rig, message: str) -> None:
        span = fail(rig, message)
        (event,) = span.events
        attributes = dict(event.attributes or {})
        assert attributes.pop("exception.type") == "ValueError"
        frames = str(attributes.pop("exception.stacktrace"))
        assert frames.endswith("in fail")
        assert attributes == {}
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
        assert CANARY not in span.to_json()

    def test_a_described_status_without_an_exception_loses_its_words(self, rig: Rig) -> None:
        span = rig.tracer.start_span("a span")
        span.set_status(StatusCode.ERROR, CANARY)
        span.end()
        assert (rig.exported.status.status_code, rig.exported.status.description) == (StatusCode.ERROR, None)

    def test_other_events_keep_what_is_ours(self, rig: Rig) -> None:
        span = rig.tracer.start_span("a span")
        span.add_event("copy", {"careway.variants.stored": 2, "row": CANARY})
        span.end()
        assert [dict(event.attributes or {}) for event in rig.exported.events] == [{"careway.variants.stored": 2}]


class TestAttributes:
    def test_what_is_not_on_the_list_does_not_leave(self, rig: Rig) -> None:
        given: dict[str, Any] = {
            "user_agent__original": CANARY,
            "http__request__header__x": [CANARY],
            "url__query": CANARY,
        }
        assert rig.kept(**given, careway__rows=3, http__request__method="GET") == {
            "careway.rows": 3, "http.request.method": "GET"
        }  # fmt: skip

    def test_a_server_s_path_is_its_route_and_its_address_nobody_s(self, rig: Rig) -> None:
        kept = rig.kept(SpanKind.SERVER, url__path=f"/a/{CANARY}", http__route="a/<uuid:pk>", server__address=CANARY)
        assert kept == {"http.route": "a/<uuid:pk>", "url.path": "/a/<uuid:pk>"}

    def test_a_path_without_a_route_is_left_out(self, rig: Rig) -> None:
        assert rig.kept(SpanKind.SERVER, url__path=f"/{CANARY}") == {}

    def test_literals_of_a_statement_are_blanked(self, rig: Rig) -> None:
        text = "SELECT 'it''s' || name FROM t WHERE a = 'x' AND b = %s"
        assert rig.kept(db__query__text=text) == {"db.query.text": "SELECT ? || name FROM t WHERE a = ? AND b = %s"}

    @pytest.mark.parametrize(
        ("url", "left"),
        [
            ("http://genomics:8000/a/0b8d8e57-9b6c-4c5c-8a57-1f0d3a0a3c11?q=1#f", "http://genomics:8000/a/{id}"),
            ("https://user:secret@host.example/a", "https://host.example/a"),
        ],
    )
    def test_a_called_url_has_neither_ids_nor_a_query(self, url: str, left: str) -> None:
        assert template(url) == left


class TestFailure:
    def test_a_span_that_cannot_be_redacted_leaves_empty(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(span: Span) -> None:
            raise LookupError(CANARY)

        monkeypatch.setattr(redaction, "_redact", fails)
        span = fail(rig, CANARY)
        assert (dict(span.attributes or {}), span.events) == ({}, ())
        assert CANARY not in span.to_json()
        assert "a span could not be redacted" in caplog.text
        assert CANARY not in caplog.text


class TestLogRecords:
    def record(self) -> logging.LogRecord:
        try:
            raise ValueError(CANARY)
        except ValueError:
            return logging.LogRecord("a.b", logging.ERROR, __file__, 1, "words", (), sys.exc_info())

    def test_an_exception_keeps_its_type_and_frames(self) -> None:
        original = self.record()
        left = vars(without_values(original))
        assert (left["exc_info"], left["exception.type"]) == (None, "ValueError")
        assert "in record" in left["exception.stacktrace"]
        assert original.exc_info  # another handler may still print it

    def test_a_handler_sees_the_copy_alone(self) -> None:
        seen: list[logging.LogRecord] = []

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                seen.append(record)

        handler = Handler()
        redact_handlers([handler])
        handler.handle(self.record())
        assert [each.exc_info for each in seen] == [None]
