"""The worker's own refusals; tests/server/test_parser.py asks the running server."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import InvalidRequestLine, LimitRequestHeaders, LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

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


def test_it_gives_up_a_client_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadWorker, "handle_request", lambda self, request, connection: True)
    settings = Config()
    worker = Worker(1, 1, [], None, 30, settings, Logger(settings))
    listener = socket.create_server(("127.0.0.1", 0))
    theirs = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    with listener, theirs, ours:
        connection = SimpleNamespace(parser=SimpleNamespace(unreader=SimpleNamespace(sock=ours)))
        assert worker.handle_request(None, connection)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == STALLED_SECONDS * 1000
    worker.tmp.close()
