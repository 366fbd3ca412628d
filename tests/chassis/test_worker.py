"""The worker's own refusals; tests/server/test_parser.py asks the running server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import InvalidRequestLine, LimitRequestHeaders, LimitRequestLine
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from chassis.worker import STALLED_SECONDS, Worker


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
    assert conn.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == STALLED_SECONDS * 1000
    assert seen == [STALLED_SECONDS]  # the limit of the headers is not one of the body


def test_it_leaves_who_sends_nothing_to_the_poller(
    monkeypatch: pytest.MonkeyPatch, connection: tuple[Worker, TConn, socket.socket]
) -> None:
    monkeypatch.setattr("chassis.worker.DEFAULT_WORKER_DATA_TIMEOUT", 0.05)
    worker, conn, _ = connection
    assert worker.handle(conn) is _DEFER
