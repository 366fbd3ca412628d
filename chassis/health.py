"""Probes for the kubelet: unauthenticated, quiet in the logs, and without a span for their queries."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from opentelemetry.instrumentation.utils import suppress_instrumentation

from .problems import Problem, get_only, respond
from .renderers import encode, json_response


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else: a database outage must not restart every pod."""
    return get_only(request) or json_response(encode({"status": "ok"}))


def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers within its short time-outs, and no migration is pending."""
    if refused := get_only(request):
        return refused
    try:
        with suppress_instrumentation():
            if not _migrated():
                return respond(Problem("unavailable", "Migrations are pending.", headers={"Retry-After": "5"}), request)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return respond(Problem("unavailable", "The database does not answer.", headers={"Retry-After": "5"}), request)
    return json_response(encode({"status": "ok"}))


class _Schema:
    """Remembers that the schema was once as new as the code: migrations are not undone below a running process."""

    current = False


def _migrated() -> bool:
    if not _Schema.current:
        executor = MigrationExecutor(connection)
        _Schema.current = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _Schema.current
