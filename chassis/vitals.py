"""Facts that have to be looked up before anybody can be told: by a thread of each worker, every ten seconds.

An alert has to tell a dead database from a broken service, and what will break soon from what has. Looking up costs
statements, so it is not done by who collects: gauges tell what was seen last. What cannot be looked up is not told.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from opentelemetry.instrumentation.utils import suppress_instrumentation

from . import metrics
from .authentication import verifier
from .flush import export
from .health import ask_database, has_room, is_connected, spare_connection
from .instruments import Gauge
from .logs import described
from .problems import Problem

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 10.0
# Whatever is locked, the next vital is looked up soon.
TIME_OUTS = b"SELECT set_config('lock_timeout', '1s', true), set_config('statement_timeout', '2s', true)"

Look = Callable[[], None]


class Vital:
    """A look, and the gauges that it tells what it sees."""

    def __init__(self, look: Look, gauges: tuple[Gauge, ...]) -> None:
        self._look = look
        self._gauges = gauges
        self._failing = False

    def look(self) -> None:
        """Raises nothing."""
        try:
            self._look()
            self._failing = False
        except Exception as error:  # any: the other vitals are looked up all the same
            for gauge in self._gauges:
                gauge.forget()
            # A database that cannot answer is told by its pool and by the vital of its own.
            if not self._failing and not isinstance(error, psycopg.OperationalError):
                logger.error("a vital cannot be looked up", extra={"vital": self._look.__name__, **described(error)})
            self._failing = True


_vitals: list[Vital] = []


def vital(*gauges: Gauge) -> Callable[[Look], Look]:
    """Registers a function that is called every ten seconds, and tells these gauges what it found."""

    def register(look: Look) -> Look:
        _vitals.append(Vital(look, gauges))
        return look

    return register


def start() -> None:
    """Looks from here on, in a thread of its own. Call it after telemetry has started."""
    threading.Thread(target=_watch, name="vitals", daemon=True).start()


def look() -> None:
    """One round."""
    with suppress_instrumentation():
        for each in list(_vitals):
            each.look()


def ask(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement, over a spare connection that has gone back when they are here.

    Raises psycopg's errors: soon, whether it is silent, locked or full.
    """
    with spare_connection() as spare, spare.transaction():
        spare.execute(TIME_OUTS)
        spare.is_trusted = True  # if nothing is heard now, its host is asked whether it is there
        return spare.execute(statement.encode(), values).fetchall()


def _watch() -> None:
    due = time.monotonic()
    look()
    export()
    while True:
        due = max(due + PERIOD_SECONDS, time.monotonic())
        time.sleep(due - time.monotonic())
        look()


# --- Of every service ---------------------------------------------------------------------------------------------------


@vital(metrics.database_reachable)
def reachability() -> None:
    """First of all: what cannot be reached is known before anything else waits for it.

    A full server is there for a process that has connections, and for one that has none it might as well be away.
    """
    try:
        ask_database()
    except Exception as error:  # any, such as credentials that cannot be read: no request reaches it either
        room = has_room(error)
        metrics.database_reachable.tell(1 if room or (room is False and is_connected()) else 0)
    else:
        metrics.database_reachable.tell(1)


# Of the server, the database and whoever has logged in (which is not the role that owns the tables, where two take turns),
# the one that is nearest to its limit; -1 is none. Of others' sessions a role sees little more than whose they are.
CONNECTIONS = """
WITH client AS (SELECT datname, usename FROM pg_stat_activity WHERE usename IS NOT NULL AND datname IS NOT NULL)
SELECT used, most FROM (
    SELECT (SELECT count(*) FROM client),
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - current_setting('reserved_connections')::int
    UNION ALL
    SELECT (SELECT count(*) FROM client WHERE datname = current_database()), datconnlimit
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT (SELECT count(*) FROM client WHERE usename = session_user), rolconnlimit
    FROM pg_roles WHERE rolname = session_user
) AS bound (used, most) WHERE most >= 0 ORDER BY used::float8 / greatest(most, 1) DESC LIMIT 1
"""


class _Limit:
    """The one that was nearest when somebody could look."""

    last: int | None = None


@vital(metrics.database_connections, metrics.database_connections_limit)
def connections() -> None:
    """Of all who share the limit that will be met first: the pool of this process says nothing of them.

    Where that limit is met nobody can look any more, but that says it all.
    """
    try:
        ((found, limit),) = ask(CONNECTIONS)
    except psycopg.OperationalError as error:
        if _Limit.last is None or has_room(error) is not False:
            raise
        found = limit = _Limit.last
    _Limit.last = limit
    metrics.database_connections.tell(found)
    metrics.database_connections_limit.tell(limit)


@vital(metrics.migrations_pending)
def migrations() -> None:
    """Anew each time: a database may be restored from before a migration below a running process."""
    applied: set[tuple[str, str]] = set()
    if ask("SELECT to_regclass('django_migrations')") != [(None,)]:
        applied = {(app, name) for app, name in ask("SELECT app, name FROM django_migrations")}
    metrics.migrations_pending.tell(len(_migrations() - applied))


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


@vital(metrics.key_set_age)
def key_sets() -> None:
    """Asks for the live ones, so that they are renewed also while nobody sends a token."""
    for keys in verifier().key_sets:
        with suppress(Problem):
            keys.current()
        metrics.key_set_age.tell(keys.age, keys.name)


@vital(metrics.certificate_expiry)
def certificates() -> None:
    """Of the authorities that the database's certificate is verified with; those of the system are the system's."""
    name = connection.settings_dict["OPTIONS"].get("sslrootcert", "system")
    if name == "system":
        return
    found = x509.load_pem_x509_certificates(Path(str(name)).read_bytes())
    metrics.certificate_expiry.tell(min((each.not_valid_after_utc.timestamp() for each in found), default=math.inf))
