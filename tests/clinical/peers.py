"""Real HTTP servers on this machine that answer as a test tells them, however badly, and keep what they were asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from chassis.problems import CATALOGUE


class Asked(NamedTuple):
    """One request as it arrived; `headers` are found by name in any case."""

    method: str
    path: str
    headers: Message


class Exchange:
    """One request in the hands of an answer: what it writes goes out as it is."""

    def __init__(self, handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        self._handler = handler
        self.path = handler.path
        self.over = over  # set when the peer stops: nothing may wait longer

    def write(self, content: bytes) -> None:
        self._handler.wfile.write(content)
        self._handler.wfile.flush()


Answer = Callable[[Exchange], None]


class Peer:
    """Answers the n-th request with the n-th answer, and every later one with the last; use as a context."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = peer._next(Asked(self.command, self.path, self.headers))
                self.close_connection = True
                try:
                    answer(Exchange(self, peer._over))
                except OSError:
                    return  # whoever asked has had enough

            def log_message(self, *_: Any) -> None:
                """Silence."""

        return Handler


@contextmanager
def no_answer() -> Iterator[str]:
    """A port that takes no connection and refuses none: its queue is full, as behind an address that is gone."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def reply(status: int, body: Any = b"", content_type: str = "application/json", **headers: str) -> Answer:
    """A whole answer; what is not bytes is written as JSON."""
    return lambda exchange: exchange.write(_message(status, body, content_type, **headers))


def problem(code: str) -> Answer:
    """What a service of this house answers on a route behind a token."""
    status = CATALOGUE[code].status
    body = {"type": f"/problems#{code}", "status": status, "code": code}
    return reply(status, body, "application/problem+json", Vary="Accept, Authorization, Careway-Organization")


def silent(seconds: float = 60) -> Answer:
    """Takes the request, says nothing for that long, and closes."""
    return slow(seconds, raw(b""))


def slow(seconds: float, then: Answer) -> Answer:
    """Answers, but late."""

    def answer(exchange: Exchange) -> None:
        exchange.over.wait(seconds)
        then(exchange)

    return answer


def dripping(status: int, body: Any, *, every: float, head_at_once: bool) -> Answer:
    """A good answer, one byte at a time: from its first, or from the first of its body."""

    def answer(exchange: Exchange) -> None:
        message = _message(status, body, "application/json")
        start = message.index(b"\r\n\r\n") + 4 if head_at_once else 0
        exchange.write(message[:start])
        for byte in message[start:]:
            if exchange.over.wait(every):
                return
            exchange.write(bytes([byte]))

    return answer


def cut(status: int, body: Any, *, keep: int) -> Answer:
    """Breaks off after so many bytes of the body."""

    def answer(exchange: Exchange) -> None:
        message = _message(status, body, "application/json")
        exchange.write(message[: message.index(b"\r\n\r\n") + 4 + keep])

    return answer


def endless(status: int) -> Answer:
    """A body without an end, as fast as it is taken."""

    def answer(exchange: Exchange) -> None:
        exchange.write(f"HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\n\r\n".encode())
        while not exchange.over.is_set():
            exchange.write(b" " * 4096)

    return answer


def raw(content: bytes) -> Answer:
    """These bytes, HTTP or not."""
    return lambda exchange: exchange.write(content)


def _message(status: int, body: Any, content_type: str, **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Content-Type": content_type, "Content-Length": str(len(content)), "Connection": "close", **named}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode() + content
