"""Sockets read and written under limits. Imports nothing of the house: gunicorn's master loads it, before Django is set up."""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

# What a socket says that would have to wait.
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# What is longer is sent by itself: to join it to the head would cost more than a call of the kernel.
JOINED = 64 * 1024


def _nothing() -> None:
    """What `give_up` is between requests."""


class Pace:
    """A connection's socket, never blocking: it waits here, under limits that are judged at every recv.

    gunicorn reads until it has what it was asked for, so limits between reads alone would let a client that sends a
    byte a minute hold a thread for days. A time-out of Python's sockets does as much, but each costs two more calls of
    the kernel, at which other threads take the interpreter: .1 ms of each request.
    """

    def __init__(self, sock: Any, *, resting: float | None = None) -> None:
        """`resting` is the time-out outside of limits: of each read, and of each write of an answer as a whole."""
        sock.setblocking(False)
        self._sock = sock
        self._resting = self._timeout = resting
        self.limited = False
        self.begin(time.perf_counter())
        self._head: bytes | None = None
        # Called where the rest of a body is not read: no request can follow on the connection, and the answer says so.
        self.give_up: Callable[[], None] = _nothing

    def begin(self, arrived: float) -> None:
        """A request, whose head was here at `arrived`. From now on `waited` are the seconds that reads wait for its client."""
        self.arrived, self.waited = arrived, 0.0

    def limit(self, *, idle_seconds: float, minimum_rate: int, deadline_seconds: float) -> None:
        """From now on: a byte within `idle_seconds`, `minimum_rate` bytes a second on average, an end by the deadline."""
        self.limited = True
        self._headers = False
        self._idle, self._rate, self._deadline = idle_seconds, minimum_rate, deadline_seconds
        self._started = time.monotonic()
        self._received = 0

    def limit_headers(self, seconds: float) -> None:
        """From now on: the end of the headers within `seconds`; who has not sent it by then counts as gone."""
        self.limit(idle_seconds=seconds, minimum_rate=0, deadline_seconds=seconds)
        self._headers = True

    def release(self) -> None:
        """Without limits again, as the server expects it between requests."""
        self.limited = False
        self._timeout = self._resting

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError when a limit is passed; during the headers it is an end of the stream."""
        if not self.limited:
            return self._receive(size, self._timeout)
        try:
            return self._judged(size)
        except TimeoutError:
            if self._headers:
                return b""
            raise

    def _judged(self, size: int) -> bytes:
        elapsed = time.monotonic() - self._started
        left = min(self._idle, self._deadline - elapsed)
        if left <= 0 or (elapsed > self._idle and self._received < self._rate * elapsed):
            raise TimeoutError
        data = self._receive(size, left)
        self._received += len(data)
        return data

    def _receive(self, size: int, seconds: float | None) -> bytes:
        while True:
            try:
                data: bytes = self._sock.recv(size)
            except LATER:
                began = time.perf_counter()
                try:
                    self._wait(select.POLLIN, seconds)
                finally:
                    self.waited += time.perf_counter() - began
            else:
                return data

    def hold(self) -> None:
        """The next that is sent, an answer's head, waits for what follows: one call of the kernel, and one packet."""
        self._head = b""

    def drop(self) -> None:
        """Holds nothing any more, of the answer nor of the request: whoever words an error is heard at once."""
        self._head, self.give_up = None, _nothing

    def flush(self) -> None:
        """Sends what is held, of an answer that has no content; nothing more is held."""
        head, self._head = self._head, None
        if head:
            self.sendall(head)

    def sendall(self, data: bytes) -> None:
        """Raises TimeoutError when not all of it was taken in time."""
        if self._head == b"":
            self._head = data
            return
        if self._head and len(data) < JOINED:
            data, self._head = self._head + data, None
        self.flush()
        left, until = memoryview(data), None
        while left:
            try:
                left = left[self._sock.send(left) :]
            except LATER:
                until = until or self._until()
                self._wait(select.POLLOUT, until and until - time.monotonic())

    def sendfile(self, *arguments: Any, **named: Any) -> Any:
        """By the kernel, which Python lets no socket do that never blocks."""
        self.flush()
        self._sock.settimeout(self._timeout)
        try:
            return self._sock.sendfile(*arguments, **named)
        finally:
            self._sock.setblocking(False)

    def _until(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _wait(self, event: int, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(self._sock, event)
        if not poll.poll(None if seconds is None else max(0, seconds * 1000)):
            raise TimeoutError

    def gettimeout(self) -> float | None:
        return self._timeout

    def settimeout(self, seconds: float | None) -> None:
        """gunicorn reads on for so long, what an application has left of a body."""
        self._timeout = seconds

    def setblocking(self, blocking: bool) -> None:
        self._timeout = self._resting if blocking else 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def pace_of(environ: Mapping[str, Any]) -> Pace | None:
    """Of the connection that a request came by; None in process, where no server has read it."""
    found = environ.get("gunicorn.socket")
    return found if isinstance(found, Pace) else None


def arrival(environ: Mapping[str, Any]) -> float:
    """When its head was here, by `time.perf_counter`: before it waited for a thread. Now, where nobody knows."""
    pace = pace_of(environ)
    return pace.arrived if pace else time.perf_counter()
