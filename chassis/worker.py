"""gunicorn's threaded worker: it reads bodies under limits, and words its own refusals as problems."""

from __future__ import annotations

import logging
import socket
import uuid
from typing import Any, cast

from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import _DEFER, DEFAULT_WORKER_DATA_TIMEOUT, ThreadWorker

from .pace import Pace

logger = logging.getLogger(__name__)

# A client that takes no byte of an answer for this long is cut off: it would hold a thread and a connection for ever.
STALLED_SECONDS = 60
# From the first byte of a request to the end of its headers: else a few half requests would hold every thread for ever.
HEADER_SECONDS = 10

CODES: dict[type[Exception], str] = {LimitRequestLine: "uri-too-long", LimitRequestHeaders: "headers-too-large"}


class Worker(ThreadWorker):
    """Puts a Pace before each connection; words what the HTTP parser refuses before a request exists.

    gunicorn itself would answer HTML that repeats the line it read, and lets a body take for ever.
    """

    def handle(self, conn: Any) -> Any:
        # As gunicorn itself begins, so that a connection without a byte still costs no thread.
        if not conn.initialized and not conn.wait_for_data(DEFAULT_WORKER_DATA_TIMEOUT):
            return _DEFER
        conn.sock.setblocking(True)
        conn.init()
        _paced(conn).limit_headers(HEADER_SECONDS)
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        _paced(conn).release()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        # Problems need Django set up. The master, which imports this class too, never does that.
        from .problems import Problem, respond

        code = CODES.get(type(exc), "bad-request") if isinstance(exc, ParseException) else "internal"
        logger.log(
            logging.ERROR if code == "internal" else logging.INFO,
            "refused before it was a request",
            extra={"error": type(exc).__qualname__, "code": code},
        )
        request = type("Unread", (), {"request_id": uuid.uuid4()})()
        answer = respond(Problem(code), request)
        head = f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\nConnection: close\r\n"
        head += f"Content-Type: {answer['Content-Type']}\r\nContent-Length: {len(answer.content)}\r\n\r\n"
        try:
            util.write_nonblock(client, head.encode("latin-1") + answer.content)
        except OSError:
            logger.info("the client had gone")


def _paced(conn: Any) -> Pace:
    """The Pace before the connection's socket, put there once."""
    unreader = conn.parser.unreader
    if not isinstance(unreader.sock, Pace):
        if unreader.sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
            unreader.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000)
        unreader.sock = Pace(unreader.sock)
    return cast("Pace", unreader.sock)
