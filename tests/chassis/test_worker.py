"""The worker's own refusals; tests/server/test_parser.py asks the running server."""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import InvalidRequestLine, LimitRequestHeaders, LimitRequestLine
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from chassis.pace import Pace
from chassis.worker import STALLED_SECONDS, Worker
from tests.collector import eventually


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidRequestLine("CANARY"), 400, "bad-request"),
        (LimitRequestLine(1, 2), 414, "uri-too-long"),
        (LimitRequestHeaders("CANARY"), 431, "headers-too-large"),
        (RuntimeError("CANARY"), 500, "internal"),
    ],
)
def test_it_words_what_the_parser_refused(error: Exception, status: int, code: str) -> None:
    settings = Config()
    worker = Worker(1, 1, [], None, 30, settings, Logger(settings))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("127.0.0.1", 1), error)
        head, _, body = theirs.recv(65_536).partition(b"\r\n\r\n")
    worker.tmp.close()
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["code"] == code
    assert b"CANARY" not in head + body


def test_it_survives_a_client_that_has_gone() -> None:
    settings = Config()
    worker = Worker(1, 1, [], None, 30, settings, Logger(settings))
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        worker.handle_error(None, ours, None, InvalidRequestLine("x"))
    worker.tmp.close()


@pytest.fixture
def connection() -> Iterator[tuple[Worker, TConn, socket.socket]]:
    settings = Config()
    worker = Worker(1, 1, [], None, 30, settings, Logger(settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, address = listener.accept()
        with theirs, ours:
            yield worker, TConn(settings, ours, address, listener.getsockname()), theirs
    worker.tmp.close()


@pytest.mark.parametrize("beginning", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a"])
def test_it_gives_up_who_sends_half_a_request(
    monkeypatch: pytest.MonkeyPatch, connection: tuple[Worker, TConn, socket.socket], beginning: bytes
) -> None:
    monkeypatch.setattr("chassis.worker.HEADER_SECONDS", 0.1)
    worker, conn, theirs = connection
    theirs.sendall(beginning)
    assert worker.handle(conn) is False


def test_it_gives_up_who_takes_no_answer(
    monkeypatch: pytest.MonkeyPatch, connection: tuple[Worker, TConn, socket.socket]
) -> None:
    worker, conn, theirs = connection
    seen: list[float | None] = []
    monkeypatch.setattr(ThreadWorker, "handle_request", lambda self, request, conn: seen.append(conn.sock.gettimeout()))
    theirs.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    worker.handle(conn)
    assert isinstance(conn.sock, Pace)
    assert conn.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == STALLED_SECONDS * 1000
    assert seen == [STALLED_SECONDS]  # the limit of the headers is not one of the body


def test_it_leaves_who_sends_nothing_to_the_poller(
    monkeypatch: pytest.MonkeyPatch, connection: tuple[Worker, TConn, socket.socket]
) -> None:
    monkeypatch.setattr("chassis.worker.DEFAULT_WORKER_DATA_TIMEOUT", 0.05)
    worker, conn, _ = connection
    assert worker.handle(conn) is _DEFER


class TestServing:
    """A worker with its threads in this process, and clients that ask over TCP."""

    def test_a_connection_is_kept_for_the_next_request(self, serving: Serving) -> None:
        with serving.connect() as client:
            assert [get(client), get(client)] == [b"hello"] * 2
            assert serving.worker.nr_conns == 1

    def test_requests_that_are_sent_ahead_are_answered_in_turn(self, serving: Serving) -> None:
        with serving.connect() as client:
            client.sendall(REQUEST * 3 + REQUEST[:10])
            for _ in range(3):
                assert answer(client) == b"hello"
            client.sendall(REQUEST[10:])
            assert answer(client) == b"hello"

    def test_a_body_that_comes_late_is_read(self, serving: Serving) -> None:
        serving.application = lambda environ: environ["wsgi.input"].read()
        with serving.connect() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            time.sleep(0.1)
            client.sendall(b"cd")
            assert answer(client) == b"abcd"

    def test_a_thread_outlives_an_application_that_exits(self, serving: Serving) -> None:
        serving.application = lambda environ: sys.exit()
        for _ in range(3):  # there are two threads
            with serving.connect() as client:
                client.sendall(REQUEST)
                assert client.recv(100) == b""
        serving.application = lambda environ: b"hello"
        with serving.connect() as client:
            assert get(client) == b"hello"

    def test_a_probe_is_answered_while_all_threads_are_taken(self, serving: Serving) -> None:
        over = threading.Event()
        serving.application = lambda environ: b"late" if environ["PATH_INFO"] == "/" and over.wait(10) else b"alive"
        with ExitStack() as stack:
            taking = [stack.enter_context(serving.connect()) for _ in range(2)]
            for client in taking:
                client.sendall(REQUEST)
            prober = stack.enter_context(serving.connect())
            prober.sendall(REQUEST.replace(b"/ ", b"/livez "))
            assert answer(prober) == b"alive"
            over.set()
            assert [answer(client) for client in taking] == [b"late"] * 2

    def test_a_request_has_arrived_before_it_waits_for_a_thread(self, serving: Serving) -> None:
        over = threading.Event()
        serving.application = lambda environ: age(environ) if environ["PATH_INFO"] == "/age" or over.wait(10) else b""
        with ExitStack() as stack:
            for _ in range(2):  # there are two threads
                stack.enter_context(serving.connect()).sendall(REQUEST)
            third = stack.enter_context(serving.connect())
            third.sendall(REQUEST.replace(b"/ ", b"/age "))
            time.sleep(0.5)
            over.set()
            assert float(answer(third)) >= 0.4

    def test_each_request_of_a_connection_arrives_for_itself(self, serving: Serving) -> None:
        serving.application = lambda environ: age(environ, then_sleep=0.5)
        with serving.connect() as client:
            ages = [get(client)]
            time.sleep(0.5)
            client.sendall(REQUEST * 2)  # the second is taken up when the first is answered
            ages += [answer(client), answer(client)]
        assert all(0 < float(each) < 0.4 for each in ages)

    def test_what_one_request_was_waited_for_is_not_the_next_one_s(self, serving: Serving) -> None:
        def waited(environ: dict[str, Any]) -> bytes:
            environ["wsgi.input"].read()
            return str(environ["gunicorn.socket"].waited).encode()

        serving.application = waited
        with serving.connect() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            time.sleep(0.5)
            client.sendall(b"cd")
            assert float(answer(client)) >= 0.4
            assert float(get(client)) == 0

    def test_a_client_that_takes_no_answer_is_reset(self, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chassis.worker.STALLED_SECONDS", 0.3)
        monkeypatch.delattr(socket, "TCP_USER_TIMEOUT", raising=False)  # by which the kernel would do it, but later
        serving.application = lambda environ: bytes(20_000_000)
        with serving.connect() as client:
            client.sendall(REQUEST)
            time.sleep(0.6)
            with pytest.raises(ConnectionResetError):
                b"".join(iter(lambda: client.recv(65_536), b""))
        assert serving.becomes_empty()

    def test_when_many_rest_the_next_is_told_to_leave(self, serving: Serving) -> None:
        serving.worker.max_keepalived = 1
        with serving.connect() as first, serving.connect() as second:
            assert get(first) == b"hello"
            assert eventually(lambda: serving.worker.lobby and serving.worker.lobby.resting == 1)
            second.sendall(REQUEST)
            assert b"Connection: close" in second.recv(1000)

    def test_one_that_leaves_is_forgotten(self, serving: Serving) -> None:
        with serving.connect() as client:
            get(client)
        assert serving.becomes_empty()
        assert serving.worker.lobby
        assert (serving.worker.lobby.resting, serving.worker.lobby.waiting) == (0, 0)

    def test_it_tells_the_master_that_it_lives_once_a_second(self, serving: Serving) -> None:
        told: list[float] = []
        serving.worker.tmp.notify = lambda: told.append(time.monotonic())
        with serving.connect() as client:
            until = time.monotonic() + 1.5
            while time.monotonic() < until:
                get(client)
        assert 1 <= len(told) <= 2


def test_the_date_is_the_seconds_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.2, 0.9, 1.0, 86_400.5]
    monkeypatch.setattr("chassis.worker.time.time", lambda: seconds.pop(0))
    assert [util.http_date() for _ in range(4)] == [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:01 GMT",
        "Fri, 02 Jan 1970 00:00:00 GMT",
    ]


def test_whether_an_answer_is_the_last_is_decided_once(connection: tuple[Worker, TConn, socket.socket]) -> None:
    worker, conn, theirs = connection
    theirs.sendall(REQUEST)
    worker.handle(conn)
    request = conn.parser.mesg
    request._closes = None
    worker.alive = False
    assert request.should_close()
    worker.alive = True
    assert request.should_close()


def test_without_a_lobby_a_request_arrives_with_its_thread(
    monkeypatch: pytest.MonkeyPatch, connection: tuple[Worker, TConn, socket.socket]
) -> None:
    worker, conn, theirs = connection
    seen: list[float] = []
    monkeypatch.setattr(ThreadWorker, "handle_request", lambda self, request, conn: seen.append(conn.sock.arrived))
    for _ in range(2):
        theirs.sendall(REQUEST)
        began = time.perf_counter()
        worker.handle(conn)
        assert began <= seen.pop() <= time.perf_counter()


REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Serving:
    worker: Worker
    address: Any
    application: Callable[[dict[str, Any]], bytes] = lambda environ: b"hello"

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        content = self.application(environ)
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def becomes_empty(self) -> bool:
        until = time.monotonic() + 5
        while self.worker.nr_conns and time.monotonic() < until:
            time.sleep(0.01)
        return not self.worker.nr_conns


@pytest.fixture
def serving() -> Iterator[Serving]:
    settings = Config()
    settings.set("threads", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = Worker(1, os.getppid(), [listener], None, 30, settings, Logger(settings))
        found = Serving(worker, listener.getsockname())
        # What gunicorn does after the fork, without its signals, which are the test run's.
        worker.tpool, worker.poller, worker.wsgi = worker.get_thread_pool(), selectors.DefaultSelector(), found.answer
        worker.method_queue.init()
        worker.alive = True
        thread = threading.Thread(target=worker.run)
        thread.start()
        yield found
        worker.handle_exit(None, None)
        thread.join(10)
        assert not thread.is_alive()
    worker.tmp.close()


def age(environ: dict[str, Any], *, then_sleep: float = 0) -> bytes:
    """How long a request is here by the time that a thread works for it."""
    found = time.perf_counter() - environ["gunicorn.socket"].arrived
    time.sleep(then_sleep)
    return str(found).encode()


def get(client: socket.socket) -> bytes:
    client.sendall(REQUEST)
    return answer(client)


def answer(client: socket.socket) -> bytes:
    """The content of one answer, and not a byte of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]  # all have one
    return b"".join(client.recv(1) for _ in range(length))
