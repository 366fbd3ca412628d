"""What every request gets, whatever its route: an id, a bounded end of its body, one log line."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from .problems import Problem, respond
from .streams import DISCARD_SECONDS, BodyReader

logger = logging.getLogger("careway.request")
PROBES = {"/livez", "/readyz"}
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMiddleware:
    """Sets `request.request_id`, finishes unread bodies, and logs method, route template, status and duration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request.request_id = uuid.uuid4()  # type: ignore[attr-defined]  # ours; problems, history and logs quote it
        response = self._answer(request)
        self._finish_body(request)
        self._finish_headers(request, response)
        if request.path not in PROBES:
            self._log(request, response, time.perf_counter() - started)
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
        response["X-Request-Id"] = str(request.request_id)  # type: ignore[attr-defined]  # ours
        response.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if response.status_code in {204, 304}:
            del response["Content-Type"]
        elif isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
            if request.method == "HEAD":
                response.content = b""

    def _finish_body(self, request: HttpRequest) -> None:
        if "wsgi.input" not in request.META:
            return
        reader = request.META.get("careway.body")
        if reader is None:
            if not request.META.get("HTTP_TRANSFER_ENCODING") and not int(request.META.get("CONTENT_LENGTH") or 0):
                return
            reader = BodyReader(request.META, idle_seconds=DISCARD_SECONDS)
        reader.discard()

    def _log(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        match = request.resolver_match
        caller = getattr(request, "caller", None)
        logger.info(
            "request",
            extra={
                "request_id": str(request.request_id),  # type: ignore[attr-defined]  # ours
                "method": request.method if request.method in KNOWN_METHODS else "_OTHER",
                "route": match.route if match else "",
                "status": response.status_code,
                "duration_ms": round(seconds * 1000, 2),
                "subject": caller.actor if caller else None,
                "bytes": len(response.content) if isinstance(response, HttpResponse) else None,
            },
        )
