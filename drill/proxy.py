"""A round-robin proxy that never retries: what it could not pass on is a failure, and stays one.

It learns who is ready as a Kubernetes service does: readiness is polled, and what was found counts a little later. It
keeps its connections to the instances, and lets go of one that the instance has closed, as every proxy does.
"""

from __future__ import annotations

import itertools
import select
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

POLL_SECONDS = 0.2
DELAY_SECONDS = 0.3
# Of this connection alone, and not of the next one (RFC 9110 §7.6.1); the server of this proxy writes two by itself.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


class Instance:
    """One of those behind the proxy, with the connections kept to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.ready = False
        self.answered = 0
        self._idle: list[HTTPConnection] = []

    def take(self) -> HTTPConnection:
        while self._idle:
            with suppress(IndexError):
                kept = self._idle.pop()
                if kept.sock and not select.select([kept.sock], [], [], 0)[0]:
                    return kept
                kept.close()
        return HTTPConnection("127.0.0.1", self.port, timeout=30)

    def give_back(self, connection: HTTPConnection) -> None:
        if connection.sock:  # http.client drops it after an answer with `Connection: close`
            self._idle.append(connection)

    def forget(self) -> None:
        """Closes what is kept."""
        while self._idle:
            self._idle.pop().close()

    def probe(self) -> bool:
        # As long as docs/operating.md prescribes: a busy instance is not one that is not ready.
        connection = HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class Proxy:
    """Use as a context; `failures` are the requests it could not pass on."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.instances = [Instance(port) for port in ports]
        self.failures: list[str] = []
        self._turns = itertools.count()
        self._over = threading.Event()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        for instance in self.instances:
            threading.Thread(target=self._watch, args=(instance,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        for instance in self.instances:
            instance.forget()

    def wait_until_all_ready(self) -> None:
        until = time.monotonic() + 30
        while not all(instance.ready for instance in self.instances):
            assert time.monotonic() < until, "an instance did not become ready"
            time.sleep(0.05)

    def pass_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        """Raises OSError or HTTPException where the instance did not answer, or there is none."""
        ready = [instance for instance in self.instances if instance.ready]
        if not ready:
            raise ConnectionError("nobody is ready")
        instance = ready[next(self._turns) % len(ready)]
        connection = instance.take()
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            connection.close()
            raise
        instance.give_back(connection)
        instance.answered += 1
        return answer, content

    def _watch(self, instance: Instance) -> None:
        while not self._over.wait(POLL_SECONDS):
            found = instance.probe()
            if found != instance.ready:
                time.sleep(DELAY_SECONDS)
                instance.ready = found


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """One request of whatever method."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            answer, content = self.proxy.pass_on(self.command, self.path, body, headers)
        except (OSError, HTTPException) as error:
            self.proxy.failures.append(f"{self.command}: {type(error).__name__}")
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Silence."""
