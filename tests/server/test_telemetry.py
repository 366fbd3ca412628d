"""The spans of a request as they arrive at a collector: one tree for each, and nothing in it of what a client sent."""

from __future__ import annotations

import json
import re
import uuid
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.api import RemoteApi
from tests.collector import Collector, Traced, eventually, values
from tests.servers import Server
from tests.worlds import World

CANARY = "Zqx7canary"
SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
ERROR = Status.STATUS_CODE_ERROR


@pytest.fixture
def api(wired_server: Server, service: str) -> RemoteApi:
    return wired_server.api.as_(service=service)


@pytest.fixture
def trace_id() -> str:
    return uuid.uuid4().hex


def traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-00f067aa0ba902b7-01"


def tree(collector: Collector, trace_id: str) -> tuple[Traced, list[Traced]]:
    """The server span of a trace, which is the only one, and what is right below it."""

    def ended() -> list[Traced]:
        return [each for each in collector.traced(trace_id) if each.span.kind == SERVER]

    (server,) = eventually(ended)
    # What is below it ends before it does, and was exported before it or with it.
    below = [each for each in collector.traced(trace_id) if each.span.kind != SERVER]
    assert {each.span.parent_span_id for each in below} <= {server.span.span_id}
    return server, sorted(below, key=lambda each: each.span.start_time_unix_nano)


def exceptions(traced: Traced) -> list[dict[str, str]]:
    return [values(event.attributes) for event in traced.span.events if event.name == "exception"]


class TestARequest:
    def test_a_read_is_one_server_span_with_its_database_span_below_the_caller_s(
        self, api: RemoteApi, world: World, numbers: count[int], collector: Collector, trace_id: str
    ) -> None:
        path, body = world.plain(next(numbers))
        made = api.post(path, body).json
        assert api.get(f"{path}/{made['id']}", traceparent=traceparent(trace_id)).status == 200
        server, (query,) = tree(collector, trace_id)
        route = f"{api.service}/v1/{path}/<uuid:pk>"
        assert (server.span.name, server.span.parent_span_id.hex()) == (f"GET {route}", "00f067aa0ba902b7")
        assert server.attributes["http.route"] == route
        assert server.attributes["url.path"] == f"/{route}"
        assert (server.attributes["http.request.method"], server.attributes["http.response.status_code"]) == (
            "GET",
            200,
        )
        assert (query.span.kind, query.span.name) == (CLIENT, "SELECT")
        assert query.attributes["db.system.name"] == "postgresql"
        assert world.table in query.attributes["db.query.text"]
        assert (server.resource["service.name"], bool(server.resource["service.version"])) == ("careway", True)

    def test_a_write_shows_each_of_its_statements(
        self, api: RemoteApi, world: World, numbers: count[int], collector: Collector, trace_id: str
    ) -> None:
        assert api.post(*world.plain(next(numbers)), traceparent=traceparent(trace_id)).status == 201
        server, statements = tree(collector, trace_id)
        assert server.attributes["http.response.status_code"] == 201
        assert [each.span.name for each in statements] == ["SELECT", "INSERT"]

    def test_an_unknown_route_or_method_has_a_name_that_nobody_chose(
        self, wired_server: Server, collector: Collector, trace_id: str
    ) -> None:
        assert wired_server.api.call("GET", f"/{CANARY}", traceparent=traceparent(trace_id)).status == 404
        server, _ = tree(collector, trace_id)
        assert (server.span.name, "http.route" in server.attributes) == ("GET", False)
        other = uuid.uuid4().hex
        assert wired_server.api.call(CANARY.upper(), "/problems", traceparent=traceparent(other)).status == 405
        server, _ = tree(collector, other)
        assert (server.span.name, server.attributes["http.request.method"]) == ("HTTP", "_OTHER")

    def test_a_caller_that_does_not_sample_is_not_sampled(
        self, wired_server: Server, collector: Collector, trace_id: str
    ) -> None:
        assert wired_server.api.get("/problems", traceparent=traceparent(trace_id)[:-1] + "0").status == 200
        later = uuid.uuid4().hex
        assert wired_server.api.get("/problems", traceparent=traceparent(later)).status == 200
        tree(collector, later)
        assert collector.spans(trace_id) == []


