"""Probes for the kubelet: unauthenticated, quiet in the logs, and without a span for their queries."""

from __future__ import annotations

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from opentelemetry.instrumentation.utils import suppress_instrumentation
from psycopg_pool import PoolTimeout

from .draining import is_draining
from .postgresql.pool import Unreachable
from .problems import Problem, get_only, respond
from .renderers import encode, json_response


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else: a database outage must not restart every pod."""
    return get_only(request) or json_response(encode({"status": "ok"}))


def readyz(request: HttpRequest) -> HttpResponse:
    """Not draining, the database answers, and no migration is pending."""
    if refused := get_only(request):
        return refused
    if is_draining():
        return _unready("The process is about to end.", request)
    try:
        with suppress_instrumentation():
            if not _migrated():
                return _unready("Migrations are pending.", request)
            _ask_database()
    except (DatabaseError, InterfaceError, psycopg.Error, PoolTimeout):
        return _unready("The database does not answer.", request)
    return json_response(encode({"status": "ok"}))


def _unready(why: str, request: HttpRequest) -> HttpResponse:
    return respond(Problem("unavailable", why, headers={"Retry-After": "5"}), request)


def _ask_database() -> None:
    """Asks over a connection of the pool, or over a new one where requests have them all: busy is not unready.

    It never waits for a request's connection. The pool hands out none that did not answer a moment ago, raises at once while
    the database is known to be away, and connecting has its own short time-out.
    """
    pool = connection.pool  # type: ignore[attr-defined]  # of chassis/postgresql
    if pool is not None:
        pool.open()
        measures = pool.get_stats()
        if measures["pool_available"] or measures["pool_size"] < measures["pool_max"]:
            with pool.connection():
                return
        if pool.away:
            raise Unreachable("the database is out of reach")
    psycopg.connect(**connection.get_connection_params()).close()


class _Schema:
    """Remembers that the schema was once as new as the code: migrations are not undone below a running process."""

    current = False


def is_migrated(database: BaseDatabaseWrapper) -> bool:
    """Whether every migration of the code is applied. Raises OperationalError."""
    executor = MigrationExecutor(database)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _migrated() -> bool:
    if not _Schema.current:
        _Schema.current = is_migrated(connection)
    return _Schema.current
