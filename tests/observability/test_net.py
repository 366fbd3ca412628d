"""The collector's second net: the real collector drops what is not on its lists, and blanks what is of a person."""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chassis.logs import described
from observability.stack import Stack, free_ports
from tests.collector import Collector, Log, Traced, eventually, values

TRACE = "0af7651916cd43dd8448eb211c80319c"
CANARY = "Zebedee-Canary"


class Stores(Collector):
    """All three at once: each is sent OTLP, below a path of its own."""

    def take(self, path: str, body: bytes) -> bool:
        return super().take(f"/v1/{path.rpartition('/')[2]}", body)


@contextmanager
def collecting(folder: Path) -> Iterator[tuple[Stack, Stores]]:
    with Stores() as stores:
        port = int(stores.url.rpartition(":")[2])
        ports = free_ports() | dict.fromkeys(("prometheus", "loki", "jaeger-otlp"), port)
        stack = Stack(folder, ports=ports, decision_wait="100ms")
        if "otelcol" in stack.missing():
            pytest.skip("otelcol is not on PATH: the collector's own tests need it.")
        try:
            stack.start("collector")
            yield stack, stores
        finally:
            stack.stop()


def send(stack: Stack, signal: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{stack.url('collector')}/v1/{signal}", data, headers)
    ) as answer:
        assert answer.status == 200


def pairs(**given: str) -> list[dict[str, Any]]:
    return [{"key": name.replace("__", "."), "value": {"stringValue": text}} for name, text in given.items()]


RESOURCE = {"attributes": pairs(service__name="careway", process__command_args=CANARY, host__name=CANARY)}


def span(number: int, **changed: Any) -> dict[str, Any]:
    begin = time.time_ns() - 10**9
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET clinical/v1/patients",
        "kind": 2,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + 10**6),
        **changed,
    }


def spans(*given: dict[str, Any]) -> dict[str, Any]:
    scope = {"scope": {"name": "scope", "attributes": pairs(about=CANARY)}, "spans": list(given)}
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [scope]}]}


def logs(logger: str, *records: dict[str, Any]) -> dict[str, Any]:
    scope = {"scope": {"name": logger}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [scope]}]}


def caught() -> BaseException:
    """An exception in a group, with a cause, of a class within a function."""

    class Failed:
        class Badly(Exception):
            """The name that a line has of it is not a plain one."""

    try:
        try:
            raise Failed.Badly(CANARY)
        except Failed.Badly as error:
            raise ExceptionGroup(CANARY, [error]) from error
    except ExceptionGroup as group:
        return group


HEADING = "Traceback (most recent call last):"
AT = '  File "/srv/careway/a.py", line 1, in f'
# A number, what an SDK writes, and what is left of it.
STACKS = [
    (40, f"{HEADING}\n{AT}\nValueError: {CANARY}", f"{HEADING}\n{AT}\n"),
    (41, f"{HEADING}\n{AT}\n    name = '{CANARY}'\n           ^^^^\nValueError: {CANARY}:\n", f"{HEADING}\n{AT}\n"),
    (42, f"{HEADING}\n{AT}\nValidationError: 1 error for A\nname\n  Input {CANARY} is bad\n    {CANARY}\n\n{CANARY}:",
     f"{HEADING}\n{AT}\n"),
    (43, f"  + Exception Group {HEADING}\n  | {AT}\n  | ExceptionGroup: {CANARY}\n  +-+------- 1 -------\n"
     f"    | ValueError: {CANARY}\n    +---------\n", ""),
    (44, f'{AT}\n  File "{CANARY} of Ann", line 1, in f\n  File "a.py", line 1, in {CANARY} of Ann\n{AT}', f"{AT}\n{AT}"),
    (45, f"ValueError: {CANARY}", ""),
    (46, f"ValueError: {CANARY}\r\n{AT}\r\n{AT}\n", f"{AT}\n"),
]  # fmt: skip


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Stores]]:
    with collecting(tmp_path_factory.mktemp("collector")) as both:
        yield both


