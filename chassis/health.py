"""Probes for the kubelet: unauthenticated, quiet in the logs, and without a span for their queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from opentelemetry.instrumentation.utils import suppress_instrumentation
from psycopg_pool import PoolTimeout

from .draining import is_draining
from .postgresql.pool import CHECK_SECONDS, Connection, Unreachable, answers, lets_in
from .problems import Problem, get_only, respond
from .renderers import encode, json_response

# How PostgreSQL refuses who would be one too many: on the server, in the database, of the role.
FULL = ("too many clients already", "too many connections for", "remaining connection slots are reserved")


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
            ask_database()
    except (DatabaseError, InterfaceError, psycopg.Error, PoolTimeout):
        return _unready("The database does not answer.", request)
    return json_response(encode({"status": "ok"}))


def _unready(why: str, request: HttpRequest) -> HttpResponse:
    return respond(Problem("unavailable", why, headers={"Retry-After": "5"}), request)


def ask_database() -> None:
    """Whether it answers: raises an error of Django's or psycopg's if not."""
    with spare_connection():
        pass  # the pool hands out none that did not answer a moment ago


@contextmanager
def spare_connection() -> Iterator[Connection]:
    """A connection of the pool, or a new one where requests have them all: busy is not unready.

    It never waits for a request's connection. The pool raises at once while the database is known to be away, and
    connecting has its own short time-out.
    """
    pool = connection.pool  # type: ignore[attr-defined]  # of chassis/postgresql
    if pool is not None:
        pool.open()
        measures = pool.get_stats()
        if measures["pool_available"] or measures["pool_size"] < measures["pool_max"]:
            with pool.connection() as spare:
                yield spare
            return
        if pool.away:
            raise Unreachable("the database is out of reach")
    with closing(Connection.connect(**_parameters())) as spare:
        if not answers(spare, CHECK_SECONDS):
            raise Unreachable("the database says nothing")
        yield spare


def has_room(error: Exception) -> bool | None:
    """After `error`, for which no connection could be had: whether the server has room for one; None if it is not there.

    The pool keeps to itself why it gets none, so a new connection is asked for. libpq gives no SQLSTATE of one that is
    refused: the server's words decide, and a full one with lc_messages in another language than English is not known.
    """
    if isinstance(error, Unreachable | PoolTimeout):
        try:
            return True if lets_in(**_parameters()) else None
        except psycopg.Error as refusal:
            error = refusal
    return False if any(words in str(error) for words in FULL) else None


def is_connected() -> bool:
    """Whether this process has connections, free or in use."""
    pool = connection.pool  # type: ignore[attr-defined]  # of chassis/postgresql
    return pool is not None and pool.get_stats()["pool_size"] > 0


def _parameters() -> dict[str, Any]:
    return {**connection.get_connection_params(), "autocommit": True}


class _Schema:
    """Remembers that the schema was once as new as the code: migrations are not undone below a running process."""

    current = False


def pending_migrations(database: BaseDatabaseWrapper) -> int:
    """How many migrations of the code are not applied. Raises OperationalError."""
    executor = MigrationExecutor(database)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _migrated() -> bool:
    if not _Schema.current:
        _Schema.current = not pending_migrations(connection)
    return _Schema.current
