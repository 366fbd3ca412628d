"""What every request gets, whatever its route: an id, a bounded end of its body, one log line."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from django.core.exceptions import DisallowedHost
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from opentelemetry import trace

from .pace import arrival
from .problems import Problem, respond
from .streams import DISCARD_SECONDS, BodyReader

logger = logging.getLogger("careway.request")
PROBES = {"/livez", "/readyz"}
# On every answer; a page sets a policy of its own. Django's SecurityMiddleware adds what settings decide.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# Whoever may not send a body, or has too many requests in flight, must not hold this thread by a slow one. The worker
# reads on without a thread for a while (chassis/lobby.py), so that an ordinary client sees the answer.
REFUSED = {403, 429}
REFUSED_SECONDS = 0.01
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMiddleware:
    """Sets `request.request_id`, finishes unread bodies, and logs method, route template, status and duration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        arrived = arrival(request.META)
        request.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]  # ours; problems, history and logs quote it
        response = self._answer(request)
        self._finish_body(request, response)
        self._finish_headers(request, response)
        if request.path not in PROBES and logger.isEnabledFor(logging.INFO):
            _Line(request, response, arrived).write_when_sent()
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        # PostgreSQL's text knows no NUL, and no identifier or word of ours has one: such a path names nothing.
        if "\x00" in request.path:
            return respond(Problem("not-found"), request)
        if request.path not in PROBES:  # the kubelet asks by the pod's address
            try:
                request.get_host()
            except DisallowedHost:
                return respond(Problem("bad-request"), request)
        return self.get_response(request)

    def _finish_headers(self, request: HttpRequest, response: HttpResponseBase) -> None:
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # ours
        for name, value in HEADERS.items():
            response.setdefault(name, value)
        if response.status_code in {204, 304}:
            del response["Content-Type"]
        elif isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
            if request.method == "HEAD":
                response.content = b""

    def _finish_body(self, request: HttpRequest, response: HttpResponseBase) -> None:
        if "wsgi.input" not in request.META:
            return
        reader = request.META.get("careway.body")
        if reader is None:
            if not request.META.get("HTTP_TRANSFER_ENCODING") and not int(request.META.get("CONTENT_LENGTH") or 0):
                return
            reader = BodyReader(request.META, idle_seconds=DISCARD_SECONDS)
        # There is no caller where no token was accepted, nor where none was asked for: a document, an unknown path.
        refused = response.status_code in REFUSED or getattr(request, "caller", None) is None
        reader.discard(REFUSED_SECONDS if refused else DISCARD_SECONDS)


class _Line:
    """The log line of one request. That of a stream is written at its end, when its bytes and its time are known.

    Its time is the client's: what was waited for a thread, and for its body, is within.
    """

    def __init__(self, request: HttpRequest, response: HttpResponseBase, arrived: float) -> None:
        self._request = request
        self._response = response
        self._arrived = arrived
        self._span: trace.Span = trace.INVALID_SPAN
        self._bytes = 0
        self._sent = False

    def write_when_sent(self) -> None:
        response = self._response
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            # The span of the request ends before the stream does.
            self._span = trace.NonRecordingSpan(trace.get_current_span().get_span_context())
            # Django closes what has a `close` when the server is done with the answer, sent or broken off.
            response.streaming_content = cast(
                "Iterator[bytes]", _Counted(self, cast("Any", response.streaming_content))
            )
            return
        # A file of the documentation page is handed over as a file, which the server may send by itself.
        self._bytes = int(response.get("Content-Length") or 0)
        self._sent = True
        self.write()

    def count(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._bytes += len(piece)
            yield piece
        self._sent = True

    def write_after_stream(self) -> None:
        with trace.use_span(self._span):
            self.write()

    def write(self) -> None:
        request, match = self._request, self._request.resolver_match
        caller = getattr(request, "caller", None)
        logger.info(
            "request",
            extra={
                "request_id": request.request_id,  # type: ignore[attr-defined]  # ours
                "method": request.method if request.method in KNOWN_METHODS else "_OTHER",
                "route": match.route if match else "",
                "status": self._response.status_code,
                "duration_ms": round((time.perf_counter() - self._arrived) * 1000, 2),
                "subject": caller.actor if caller else None,
                "bytes": self._bytes,
                "complete": self._sent,
            },
        )


class _Counted:
    """The pieces of a stream, counted; its line is written once, when it is closed."""

    def __init__(self, line: _Line, pieces: Iterable[bytes]) -> None:
        self._line: _Line | None = line
        self._pieces = line.count(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        line, self._line = self._line, None
        if line:
            line.write_after_stream()
