"""gunicorn's threaded worker: it reads and writes under limits, and words its own refusals as problems."""

from __future__ import annotations

import logging
import select
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

from gunicorn import util
from gunicorn.http import Request
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import _DEFER, DEFAULT_WORKER_DATA_TIMEOUT, ThreadWorker

from .draining import is_draining
from .lobby import HEADER_SECONDS, Lobby
from .pace import Pace

logger = logging.getLogger(__name__)

# A client that takes no byte of an answer for this long is cut off, and so is one that takes longer for one piece of it
# (64 KiB of an export, a whole JSON body): it would hold a thread and a connection for ever.
STALLED_SECONDS = 20
# They are answered while every other thread is taken: a busy process is neither restarted nor taken out for that.
PROBES = (b"GET /livez ", b"GET /readyz ")

# A connection, what was read of its request, and when: clients wait for a thread too, and who measures has to know.
Queue = SimpleQueue[tuple[Any, bytes, float]]

CODES: dict[type[Exception], str] = {LimitRequestLine: "uri-too-long", LimitRequestHeaders: "headers-too-large"}


class Worker(ThreadWorker):
    """Puts a Pace before each connection; words what the HTTP parser refuses before a request exists.

    gunicorn itself would answer HTML that repeats the line it read, and lets a body take for ever.
    """

    sockets: list[Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.lobby: Lobby | None = None
        self._notified = 0.0
        # A ThreadPoolExecutor's Future, with locks of its own, would be a sixth of the server's part of a request.
        self.requests: Queue = SimpleQueue()
        self.probes: Queue = SimpleQueue()
        super().__init__(*arguments, **named)

    @property
    def worker_connections(self) -> int:
        """How many connections are held before no more is accepted: who waits in the lobby takes no place."""
        return self._places + (self.lobby.waiting if self.lobby else 0)

    @worker_connections.setter
    def worker_connections(self, places: int) -> None:
        """gunicorn sets it once, to what its configuration says."""
        self._places = places

    def run(self) -> None:
        # Each of them is read a dozen times a request, and looked for in vain among the object's own members first.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        if hasattr(select, "epoll") and not self.cfg.is_ssl:
            keepalive, others = float(self.cfg.keepalive), self.poller.fileno()
            self.lobby = Lobby(others, keepalive=keepalive, ready=self._start, gone=self._forget)
            # Two for probes, so that /livez does not wait for a database that /readyz asks.
            for work, threads in ((self.requests, self.cfg.threads), (self.probes, 2)):
                for _ in range(threads):
                    threading.Thread(target=self._work, args=(work, self.lobby), daemon=True).start()
        super().run()

    def notify(self) -> None:
        """gunicorn would touch its heartbeat at every turn of its loop, which takes the interpreter from a request."""
        if time.monotonic() >= self._notified + 1:
            self._notified = time.monotonic()
            super().notify()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self.lobby is None:
            super().wait_for_and_dispatch_events(timeout)
        elif self.lobby.turn(timeout):
            super().wait_for_and_dispatch_events(0)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._close_listeners()

    def _close_listeners(self) -> None:
        """Takes in who has come already, and closes the door.

        gunicorn's worker leaves it open until its last request is over: who came meanwhile would wait for that, and then
        be refused.
        """
        for listener in self.sockets:
            before = -1
            while before < self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
                if self.lobby is not None:
                    self.lobby.turn(0)
            listener.close()
        self.sockets = []

    def enqueue_req(self, conn: Any) -> None:
        """gunicorn calls this for a new connection; without a lobby also for one that has sent something."""
        if self.lobby is not None:
            self.lobby.admit(conn)
        else:
            super().enqueue_req(conn)

    def _start(self, conn: Any, head: bytes) -> None:
        # One with a body could hold a thread of the probes, as it waits for what is left of the body.
        probe = head.startswith(PROBES) and b"content-length" not in head.lower() and b"transfer-" not in head.lower()
        (self.probes if probe else self.requests).put((conn, head, time.perf_counter()))

    def _work(self, work: Queue, lobby: Lobby) -> None:
        """One of the threads, for as long as the process lives."""
        while True:
            conn, head, arrived = work.get()
            goes_on = False
            try:
                goes_on = self._serve(conn, head, arrived, lobby)
            except BaseException as error:  # such as an application's SystemExit, which gunicorn lets through
                logger.error("a request broke off", extra={"error": type(error).__qualname__})
            if not goes_on:
                self.method_queue.defer(lobby.dismiss, conn)

    def _serve(self, conn: Any, head: bytes, arrived: float, lobby: Lobby) -> bool:
        """One request. A connection that goes on is not worth a word to the accepting thread."""
        _open(conn)
        conn.sock.begin(arrived)
        conn.parser.unreader.unread(head)
        if not self.handle(conn):
            return False
        if ahead := conn.parser.unreader.take_buffered():
            self.method_queue.defer(lobby.resume, conn, ahead)
        else:
            lobby.rest(conn)
        return True

    def _forget(self, _conn: Any) -> None:
        self.nr_conns -= 1

    def murder_pending(self) -> None:
        """gunicorn calls this at every turn of its loop."""
        super().murder_pending()
        if self.lobby is not None:
            self.lobby.sweep(stopping=not self.alive)

    def handle(self, conn: Any) -> Any:
        # As gunicorn itself begins, so that a connection without a byte still costs no thread.
        if not conn.initialized and not conn.wait_for_data(DEFAULT_WORKER_DATA_TIMEOUT):
            return _DEFER
        _open(conn)
        if self.lobby is None:
            conn.sock.begin(time.perf_counter())
        conn.sock.limit_headers(HEADER_SECONDS)
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        pace: Pace = conn.sock
        pace.release()
        pace.give_up = req.force_close
        req.ends = self._ends
        pace.hold()
        try:
            kept = super().handle_request(req, conn)
            pace.flush()
        except TimeoutError:
            logger.info("a client did not take its answer")
            # Closed with a reset: the kernel would keep what was not taken, and go on offering it.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.sock.close()
            raise StopIteration from None  # gunicorn's way to say that the connection is over
        else:
            return kept
        finally:
            pace.drop()

    def _ends(self) -> bool:
        """While the server drains, clients and proxies let go of their connections with each answer.

        So there is none left that could be used at the moment when the worker ends.
        """
        full = self.lobby is not None and self.lobby.resting >= self.max_keepalived
        return full or not self.alive or is_draining()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        # Problems need Django set up. The master, which imports this class too, never does that.
        from .logs import described
        from .problems import Problem, respond
        from .requests import HEADERS

        code = CODES.get(type(exc), "bad-request") if isinstance(exc, ParseException) else "internal"
        logger.log(
            logging.ERROR if code == "internal" else logging.INFO,
            "refused before it was a request",
            extra={**(described(exc) if code == "internal" else {"error": type(exc).__qualname__}), "code": code},
        )
        request = type("Unread", (), {"request_id": uuid.uuid4()})()
        answer = respond(Problem(code), request)
        headers = {**HEADERS, **answer.headers, "Connection": "close", "Content-Length": len(answer.content)}
        head = f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        try:
            util.write_nonblock(client, f"{head}\r\n".encode("latin-1") + answer.content)
        except OSError:
            logger.info("the client had gone")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_date(timestamp: float | None = None) -> str:
    """The header Date. gunicorn would word it for each answer, which takes a sixth of its time for one."""
    return _date(int(time.time() if timestamp is None else timestamp))


util.http_date = http_date


class _Request(Request):
    ends: Callable[[], bool] = staticmethod(lambda: False)
    _closes: bool | None = None

    def should_close(self) -> bool:
        """Decided once, as the head of the answer is sent: an upload may take minutes, and what was promised is kept."""
        if self._closes is None:
            self._closes = self.ends() or super().should_close()
        return self._closes

    def _peer_trusted_for_forwarded(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Nobody says by a header who asks or how (config/gunicorn.py): so nobody's address is parsed for that."""
        return {}, ()


def _open(conn: Any) -> None:
    """Puts a Pace before the connection's socket, once."""
    if conn.initialized:
        return
    if conn.sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
        conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000)
    conn.init()
    conn.parser.mesg_class = _Request
    conn.sock = conn.parser.unreader.sock = Pace(conn.sock, resting=STALLED_SECONDS)
