"""chassis/logs.py; that nothing clinical leaves the process is tried with canaries elsewhere."""

from __future__ import annotations

import json
import logging
from logging.config import DictConfigurator
from typing import Any

import pytest
from opentelemetry import trace

from chassis.logs import TraceContext, logging_configuration
from tests.api import Api
from tests.example import factories

CONFIGURATION = logging_configuration(level="INFO")


def formatted(message: str, **extra: Any) -> str:
    """A line as the process prints it."""
    configuration = logging_configuration(level="INFO")
    formatter = DictConfigurator(configuration).configure_formatter(configuration["formatters"]["json"])
    record = logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, message, (), None, extra=extra)
    TraceContext().filter(record)
    return str(formatter.format(record))


class TestALine:
    def test_it_is_one_json_object(self) -> None:
        line = json.loads(formatted("hello", status=200))
        assert (line["level"], line["logger"], line["message"], line["status"]) == ("INFO", "x", "hello", 200)
        assert line["time"].endswith("+0000")

    @pytest.mark.parametrize("awkward", ["a\nb", 'a"b', "a\r\n{}", "\u2028"])
    def test_it_is_one_line_whatever_it_holds(self, awkward: str) -> None:
        line = formatted(awkward, more=awkward)
        assert len(line.splitlines()) == 1
        assert json.loads(line)["message"] == awkward

    def test_it_names_trace_and_span(self) -> None:
        context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
        with trace.use_span(trace.NonRecordingSpan(context)):
            line = json.loads(formatted("hello"))
        assert (line["trace_id"], line["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")

    def test_without_a_trace_it_names_none(self) -> None:
        assert "trace_id" not in json.loads(formatted("hello"))


class TestTheConfiguration:
    def test_it_writes_to_stdout_alone(self) -> None:
        assert CONFIGURATION["root"]["handlers"] == ["stdout"]
        assert CONFIGURATION["handlers"]["stdout"]["stream"] == "ext://sys.stdout"

    def test_it_keeps_django_from_logging_paths(self) -> None:
        assert CONFIGURATION["loggers"]["django.request"]["level"] == "CRITICAL"
        assert CONFIGURATION["loggers"]["django.security"]["level"] == "CRITICAL"

    @pytest.mark.parametrize("name", ["httpx2", "httpcore2.http11", "stamina"])
    def test_it_keeps_calls_to_others_quiet_at_any_level(self, name: str) -> None:
        """An URL holds ids, and the headers that are logged at DEBUG hold the token; tried in tests/clinical."""
        for level in ("DEBUG", "INFO"):
            quiet = logging_configuration(level=level)["loggers"][name.partition(".")[0]]["level"]
            assert logging.getLevelNamesMapping()[quiet] >= logging.WARNING

    def test_it_has_the_level_asked_for(self) -> None:
        assert logging_configuration(level="ERROR")["root"]["level"] == "ERROR"


class TestAnAccess:
    @pytest.fixture
    def accesses(self, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
        caplog.set_level(logging.INFO, logger="careway.access")
        return caplog

    def seen(self, caplog: pytest.LogCaptureFixture) -> list[tuple[Any, ...]]:
        return [
            (line.__dict__["action"], line.__dict__["resource"], line.__dict__["record"])
            for line in caplog.records
            if line.name == "careway.access"
        ]

    def test_reading_a_record_is_one_event(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        answer = api.get(f"samples/{sample['id']}")
        (line,) = accesses.records
        assert line.getMessage() == "access"
        assert line.__dict__["subject"] == "development:dr-okafor"
        assert line.__dict__["organization"] == "st-elsewhere"
        assert line.__dict__["request_id"] == answer.header("X-Request-Id")
        assert self.seen(accesses) == [("retrieve", "Specimen", sample["id"])]

    def test_so_is_a_list_and_a_history(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        api.get("samples")
        api.get(f"samples/{sample['id']}/history")
        assert self.seen(accesses) == [("list", "Specimen", None), ("history", "Specimen", sample["id"])]

    def test_so_is_an_export(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        api.get(f"samples/{sample['id']}/children.ndjson")
        assert self.seen(accesses) == [("export", "Specimen", sample["id"])]

    def test_a_refused_one_is_none(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        api.as_(organization="st-nowhere").get(f"samples/{sample['id']}")
        api.as_(scopes=()).get(f"samples/{sample['id']}")
        assert self.seen(accesses) == []

    def test_it_never_holds_the_content(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        api.get(f"samples/{sample['id']}")
        api.get(f"samples?accession={sample['accession']}&patient_id={factories.PATIENT}")
        text = " ".join(str(line.__dict__) for line in accesses.records)
        assert sample["accession"] not in text
        assert factories.PATIENT not in text
