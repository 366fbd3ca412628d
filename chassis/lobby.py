"""Where connections wait without a thread: for a request's whole head, for the next request, and after the last answer.

gunicorn gives a thread to every new connection and to every first byte, so that a few silent or dripping clients hold
all threads; and its one accepting thread waits for each client that does not close. A proxy that buffers requests hides
both, but a pod is also asked without one. Imports nothing of the house: gunicorn's master loads this.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
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
# What is kept here of a request. Of longer headers the rest is read by a thread, under the same deadline.
HEAD = 32 * 1024
SWEEP_SECONDS = 0.5
END = b"\r\n\r\n"


@dataclass(slots=True, eq=False)
class _Seat:
    """What is known of a connection, from its beginning to its end."""

    conn: Any
    sock: socket.socket
    fd: int
    seen: bytes = b""
    until: float = 0.0
    leaves: bool = False


class Lobby:
    """Belongs to a worker's accepting thread; nothing here blocks. Other threads call `rest` alone.

    `ready` is called with a connection and what was read of its request, `gone` with one that was closed. Each event
    has to be armed for: a connection that a thread has is not looked at, and that thread arms it again by one call of
    the kernel, without a word to the accepting thread.
    """

    def __init__(
        self, others: int, *, keepalive: float, ready: Callable[[Any, bytes], None], gone: Callable[[Any], None]
    ) -> None:
        """`others` is what else the thread waits for, as the file descriptor of a selector."""
        self._others, self._keepalive, self._ready, self._gone = others, keepalive, ready, gone
        self._epoll = select.epoll()
        self._epoll.register(others, select.EPOLLIN)
        self._armed = select.EPOLLIN | select.EPOLLONESHOT
        self._seats: dict[int, _Seat] = {}
        self._waiting: dict[_Seat, None] = {}
        self._resting: dict[_Seat, None] = {}
        # A connection is not closed while a thread puts it back.
        self._lock = threading.Lock()
        self._swept = 0.0
        self._last = float("inf")

    @property
    def waiting(self) -> int:
        """How many send a head, or are to close: slow or hostile ones."""
        return len(self._waiting)

    @property
    def resting(self) -> int:
        """How many are kept alive, between requests."""
        return len(self._resting)

    def turn(self, timeout: float) -> bool:
        """Waits for connections, and looks at those that have something; answers whether the others have."""
        others = False
        for fd, _ in self._epoll.poll(timeout):
            if fd == self._others:
                others = True
            # One that had to go for a newcomer may still be among the events of this turn.
            elif seat := self._seats.get(fd):
                self._look(seat)
        return others

    def admit(self, conn: Any) -> None:
        """A new connection."""
        conn.sock.setblocking(False)
        conn.seat = seat = _Seat(conn, conn.sock, conn.sock.fileno())
        self._seats[seat.fd] = seat
        self._wait(seat, SILENT_SECONDS)
        self._epoll.register(seat.fd, self._armed)

    def rest(self, conn: Any) -> None:
        """Between two requests. Any thread may call this."""
        seat: _Seat = conn.seat
        seat.until = time.monotonic() + self._keepalive
        with self._lock:
            self._resting[seat] = None
            self._epoll.modify(seat.fd, self._armed)

    def resume(self, conn: Any, ahead: bytes) -> None:
        """Like `rest`, of a connection that has sent the beginning of its next request already."""
        self._take(conn.seat, ahead)

    def dismiss(self, conn: Any) -> None:
        """Closes our side, and the connection when the other side has closed too."""
        seat: _Seat = conn.seat
        try:
            seat.sock.shutdown(socket.SHUT_WR)
            seat.leaves = True
            self._wait(seat, FAREWELL_SECONDS)
            self._epoll.modify(seat.fd, self._armed)
        except OSError:
            self._close(seat)

    def sweep(self, *, stopping: bool = False) -> None:
        """Closes who has waited too long; when stopping, everybody soon."""
        now = time.monotonic()
        if now < self._swept + SWEEP_SECONDS:
            return
        self._swept = now
        if stopping:
            self._last = min(self._last, now + LAST_SECONDS)
        for seat in [*self._waiting, *self._resting]:
            if min(seat.until, self._last) <= now:
                self._close(seat)

    def close(self) -> None:
        self._epoll.close()

    def _look(self, seat: _Seat) -> None:
        try:
            data = seat.sock.recv(HEAD - len(seat.seen))
        except BlockingIOError:
            self._epoll.modify(seat.fd, self._armed)
        except OSError:
            self._close(seat)
        else:
            if seat.leaves and data:
                self._epoll.modify(seat.fd, self._armed)
            elif data:
                self._take(seat, data)
            elif seat.seen:
                self._hand_over(seat)  # half a request: the parser words it
            else:
                self._close(seat)

    def _take(self, seat: _Seat, data: bytes) -> None:
        begins = not seat.seen
        seat.seen += data
        if END in seat.seen or len(seat.seen) >= HEAD:
            self._hand_over(seat)
            return
        if begins:
            self._wait(seat, HEADER_SECONDS)
        self._epoll.modify(seat.fd, self._armed)

    def _hand_over(self, seat: _Seat) -> None:
        self._resting.pop(seat, None)
        self._waiting.pop(seat, None)
        seen, seat.seen = seat.seen, b""
        self._ready(seat.conn, seen)

    def _wait(self, seat: _Seat, seconds: float) -> None:
        self._resting.pop(seat, None)
        self._waiting.pop(seat, None)
        if len(self._waiting) >= PLACES:
            self._close(next(iter(self._waiting)))
        seat.until = time.monotonic() + seconds
        self._waiting[seat] = None

    def _close(self, seat: _Seat) -> None:
        with self._lock:
            self._waiting.pop(seat, None)
            self._resting.pop(seat, None)
            # A thread may have closed it, and another connection have its number.
            if self._seats.get(seat.fd) is seat:
                del self._seats[seat.fd]
            seat.conn.close()
        seat.conn.seat = None  # a circle would keep it until the collector comes round
        self._gone(seat.conn)
