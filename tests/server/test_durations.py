"""What the histogram says of requests on real sockets: a wait for a thread is the service's, a slow body is its client's."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg
import pytest
from django.urls import Resolver404, resolve

from tests.api import RemoteApi, token
from tests.collector import Collector, eventually
from tests.servers import Server
from tests.worlds import World

# What a client dawdles; a busy machine answers all else within half of that.
SLOW_SECONDS = 3.0


@pytest.fixture(scope="module")
def told() -> Iterator[Collector]:
    """Of the one process below alone."""
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def narrow(server_database: str, told: Collector) -> Iterator[Server]:
    """One thread, so that whoever holds it lets all others wait."""
    alone = {"CAREWAY_WORKERS": "1", "CAREWAY_THREADS": "1"}
    running = Server(server_database, {**told.environment, **alone}).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def api(narrow: Server, service: str) -> RemoteApi:
    return narrow.api.as_(service=service)


class Seen(NamedTuple):
    number: float
    seconds: float


def seen(told: Collector, route: str, status: int) -> Seen:
    """All requests so far to a route that were answered so."""
    wanted: dict[str, Any] = {"http.route": route or None, "http.response.status_code": status}
    points = [
        point
        for point in told.points("http.server.request.duration")
        if {name: point.attributes.get(name) for name in wanted} == wanted
    ]
    return Seen(sum(point.value for point in points), sum(point.sum for point in points))


def seconds_of_one(told: Collector, route: str, status: int, before: Seen) -> float:
    """What was measured of the one request since."""
    assert eventually(lambda: seen(told, route, status).number == before.number + 1)
    return seen(told, route, status).seconds - before.seconds


def route_of(url: str) -> str:
    try:
        return str(resolve(url).route)
    except Resolver404:
        return ""


def dawdled(api: RemoteApi, method: str, url: str, body: bytes, *lines: str) -> tuple[int, float]:
    """Sends the head and half of the body, and the rest when the client has dawdled; the status, and when it was there.

    An answer that comes before the rest ends the wait, as the server lets go of such a connection.
    """
    head = [f"{method} {url} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *lines, "", ""]
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=SLOW_SECONDS) as connection:
        began = time.monotonic()
        connection.sendall("\r\n".join(head).encode() + body[: len(body) // 2])
        try:
            answer = connection.recv(65_536)
        except TimeoutError:
            connection.sendall(body[len(body) // 2 :])
            connection.settimeout(30)
            answer = connection.recv(65_536)
        status = re.match(rb"HTTP/1.1 (\d+) ", answer)
        assert status, answer
        return int(status[1]), time.monotonic() - began


AUTHORIZED = f"Authorization: Bearer {token()}"
JSON = "Content-Type: application/json"


class TestAThread:
    def test_a_wait_for_it_is_counted(
        self, api: RemoteApi, world: World, server_database: str, told: Collector
    ) -> None:
        path, _ = world.plain(0)
        before = seen(told, "problems", 200)
        with psycopg.connect(server_database) as holder, ThreadPoolExecutor(2) as clients:
            holder.execute(f"LOCK TABLE {world.table} IN ACCESS EXCLUSIVE MODE".encode())
            slow = clients.submit(api.get, path)
            waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            assert eventually(lambda: holder.execute(waiting).fetchall())
            quick = clients.submit(api.get, "/problems")
            time.sleep(SLOW_SECONDS)
            holder.rollback()
            assert (slow.result().status, quick.result().status) == (200, 200)
        assert SLOW_SECONDS * 0.9 <= seconds_of_one(told, "problems", 200, before) < SLOW_SECONDS * 2

    def test_none_of_it_is_the_next_one_s(self, api: RemoteApi, told: Collector) -> None:
        before = seen(told, "problems", 200)
        assert api.get("/problems").status == 200
        assert seconds_of_one(told, "problems", 200, before) < SLOW_SECONDS / 2


class TestASlowBody:
    def test_it_is_not_counted_of_a_request_that_is_done(
        self, api: RemoteApi, world: World, numbers: Iterator[int], told: Collector
    ) -> None:
        path, body = world.plain(next(numbers))
        url = api.url_of(path)
        before = seen(told, route_of(url), 201)
        status, seconds = dawdled(api, "POST", url, json.dumps(body).encode(), AUTHORIZED, JSON)
        assert (status, seconds >= SLOW_SECONDS) == (201, True)
        assert seconds_of_one(told, route_of(url), 201, before) < SLOW_SECONDS / 2

    @pytest.mark.parametrize(
        ("method", "path", "lines", "status"),
        [
            ("POST", "openapi.json", [], 405),
            ("POST", "docs", [], 405),
            ("GET", "openapi.json", [], 200),
            ("POST", "/nowhere", [AUTHORIZED], 404),
            ("POST", "", [], 401),
            ("DELETE", "", [AUTHORIZED], 405),
            ("POST", "", [AUTHORIZED, "Accept: text/csv"], 406),
        ],
    )
    def test_whom_nobody_let_in_is_answered_without_it(
        self, api: RemoteApi, world: World, told: Collector, method: str, path: str, lines: list[str], status: int
    ) -> None:
        url = api.url_of(path or world.plain(0)[0])
        assert api.get("openapi.json").status == 200  # it is made once, which takes a while
        told.settle()
        before = seen(told, route_of(url), status)
        found, seconds = dawdled(api, method, url, bytes(1000), *lines, JSON)
        assert (found, seconds < SLOW_SECONDS / 2) == (status, True)
        assert seconds_of_one(told, route_of(url), status, before) < SLOW_SECONDS / 2


class TestOutcomes:
    def test_a_document_is_none_and_a_bad_token_is_refused(self, api: RemoteApi, world: World, told: Collector) -> None:
        def counted() -> dict[str, float]:
            points = told.points("careway.requests")
            return {p.attributes["outcome"]: p.value for p in points if p.attributes["api"] == api.service}

        told.settle()
        before = counted()
        for path in ("openapi.json", "docs"):
            assert api.get(path).status == 200
        assert api.get(world.plain(0)[0], Authorization="Bearer none").status == 401
        told.settle()
        assert counted() == {**before, "refused": before["refused"] + 1}
