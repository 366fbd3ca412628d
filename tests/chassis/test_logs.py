"""chassis/logs.py; that nothing clinical leaves the process is tried with canaries elsewhere."""

from __future__ import annotations

import ast
import datetime as dt
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from logging.config import DictConfigurator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from opentelemetry import trace

from chassis.logs import FRAMES, Line, TraceContext, logging_configuration
from tests.api import Api
from tests.example import factories
from tests.servers import ROOT
from tests.test_docs import OPERATING, document_of, rows, section

CONFIGURATION = logging_configuration(level="INFO")


def formatted(message: str, **extra: Any) -> str:
    """A line as the process prints it."""
    return formatted_record(
        logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, message, (), None, extra=extra)
    )


def formatted_record(record: logging.LogRecord) -> str:
    configuration = logging_configuration(level="INFO")
    formatter = DictConfigurator(configuration).configure_formatter(configuration["formatters"]["json"])
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

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
            ({"a": [1, None]}, {"a": [1, None]}),
        ],
    )
    def test_it_words_what_json_does_not_know(self, value: Any, told: Any) -> None:
        assert json.loads(formatted("hello", more=value))["more"] == told

    def test_it_says_nothing_that_python_gives_every_record(self) -> None:
        assert set(json.loads(formatted("hello", _own=1))) == {"time", "level", "logger", "message"}

    def test_each_has_the_second_in_which_it_was_made(self) -> None:
        formatter, told = Line(), []
        for second in (1, 1, 2, 1):
            record = logging.makeLogRecord({"created": second + 0.9, "msg": "hello"})
            told.append(json.loads(formatter.format(record))["time"])
        assert told == [f"1970-01-01T00:00:0{second}+0000" for second in (1, 1, 2, 1)]

    def test_it_names_trace_and_span(self) -> None:
        context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
        with trace.use_span(trace.NonRecordingSpan(context)):
            line = json.loads(formatted("hello"))
        assert (line["trace_id"], line["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")

    def test_without_a_trace_it_names_none(self) -> None:
        assert "trace_id" not in json.loads(formatted("hello"))


LOGGER = re.compile(r'^logger = logging.getLogger\(("(?P<name>[\w.]+)"|__name__)\)$', re.MULTILINE)


def errors_in(path: Path) -> Iterator[tuple[str, str]]:
    """Logger and message of each call that logs at ERROR or above."""
    text = path.read_text(encoding="utf-8")
    found = LOGGER.search(text)
    name = (found and found["name"]) or ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        level, arguments = node.func.attr, node.args
        if ast.unparse(node.func.value) == "logger" and level in {"error", "exception", "critical", "log"}:
            if level == "log" and "ERROR" not in ast.unparse(arguments.pop(0)):
                continue
            message = arguments[0]
            assert isinstance(message, ast.Constant), "a message is a constant, so that it can be looked up"
            yield name, str(message.value)


def test_every_line_of_level_error_has_its_row() -> None:
    """An operator who is woken by one finds what it means and what to do."""
    for rooms, text in [
        (("chassis", "config"), OPERATING),
        *(((each,), document_of(each)) for each in settings.SERVICES),
    ]:
        tables = rows(section(text, "Logs")) if "\n## Logs\n" in text else []
        documented = {(row[0].strip("`"), row[1].strip("`")) for row in tables if len(row) == 4}
        files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
        assert documented - {("gunicorn.error", "any")} == {error for path in files for error in errors_in(path)}


CANARY = "canary-4711"


def failure() -> Exception:
    """With the canary in its words, in those of its cause, in its notes and in its frames' variables."""
    name = CANARY
    try:
        try:
            raise ValueError(f"bad name {name}")
        except ValueError as error:
            raise KeyError(name) from error
    except KeyError as error:
        error.add_note(name)
        return error


class TestAnException:
    @pytest.fixture
    def record(self) -> Any:
        """What any handler is given, whatever wrote it."""
        caught = logging.Handler()
        seen: list[logging.LogRecord] = []
        caught.emit = seen.append  # type: ignore[assignment,method-assign]
        logger = logging.Logger("somebody.else")  # noqa: LOG001  (apart from all others)
        logger.addHandler(caught)

        def write(message: Any, *arguments: Any, **named: Any) -> logging.LogRecord:
            logger.error(message, *arguments, **named)
            return seen[-1]

        return write

    def test_it_is_its_type_and_one_field_of_frames(self, record: Any) -> None:
        line = json.loads(formatted_record(record("failed", exc_info=failure())))
        assert (line["message"], line["error"]) == ("failed", "KeyError")
        assert line["traceback"].startswith("ValueError at:\n  File ")
        assert "which led to:\nKeyError at:\n  File " in line["traceback"]
        assert "raise KeyError(name) from error" in line["traceback"]

    def test_its_words_reach_no_handler(self, record: Any) -> None:
        for written in (
            record("failed", exc_info=failure()),
            record("failed: %s", failure()),
            record(failure()),
            record("failed", exc_info=ExceptionGroup(CANARY, [failure(), failure()])),
        ):
            assert written.exc_info is None
            assert CANARY not in str(written.__dict__) + written.getMessage() + formatted_record(written)

    def test_the_pool_may_say_why_it_cannot_connect(self) -> None:
        made = logging.getLogRecordFactory()("psycopg.pool", 30, "f", 1, "error: %s", (OSError("refused"),), None)
        assert made.getMessage() == "error: refused"

    def test_a_recursion_is_no_longer_than_others(self, record: Any) -> None:
        def deeper(depth: int) -> None:
            if depth:
                return (shallower if depth % 2 else deeper)(depth - 1)
            raise ValueError

        def shallower(depth: int) -> None:
            return deeper(depth - 1) if depth % 2 else shallower(depth - 1)

        with pytest.raises(ValueError) as caught:  # noqa: PT011  (ours)
            deeper(900)
        assert record("failed", exc_info=caught.value).__dict__["traceback"].count("File ") <= FRAMES


class TestTakingOver:
    """In a process of its own, as gunicorn's are: what Python would print is a line, without the canary."""

    def printed(self, code: str) -> dict[str, Any]:
        before = (
            "import logging.config, threading, warnings\n"
            "from chassis.logs import configure, logging_configuration, take_over\n"
            "configure(logging_configuration(level='INFO')); take_over()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", before + code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        (line,) = done.stdout.splitlines()
        assert CANARY not in line
        return dict(json.loads(line))

    @pytest.mark.parametrize(
        "code",
        [
            f"raise ValueError('{CANARY}')",
            f"def f(): raise ValueError('{CANARY}')\nthread = threading.Thread(target=f); thread.start(); thread.join()",
            f"class A:\n  def __del__(self): raise ValueError('{CANARY}')\nA()",
        ],
        ids=["in the main thread", "in another thread", "where nobody can catch it"],
    )
    def test_an_exception_that_nobody_caught_is_a_line(self, code: str) -> None:
        line = self.printed(code)
        assert (line["level"], line["logger"], line["error"]) == ("ERROR", "chassis.logs", "ValueError")
        assert "ValueError at:" in line["traceback"]

    def test_a_warning_is_a_line(self) -> None:
        line = self.printed(f"warnings.warn('{CANARY}', RuntimeWarning)")
        assert (line["level"], line["category"], line["place"]) == ("WARNING", "RuntimeWarning", "<string>:4")


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

    def test_so_is_a_write_which_answers_the_record(self, api: Api, accesses: Any) -> None:
        body = {"accession": "S-ACCESS", "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline"}
        made = api.post("samples", body, Idempotency_Key="access").json["id"]
        api.post("samples", body, Idempotency_Key="access")
        path = f"samples/{made}"
        api.patch(path, {"kind": "dna"}, If_Match='"1"')
        api.delete(path, If_Match='"2"')
        actions = ["create", "create", "partial_update", "destroy"]
        assert self.seen(accesses) == [(action, "Specimen", made) for action in actions]

    def test_a_refused_write_is_none(self, api: Api, sample: dict[str, Any], accesses: Any) -> None:
        api.patch(f"samples/{sample['id']}", {"kind": "dna"}, If_Match='"7"')
        assert self.seen(accesses) == []

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
