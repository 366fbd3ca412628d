"""gunicorn's threaded worker, whose own refusals are problems too and never repeat what the client sent."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

logger = logging.getLogger(__name__)

CODES: dict[type[Exception], str] = {LimitRequestLine: "uri-too-long", LimitRequestHeaders: "headers-too-large"}


class Worker(ThreadWorker):
    """Words what the HTTP parser refuses before a request exists; gunicorn would answer HTML with the line it read."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        # Problems need Django's settings, which the master never loads: it only imports this class.
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
