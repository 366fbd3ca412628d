"""gunicorn's threaded worker: it reads and writes under limits, and words its own refusals as problems."""

from __future__ import annotations

import logging
import socket
import struct
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, cast

from gunicorn import util
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

CODES: dict[type[Exception], str] = {LimitRequestLine: "uri-too-long", LimitRequestHeaders: "headers-too-large"}


class Worker(ThreadWorker):
    """Puts a Pace before each connection; words what the HTTP parser refuses before a request exists.

    gunicorn itself would answer HTML that repeats the line it read, and lets a body take for ever.
    """

    sockets: list[Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.lobby: Lobby | None = None
        super().__init__(*arguments, **named)

    @property
    def worker_connections(self) -> int:
        """How many connections are held before no more is accepted: who waits in the lobby takes no place."""
        return int(self.cfg.worker_connections) + len(self.lobby or ())

    @worker_connections.setter
    def worker_connections(self, _: int) -> None:
        """gunicorn sets it once, to what its configuration says."""

    def run(self) -> None:
        if not self.cfg.is_ssl:
            self.lobby = Lobby(self.poller, ready=self._start, gone=self._forget)
        # Two, so that /livez does not wait for a database that /readyz asks.
        self.probes = ThreadPoolExecutor(max_workers=2, thread_name_prefix="probes")
        super().run()
        self.probes.shutdown(wait=False)

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
            listener.close()
        self.sockets = []

    def enqueue_req(self, conn: Any) -> None:
        """gunicorn calls this for a new connection, and for one that has sent something."""
        ahead = conn.parser is not None and conn.parser.unreader.buf.getvalue()
        if self.lobby is not None and not ahead and self.lobby.takes(conn):
            self.lobby.receive(conn)
        else:
            super().enqueue_req(conn)

    def _start(self, conn: Any, head: bytes) -> None:
        conn.data_ready = True
        # One with a body could hold a thread of the probes, as it waits for what is left of the body.
        probe = head.startswith(PROBES) and b"content-length" not in head.lower() and b"transfer-" not in head.lower()
        done = (self.probes if probe else self.tpool).submit(self.handle, conn)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def _forget(self, _conn: Any) -> None:
        self.nr_conns -= 1

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        over = fs.cancelled() or fs.exception() or not fs.result()
        if over and self.lobby is not None and self.lobby.takes(conn):
            self.lobby.dismiss(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """gunicorn calls this at every turn of its loop."""
        super().murder_pending()
        if self.lobby is not None:
            self.lobby.sweep(stopping=not self.alive)

    def handle(self, conn: Any) -> Any:
        # As gunicorn itself begins, so that a connection without a byte still costs no thread.
        if not conn.initialized and not conn.wait_for_data(DEFAULT_WORKER_DATA_TIMEOUT):
            return _DEFER
        conn.sock.setblocking(True)
        conn.init()
        _paced(conn).limit_headers(HEADER_SECONDS)
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        pace = _paced(conn)
        pace.release()
        pace.give_up = req.force_close
        self._decide_late(req)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            logger.info("a client did not take its answer")
            # Closed with a reset: the kernel would keep what was not taken, and go on offering it.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.sock.close()
            raise StopIteration from None  # gunicorn's way to say that the connection is over

    def _decide_late(self, req: Any) -> None:
        """While the server drains, clients and proxies let go of their connections with each answer.

        So there is none left that could be used at the moment when the worker ends. It is decided once, as the headers
        of the answer are sent: an upload may take minutes, and what was promised is kept.
        """
        closes = req.should_close
        req.should_close = cache(lambda: is_draining() or not self.alive or closes())

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


def _paced(conn: Any) -> Pace:
    """The Pace before the connection's socket, put there once."""
    unreader = conn.parser.unreader
    if not isinstance(unreader.sock, Pace):
        if unreader.sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
            unreader.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000)
        unreader.sock = Pace(unreader.sock, resting=STALLED_SECONDS)
    return cast("Pace", unreader.sock)
