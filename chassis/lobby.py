"""Where connections wait without a thread: until a request's headers are whole, and after the last answer.

gunicorn gives a thread to every new connection and to every first byte, so that a few silent or dripping clients hold
all threads; and its one accepting thread waits for each client that does not close. A proxy that buffers requests hides
both, but a pod is also asked without one. Imports nothing of the house: gunicorn's master loads this.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

# A connection without a byte may be one that a proxy opened in advance.
SILENT_SECONDS = 30.0
# From the first byte of a request to the end of its headers.
HEADER_SECONDS = 10.0
# How long one that we closed may go on sending what nobody reads: closed at once, that would reset our answer.
FAREWELL_SECONDS = 10.0
# For all who wait here when the worker ends.
LAST_SECONDS = 2.0
# For each worker. More would meet the usual limit of 1,024 open files; beyond it, who waits longest has to go.
PLACES = 500
# Of longer headers the rest is read by a thread, under the same deadline.
PEEK = 32 * 1024
SWEEP_SECONDS = 0.5
END = b"\r\n\r\n"


@dataclass(slots=True)
class _Wait:
    until: float
    # Fewer bytes than that after a wake-up: the other side has closed, and will send no more.
    expected: int = 1


class Lobby:
    """Belongs to a worker's accepting thread, as the selector it uses does; nothing here blocks.

    A request is looked at where the kernel keeps it, and SO_RCVLOWAT makes the selector silent until there is more, so
    nothing is read twice or kept here. `ready` is called with a connection and what was seen of its headers, `gone` with
    one that was closed.
    """

    def __init__(
        self, poller: selectors.BaseSelector, *, ready: Callable[[Any, bytes], None], gone: Callable[[Any], None]
    ) -> None:
        self._poller, self._ready, self._gone = poller, ready, gone
        self._waits: dict[Any, _Wait] = {}
        self._swept = 0.0
        self._last = float("inf")

    def __len__(self) -> int:
        return len(self._waits)

    @staticmethod
    def takes(conn: Any) -> bool:
        """Elsewhere than on Linux, and on a Unix socket, a selector does not heed SO_RCVLOWAT."""
        return sys.platform == "linux" and conn.sock.family in {socket.AF_INET, socket.AF_INET6}

    def receive(self, conn: Any) -> None:
        """Of a connection that may have sent a request: it is ready, or waits here until it is."""
        try:
            seen = conn.sock.recv(PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            if conn not in self._waits:
                self._seat(conn, SILENT_SECONDS, self.receive)
            return
        except OSError:
            self._close(conn)
            return
        wait = self._waits.get(conn)
        if END in seen or len(seen) == PEEK or len(seen) < (wait.expected if wait else 1):
            self._unseat(conn)
            self._ready(conn, seen)
            return
        if not wait or wait.expected == 1:
            self._unseat(conn)
            wait = self._seat(conn, HEADER_SECONDS, self.receive)
        wait.expected = len(seen) + 1
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wait.expected)

    def dismiss(self, conn: Any) -> None:
        """Closes our side, and the connection when the other side has closed too."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self._seat(conn, FAREWELL_SECONDS, self._drop_input)

    def sweep(self, *, stopping: bool = False) -> None:
        """Closes who has waited too long; when stopping, everybody soon."""
        now = time.monotonic()
        if now < self._swept + SWEEP_SECONDS:
            return
        self._swept = now
        if stopping:
            self._last = min(self._last, now + LAST_SECONDS)
        for conn, wait in list(self._waits.items()):
            if min(wait.until, self._last) <= now:
                self._close(conn)

    def _drop_input(self, conn: Any) -> None:
        try:
            if conn.sock.recv(65_536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._close(conn)

    def _wake(self, answer: Callable[[Any], None], conn: Any, _socket: Any) -> None:
        # One that had to go for a newcomer may still be among the events of this turn.
        if conn in self._waits:
            answer(conn)

    def _seat(self, conn: Any, seconds: float, wake: Callable[[Any], None]) -> _Wait:
        if len(self._waits) >= PLACES:
            self._close(next(iter(self._waits)))
        self._poller.register(conn.sock, selectors.EVENT_READ, partial(self._wake, wake, conn))
        self._waits[conn] = wait = _Wait(time.monotonic() + seconds)
        return wait

    def _unseat(self, conn: Any) -> None:
        if self._waits.pop(conn, None):
            self._poller.unregister(conn.sock)
            # A thread that reads would wait for so many bytes.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _close(self, conn: Any) -> None:
        if self._waits.pop(conn, None):
            self._poller.unregister(conn.sock)
        conn.close()
        self._gone(conn)
