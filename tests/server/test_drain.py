"""SIGTERM on a real server: unready at once, serving on, nothing cut off, ended with 0."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings

from tests.servers import Server, make_database
from tests.worlds import world_of

SERVICE = settings.SERVICES[0]
numbers = count(1)


@pytest.fixture(scope="module")
def database() -> str:
    return make_database("careway_drain")


@pytest.fixture
def server(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Drains as long as the test says, by an indirect parameter; who waited for clients would not `end`."""
    times = {"CAREWAY_DRAIN_SECONDS": str(request.param), "CAREWAY_GRACEFUL_SECONDS": "60"}
    variables = {**times, "CAREWAY_LOG_LEVEL": "INFO"}
    running = Server(database, variables, output=tmp_path).start()
    yield running
    with suppress(ProcessLookupError):
        running.stop(signal.SIGKILL)


def drains(seconds: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("server", [seconds], indirect=True, ids=[f"{seconds} s"])


def tell(server: Server, number: signal.Signals = signal.SIGTERM) -> float:
    """Signals the master alone, as Kubernetes does; answers when that was."""
    assert server.process
    server.process.send_signal(number)
    return time.monotonic()


def end(server: Server, since: float) -> tuple[int, float]:
    """The exit status, and after how many seconds."""
    assert server.process
    return server.process.wait(timeout=40), time.monotonic() - since


@drains(3)
def test_it_is_unready_at_once_and_serves_until_it_has_drained(server: Server, tmp_path: Path) -> None:
    kept = HTTPConnection("127.0.0.1", server.port, timeout=10)
    kept.request("GET", "/livez")
    before = kept.getresponse()
    before.read()
    told = tell(server)
    time.sleep(0.05)
    # As many as reach both workers.
    for _ in range(20):
        answer = server.api.get("/readyz")
        assert (answer.status, answer.header("Retry-After")) == (503, "5")
        assert answer.json["detail"] == "The process is about to end."
        assert server.api.get("/livez").status == 200
    collection, body = world_of(SERVICE).plain(next(numbers))
    time.sleep(2)
    assert server.api.post(collection, body).status == 201
    kept.request("GET", "/livez")
    after = kept.getresponse()
    after.read()
    assert (before.getheader("Connection"), after.getheader("Connection")) == ("keep-alive", "close")
    status, seconds = end(server, told)
    assert status == 0
    assert seconds >= 3
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_text(encoding="utf-8").splitlines()]
    said = [line for line in lines if line["logger"] == "careway.server"]
    assert [line["message"] for line in said] == ["serving", "draining", "stopped"]
    assert (said[0]["services"], said[0]["workers"], said[1]["seconds"]) == (settings.SERVICES, 2, 3)


@drains(60)
@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_sooner(server: Server, again: signal.Signals) -> None:
    tell(server)
    time.sleep(0.3)
    assert server.api.get("/livez").status == 200
    status, _ = end(server, tell(server, again))
    assert status == 0


@drains(60)
def test_a_worker_that_dies_meanwhile_is_replaced_and_unready_too(server: Server) -> None:
    tell(server)
    time.sleep(0.1)
    old = server.workers
    for each in old:
        os.kill(each, signal.SIGKILL)
    until = time.monotonic() + 10
    while (len(server.workers - old) < 2 or server.workers & old) and time.monotonic() < until:
        time.sleep(0.05)
    assert {server.api.get("/readyz").status for _ in range(10)} == {503}
    assert server.api.get("/livez").status == 200
    assert end(server, tell(server))[0] == 0


@drains(1)
def test_it_still_drains_after_a_reload(server: Server) -> None:
    old = server.workers
    tell(server, signal.SIGHUP)
    until = time.monotonic() + 15
    while (server.workers & old or len(server.workers) < 2) and time.monotonic() < until:
        time.sleep(0.05)
    told = tell(server)
    time.sleep(0.1)
    assert server.api.get("/readyz").status == 503
    status, seconds = end(server, told)
    assert (status, seconds >= 1) == (0, True)


@drains(0)
def test_it_waits_neither_without_a_drain_nor_for_who_sends_nothing(server: Server) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)),
        socket.create_connection(("127.0.0.1", server.port)) as half,
    ):
        half.sendall(b"GET /livez HT")
        time.sleep(0.2)
        assert end(server, tell(server))[0] == 0