class TestTheRealCollector:
    def test_of_a_span_nothing_leaves_that_is_not_on_the_list(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        event = {"name": "exception", "attributes": pairs(exception__type="ValueError", exception__message=CANARY)}
        attributes = pairs(
            http__route="a", careway__phase="b", url__query=CANARY, user_agent__original=CANARY, enduser__id=CANARY,
            url__full=f"https://{CANARY}:x@host/a/0190a5dc-ac96-774b-bcce-b302099a9059?name={CANARY}#{CANARY}",
            db__query__text=f"SELECT '{CANARY}' FROM a WHERE b = 'it''s'",
        )  # fmt: skip
        status = {"code": 2, "message": f"Key (name)=({CANARY})"}
        given = span(1, attributes=attributes, events=[event], status=status, traceState=f"a={CANARY}")
        send(
            stack,
            "traces",
            spans(given, span(1, spanId=f"{2:016x}", name=f"GET /patients?name={CANARY}", status={"code": 2})),
        )
        found: list[Traced] = eventually(lambda: stores.traced(f"{1:032x}"))
        first, second = sorted(found, key=lambda each: each.span.span_id)
        assert first.attributes == {
            "http.route": "a",
            "careway.phase": "b",
            "url.full": "https://host/a/{id}",
            "db.query.text": "SELECT ? FROM a WHERE b = ?",
        }
        assert first.resource == {"service.name": "careway"}
        assert [values(each.attributes) for each in first.span.events] == [{"exception.type": "ValueError"}]
        assert (first.span.status.message, first.span.trace_state) == ("", "")
        assert second.span.name == "left out by the collector"
        assert CANARY not in stores.all_text()

    def test_of_a_log_record_nothing_leaves_that_is_not_on_the_list(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        said = {
            "careway.request": "request",
            "somebody.else": CANARY,
            "psycopg.pool": f"refused DETAIL:  Key (a)=({CANARY})",
        }
        scopes = [
            {
                "scope": {"name": name},
                "logRecords": [
                    {
                        "traceId": TRACE,
                        "body": {"stringValue": body},
                        "attributes": pairs(route="a", body=CANARY, name=CANARY),
                    }
                ],
            }
            for name, body in said.items()
        ]
        scopes[0]["logRecords"].append({"body": {"kvlistValue": {"values": pairs(name=CANARY)}}})  # type: ignore[attr-defined]
        send(stack, "logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": scopes}]})
        logs: list[Log] = eventually(stores.logs)
        assert sorted(str(each.body) for each in logs) == [
            "left out by the collector",
            "left out by the collector",
            "refused left out by the collector",
            "request",
        ]
        assert {json.dumps(each.attributes) for each in logs} == {'{"route": "a"}', "{}"}
        assert {each.trace_id for each in logs} == {TRACE, ""}
        assert CANARY not in stores.all_text()

    @pytest.mark.parametrize("name", ["url.full", "url.path", "db.query.text"])
    def test_what_is_no_text_does_not_pass_as_one(self, net: tuple[Stack, Stores], name: str) -> None:
        stack, stores = net
        number = 10 + len(name)
        value = {"arrayValue": {"values": [{"stringValue": CANARY}]}}
        given = [*pairs(http__route="a"), {"key": name, "value": value}]
        send(stack, "traces", spans(span(number, attributes=given, status={"code": 2})))
        (found,) = eventually(lambda: stores.traced(f"{number:032x}"))
        assert found.attributes == {"http.route": "a"}
        assert CANARY not in stores.all_text()

    @pytest.mark.parametrize(
        ("number", "statement", "left"),
        [
            (30, f"SELECT $${CANARY}$$", "left out by the collector"),
            (31, f"SELECT $a$it's {CANARY}$a$", "left out by the collector"),
            (32, f"SELECT E'it\\'s {CANARY}'", "left out by the collector"),
            (33, f"SELECT 1 /* {CANARY} */", "left out by the collector"),
            (34, f"SELECT 1 -- {CANARY}", "left out by the collector"),
            (35, f"SELECT 'a' = '{CANARY}", "left out by the collector"),
            (36, "SELECT $1, $2, %s WHERE a = 'b'", "SELECT $1, $2, %s WHERE a = ?"),
        ],
    )
    def test_a_literal_of_a_statement_does_not_leave(
        self, net: tuple[Stack, Stores], number: int, statement: str, left: str
    ) -> None:
        stack, stores = net
        given = span(number, attributes=pairs(db__query__text=statement), status={"code": 2})
        send(stack, "traces", spans(given))
        (found,) = eventually(lambda: stores.traced(f"{number:032x}"))
        assert found.attributes == {"db.query.text": left}
        assert CANARY not in stores.all_text()

    @pytest.mark.parametrize(("number", "given", "left"), STACKS)
    def test_of_an_exception_frames_leave_and_no_word(
        self, net: tuple[Stack, Stores], number: int, given: str, left: str
    ) -> None:
        stack, stores = net
        event = {"name": "exception", "attributes": pairs(exception__stacktrace=given)}
        send(stack, "traces", spans(span(number, events=[event], status={"code": 2})))
        (found,) = eventually(lambda: stores.traced(f"{number:032x}"))
        assert [values(each.attributes) for each in found.span.events] == [{"exception.stacktrace": left}]
        log = {
            "traceId": f"{number:032x}",
            "body": {"stringValue": "a"},
            "attributes": pairs(exception__stacktrace=given, traceback=given),
        }
        send(stack, "logs", logs("careway.request", log))
        (record,) = eventually(lambda: [each for each in stores.logs() if each.trace_id == f"{number:032x}"])
        assert record.attributes == {"exception.stacktrace": left, "traceback": left}
        assert CANARY not in stores.all_text()

    def test_the_traceback_of_a_line_keeps_all_but_its_source(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        traceback = described(caught())["traceback"]
        log = {"traceId": f"{50:032x}", "body": {"stringValue": "a"}, "attributes": pairs(traceback=traceback)}
        send(stack, "logs", logs("careway.request", log))
        (record,) = eventually(lambda: [each for each in stores.logs() if each.trace_id == f"{50:032x}"])
        expected = [each for each in traceback.splitlines() if not each.startswith("    ")]
        assert {"which led to:", "in a group:", "Failed.Badly at:"} <= {each.rpartition(">.")[2] for each in expected}
        assert record.attributes["traceback"].splitlines() == expected

    def test_nor_does_a_name_of_an_event_or_of_a_level_that_somebody_wrote(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        events = [{"name": each} for each in (f"read {CANARY}", "exception", "key-set read")]
        send(stack, "traces", spans(span(60, events=events, status={"code": 2})))
        (found,) = eventually(lambda: stores.traced(f"{60:032x}"))
        assert [each.name for each in found.span.events] == ["left out by the collector", "exception", "key-set read"]
        frames = {"arrayValue": {"values": [{"stringValue": CANARY}]}}
        given = {
            level: {
                "traceId": f"{number:032x}", "severityText": level, "eventName": CANARY, "body": {"stringValue": "a"},
                "attributes": [{"key": each, "value": frames} for each in ("traceback", "exception.stacktrace")],
            }
            for number, level in enumerate(("WARN", "CRITICAL", CANARY), 61)
        }  # fmt: skip
        send(stack, "logs", logs("careway.request", *given.values()))
        wanted = {each["traceId"]: level if level != CANARY else "" for level, each in given.items()}
        found_logs = eventually(lambda: [each for each in stores.logs() if each.trace_id in wanted])
        assert {each.trace_id: each.severity for each in found_logs} == wanted
        assert [each.attributes for each in found_logs] == [{}] * 3
        assert CANARY not in stores.all_text()

    def test_of_a_metric_nothing_leaves_that_is_not_on_the_list(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        point = {
            "asInt": "1",
            "timeUnixNano": str(time.time_ns()),
            "attributes": pairs(outcome="stored", patient=CANARY),
        }
        whole = {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point]}
        scope = {"scope": {"name": "scope"}, "metrics": [{"name": "careway.ingestions", "sum": whole}]}
        send(stack, "metrics", {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [scope]}]})
        (found,) = eventually(lambda: stores.points("careway.ingestions"))
        assert found.attributes == {"outcome": "stored"}
        assert found.resource == {"service.name": "careway"}
        assert CANARY not in stores.all_text()

    def test_every_error_and_all_that_is_slow_is_kept_and_a_tenth_of_the_rest(self, net: tuple[Stack, Stores]) -> None:
        stack, stores = net
        begin = time.time_ns() - 10**10
        slow = {"startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + 600 * 10**6)}
        wrong = [span(1000 + each, status={"code": 2}) for each in range(100)]
        late = [span(2000 + each, **slow) for each in range(100)]
        good = [span(3000 + each) for each in range(1000)]
        chance = random.Random(1)
        for each in (*wrong, *late, *good):  # a share is taken by a trace's id, which is random elsewhere
            each["traceId"] = f"{chance.getrandbits(64):016x}{each['traceId'][16:]}"
        send(stack, "traces", spans(*wrong, *late, *good))
        # A decision is made each second, of all traces that have waited.
        eventually(lambda: len(kept(stores, 1000)) == len(kept(stores, 2000)) == 100 and kept(stores, 3000), seconds=15)
        time.sleep(1.5)
        assert len(kept(stores, 1000)) == len(kept(stores, 2000)) == 100
        assert 50 <= len(kept(stores, 3000)) <= 160


def kept(stores: Stores, first: int) -> set[int]:
    """The traces of a thousand numbers that arrived."""
    numbers = {int(each.trace_id.hex()[16:], 16) for each in stores.spans()}
    return {each for each in numbers if first <= each < first + 1000}
