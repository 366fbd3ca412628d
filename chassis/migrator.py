"""One migrator at a time, and none that makes requests wait.

django-migration-linter reads migrations before they land; what holds while they run is here. (Of the packages that do
this at run time, one rewrites Django's schema editor, and none keeps a second migrator out.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from opentelemetry.instrumentation.utils import suppress_instrumentation

from .health import pending_migrations

# Of this database's advisory locks; nothing else here takes one.
LOCK = "hashtextextended('careway.migrate', 0)"
PAUSE_SECONDS = 0.5
OUT_OF_REACH = "The database is out of reach; waiting for it."
# These wait for transactions to end and let everybody else pass meanwhile; the others queue all that comes after them.
PATIENT = (AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint)
# lock_not_available, deadlock_detected: another time it may go through.
PASSING = {"55P03", "40P01"}


class Busy(Exception):
    """Another migrator did not end in time."""


def await_database(connection: BaseDatabaseWrapper, *, seconds: float, told: Callable[[str], None]) -> None:
    """Until it answers. `told` once, when that has to be waited for. Raises OperationalError."""
    until = time.monotonic() + seconds
    while True:
        try:
            with connection.wrap_database_errors:
                _connect(connection).close()
            return
        except OperationalError as error:
            if time.monotonic() >= until:
                raise
            told(f"{OUT_OF_REACH} {error}")
            told = _silence
            time.sleep(PAUSE_SECONDS)


def becomes_migrated(
    connection: BaseDatabaseWrapper, *, seconds: float, told: Callable[[str], None], counted: Callable[[int], None]
) -> bool:
    """Whether that comes true within the time. `told` what it waits for, when that changes; `counted` what is pending."""
    until = time.monotonic() + seconds
    said = ""
    while True:
        try:
            with suppress_instrumentation():
                pending = pending_migrations(connection)
            counted(pending)
            if not pending:
                return True
            waits = "Migrations are not applied yet; waiting for them."
        except OperationalError as error:
            waits = f"{OUT_OF_REACH} {error}"
        if time.monotonic() >= until:
            return False
        if waits != said:
            told(waits)
            said = waits
        connection.close()
        time.sleep(4 * PAUSE_SECONDS)


@contextmanager
def only_one(connection: BaseDatabaseWrapper, *, seconds: float, told: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of migrators; `told` once, when it has to be waited for. Raises Busy, OperationalError.

    The lock is a session's, on a connection of its own: no rollback of a migration gives it back, and a killed migrator
    does. It is tried for and not waited for: a statement that waits has a snapshot, and CREATE INDEX CONCURRENTLY in
    the other migrator would wait for that one, each for the other and without a deadlock that PostgreSQL could see.
    """
    until = time.monotonic() + seconds
    with connection.wrap_database_errors, _connect(connection) as session:
        session.execute("SET idle_session_timeout = 0")
        while not _is_taken(session):
            if time.monotonic() >= until:
                raise Busy
            told("Another migrator is at work; waiting for it.")
            told = _silence
            time.sleep(PAUSE_SECONDS)
        yield


def _connect(connection: BaseDatabaseWrapper) -> psycopg.Connection[tuple[object, ...]]:
    """Beside the pool, which may have room for one alone, and remembers that the database was away."""
    return psycopg.connect(**{**connection.get_connection_params(), "autocommit": True})


def _is_taken(session: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = session.execute(f"SELECT pg_try_advisory_lock({LOCK})".encode()).fetchone()
    return bool(row and row[0])


def _silence(_: str) -> None:
    """It has been said."""


@contextmanager
def unhurried(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Statements may take as long as they need; how long they may wait for a lock stays."""
    _set(connection, "statement_timeout", "0")
    _set(connection, "idle_in_transaction_session_timeout", "0")
    try:
        yield
    finally:
        if connection.connection is not None and connection.is_usable():
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
                with connection.cursor() as cursor:
                    cursor.execute(f"RESET {name}")


def pace(connection: BaseDatabaseWrapper, migration: Migration) -> None:
    """Before a migration: one that lets everybody pass may wait for a lock as long as it likes."""
    patient = not migration.atomic and all(isinstance(each, PATIENT) for each in migration.operations)
    if patient:
        _set(connection, "lock_timeout", "0")
    else:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def may_pass(error: DatabaseError) -> bool:
    """Whether it was only a lock that could not be had."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", "") in PASSING


def _set(connection: BaseDatabaseWrapper, name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