class TestAnError:
    def test_a_constraint_s_words_stay_inside(
        self, api: RemoteApi, world: World, numbers: count[int], collector: Collector, trace_id: str
    ) -> None:
        path, body = world.plain(next(numbers))
        assert api.post(path, body).status == 201
        assert api.post(path, body, traceparent=traceparent(trace_id)).status == 409
        server, statements = tree(collector, trace_id)
        insert = statements[1]
        assert (insert.span.name, insert.span.status.code) == ("INSERT", ERROR)
        assert insert.span.status.message == "psycopg.errors.UniqueViolation"
        (event,) = exceptions(insert)
        assert event["exception.type"] == "psycopg.errors.UniqueViolation"
        assert "psycopg/cursor.py" in event["exception.stacktrace"]
        assert server.span.status.code != ERROR  # a client's mistake is none of the server's
        # PostgreSQL said which value was there already; that is what the message quotes.
        assert str(body[world.unique]) not in collector.all_text()

    @pytest.mark.parametrize("route", ["crash", "bare"])
    def test_it_is_recorded_even_where_it_is_answered_with_words(
        self, wired_server: Server, collector: Collector, trace_id: str, route: str
    ) -> None:
        answer = wired_server.api.get(f"/{route}/{CANARY}", traceparent=traceparent(trace_id))
        assert (answer.status, answer.json["code"], answer.json["trace_id"]) == (500, "internal", trace_id)
        server, _ = tree(collector, trace_id)
        assert (server.span.status.code, server.attributes["error.type"]) == (ERROR, "LookupError")
        (event,) = exceptions(server)
        assert event["exception.type"] == "LookupError"
        frames = event["exception.stacktrace"].splitlines()
        assert any(re.search(r'crashing/urls\.py", line \d+, in crash$', line) for line in frames)
        assert set(event) == {"exception.type", "exception.stacktrace"}
        assert CANARY not in collector.all_text()


class TestWhatAClientChooses:
    def test_none_of_it_leaves(
        self, api: RemoteApi, world: World, numbers: count[int], collector: Collector, trace_id: str
    ) -> None:
        path, body = world.plain(next(numbers))
        made = api.post(path, body).json["id"]
        headers = {
            "User-Agent": CANARY, "baggage": f"patient={CANARY}", "tracestate": f"vendor={CANARY}",
            "Referer": CANARY, "X-Forwarded-For": CANARY, "Accept-Language": CANARY,
        }  # fmt: skip
        assert api.get(f"{path}/{made}?name={CANARY}", **headers, traceparent=traceparent(trace_id)).status == 400
        server, _ = tree(collector, trace_id)
        assert server.span.trace_state == ""
        assert [word for word in (CANARY, made) if word in collector.all_text()] == []


class TestProbes:
    def test_they_leave_nothing_and_are_answered_whatever_name_the_kubelet_uses(
        self, wired_server: Server, collector: Collector, trace_id: str
    ) -> None:
        for path in ("/livez", "/readyz"):
            connection = HTTPConnection("127.0.0.1", wired_server.port, timeout=10)
            connection.request("GET", path, headers={"Host": "10.1.2.3", "traceparent": traceparent(trace_id)})
            assert connection.getresponse().status == 200
            connection.close()
        later = uuid.uuid4().hex
        assert wired_server.api.get("/problems", traceparent=traceparent(later)).status == 200
        tree(collector, later)
        assert collector.spans(trace_id) == []
        assert eventually(lambda: collector.total("http.server.request.duration", http_route="problems"))
        routes = {point.attributes.get("http.route") for point in collector.points("http.server.request.duration")}
        assert not routes & {"livez", "readyz"}

    def test_another_host_is_refused_as_ever_and_seen(
        self, wired_server: Server, collector: Collector, trace_id: str
    ) -> None:
        answer = wired_server.api.get("/problems", Host=f"{CANARY}.example", traceparent=traceparent(trace_id))
        assert (answer.status, answer.json["code"], bool(answer.json["request_id"])) == (400, "bad-request", True)
        server, _ = tree(collector, trace_id)
        assert server.attributes["http.response.status_code"] == 400
        assert CANARY.lower() not in collector.all_text().lower()


class TestLogs:
    def test_they_go_out_over_otlp_when_asked_and_to_stdout_all_the_same(
        self, server_database: str, tmp_path: Path
    ) -> None:
        with Collector() as own:
            more = {"OTEL_LOGS_EXPORTER": "otlp", "CAREWAY_LOG_LEVEL": "INFO"}
            settings = {"DJANGO_SETTINGS_MODULE": "tests.crashing.settings"}
            server = Server(server_database, {**own.environment, **settings, **more}, output=tmp_path).start()
            trace_id = uuid.uuid4().hex
            assert server.api.get(f"/crash/{CANARY}", traceparent=traceparent(trace_id)).status == 500
            assert server.stop() == 0
            of_request = [each for each in own.logs() if each.trace_id == trace_id]
            (span,) = [each for each in own.spans(trace_id) if each.kind == SERVER]
            assert {each.body for each in of_request} == {"unforeseen", "request"}
            assert {each.span_id for each in of_request} == {span.span_id.hex()}
            assert CANARY not in own.all_text()
        printed = [json.loads(line) for line in (tmp_path / "stdout").read_text(encoding="utf-8").splitlines()]
        assert {each["message"] for each in printed if each.get("trace_id") == trace_id} == {"unforeseen", "request"}

    def test_by_default_they_do_not(self, wired_server: Server, collector: Collector, trace_id: str) -> None:
        assert wired_server.api.get(f"/crash/{CANARY}", traceparent=traceparent(trace_id)).status == 500
        tree(collector, trace_id)
        assert collector.logs() == []
