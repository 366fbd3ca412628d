"""Clients that hold on to a connection: each keeps as many as it is told, and opens a new one for each that was closed."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Kind:
    """What it sends first, and then, a byte a second."""

    name: str
    first: bytes
    drip: bytes = b""
    # An answer that is not taken has to meet a full buffer.
    reads: bool = True


@dataclass
class _Slow:
    kind: Kind
    opened: float


@dataclass
class SlowSockets:
    """Use as a context. `longest` is how long the server has borne with one, by kind."""

    port: int
    kinds: Sequence[Kind]
    number: int
    longest: dict[str, float] = field(default_factory=dict)
    closed: int = 0
    _open: dict[socket.socket, _Slow] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops opening new ones; those that are open stay as they are, and send on."""
        self._over.set()

    def wait_until_closed(self, seconds: float) -> bool:
        """Has the server closed every one within so many seconds? Whatever it has not is closed here."""
        until = time.monotonic() + seconds
        while self._open and time.monotonic() < until:
            time.sleep(0.1)
        gone = not self._open
        self._open_no_more = True
        self._thread.join()
        return gone

    _open_no_more = False

    def _run(self) -> None:
        turn = 0
        next_drip = time.monotonic()
        while not self._open_no_more:
            while not self._over.is_set() and len(self._open) < self.number:
                self._connect(self.kinds[turn % len(self.kinds)])
                turn += 1
            for key, _ in self._selector.select(timeout=0.1):
                self._heard(key.fileobj)  # type: ignore[arg-type]  # only sockets are registered
            if time.monotonic() >= next_drip:
                next_drip += 1
                for sock, slow in list(self._open.items()):
                    self._drip(sock, slow)
        for sock in list(self._open):
            self._forget(sock)

    def _connect(self, kind: Kind) -> None:
        sock = socket.socket()
        if not kind.reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(5)
        try:
            sock.connect(("127.0.0.1", self.port))
            sock.sendall(kind.first)
        except OSError:
            sock.close()
            time.sleep(0.05)
            return
        sock.setblocking(False)
        self._open[sock] = _Slow(kind, time.monotonic())
        if kind.reads:
            self._selector.register(sock, selectors.EVENT_READ)

    def _heard(self, sock: socket.socket) -> None:
        try:
            if sock.recv(65_536):
                return
        except OSError:
            pass
        self._forget(sock)

    def _drip(self, sock: socket.socket, slow: _Slow) -> None:
        try:
            if slow.kind.drip:
                sock.send(slow.kind.drip)
            elif not slow.kind.reads and _has_ended(sock):
                self._forget(sock)
        except BlockingIOError:
            pass
        except OSError:
            self._forget(sock)

    def _forget(self, sock: socket.socket) -> None:
        slow = self._open.pop(sock)
        name = slow.kind.name
        self.longest[name] = max(self.longest.get(name, 0), time.monotonic() - slow.opened)
        self.closed += 1
        with suppress(KeyError):
            self._selector.unregister(sock)
        sock.close()


def _has_ended(sock: socket.socket) -> bool:
    """Of one that does not read: has the server cut it off? TCP_INFO begins with the state; 1 is established."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1
