"""A server that crashes when it is told to: the header `Crash` says how, and `Secret` what its exception quotes and its
frames hold. A middleware for on_demand_settings.py, and never a part of the product."""

from __future__ import annotations

import gc
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from chassis.views import ServiceViewSet


class Crash:
    """Does what `Crash` says, and passes on whatever has no such header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        ServiceViewSet.check_throttles = _crash_or(ServiceViewSet.check_throttles)  # type: ignore[assignment,method-assign]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        kind, secret = request.headers.get("Crash", ""), request.headers.get("Secret", "")
        ways: dict[str, Callable[[str], Any]] = {
            "middleware": fail,
            "stream": lambda secret: StreamingHttpResponse(_breaking(secret)),
            "thread": _thread,
            "collected": _collected,
            "warning": lambda secret: warnings.warn(secret, RuntimeWarning, stacklevel=1),
            "library": _library,
        }
        return (ways[kind](secret) if kind in ways else None) or self.get_response(request)


def fail(secret: str) -> NoReturn:
    """A chain: its words, its notes and its variables hold the secret."""
    patient = {"name": secret}
    try:
        raise KeyError(patient["name"])
    except KeyError as error:
        broken = ValueError(f"no such patient: {secret}")
        broken.add_note(secret)
        raise ExceptionGroup(secret, [broken]) from error


def _crash_or(question: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Crashes in DRF's question about throttling: within the view, once it is known who calls."""

    def ask(view: Any, request: Any) -> None:
        question(view, request)
        kind, secret = request.headers.get("Crash"), request.headers.get("Secret", "")
        if kind == "view":
            fail(secret)
        if kind in {"unique", "slow"}:
            with connection.cursor() as cursor:
                if kind == "slow":
                    cursor.execute("SELECT pg_sleep(60), %s", [secret])
                cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS told (name text PRIMARY KEY)")
                cursor.execute("INSERT INTO told VALUES (%s), (%s)", [secret, secret])

    return ask


def _breaking(secret: str) -> Iterator[bytes]:
    yield b"half of it\n"
    fail(secret)


def _thread(secret: str) -> None:
    thread = threading.Thread(target=fail, args=[secret])
    thread.start()
    thread.join()


class _Failing:
    """Fails where nobody can catch it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __del__(self) -> None:
        raise ValueError(self.secret)

    def __repr__(self) -> str:
        return self.secret


def _collected(secret: str) -> None:
    _Failing(secret)
    gc.collect()


def _library(secret: str) -> None:
    """As a library logs what it caught: the exception, its words in the message, or both."""
    logger = logging.getLogger("some.library")
    try:
        fail(secret)
    except ExceptionGroup as error:
        logger.exception("it failed: %s", error)
        logger.warning(error)  # libraries do
