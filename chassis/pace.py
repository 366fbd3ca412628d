"""Sockets read under limits. Imports nothing of the house: gunicorn's master loads it, where Django is not set up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from weakref import WeakValueDictionary


class Pace:
    """A socket that is read under limits, judged at every recv.

    gunicorn reads until it has what it was asked for, so limits between reads alone would let a client that sends a
    byte a minute hold a thread for days. chassis/worker.py puts one in front of each connection's socket.
    """

    def __init__(self, sock: Any, *, resting: float | None = None) -> None:
        """`resting` is the time-out outside of limits: of each write of an answer, as a whole."""
        self._sock = sock
        self._resting = resting
        self._limited = False
        # Called where the rest of a body is not read: no request can follow on the connection, and the answer says so.
        self.give_up: Callable[[], None] = lambda: None
        PACES[sock] = self

    def limit(self, *, idle_seconds: float, minimum_rate: int, deadline_seconds: float) -> None:
        """From now on: a byte within `idle_seconds`, `minimum_rate` bytes a second on average, an end by the deadline."""
        self._limited = True
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
        self._limited = False
        self._sock.settimeout(self._resting)

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError when a limit is passed; during the headers it is an end of the stream."""
        if not self._limited:
            return cast("bytes", self._sock.recv(size))
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
        self._sock.settimeout(left)
        data: bytes = self._sock.recv(size)
        self._received += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


# By the socket that gunicorn puts into the environ, for as long as the connection's parser holds the Pace. (Keys that are
# weak would be held by their own values, for ever.)
PACES: WeakValueDictionary[Any, Pace] = WeakValueDictionary()
