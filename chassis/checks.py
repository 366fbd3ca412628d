"""System checks: what a copier of the template would forget, found before the first request."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks as django_checks
from django.core.checks import CheckMessage, Error, register
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError

from .models import Record

POSTGRESQL_MAJOR = 18


@register()
def records_are_tracked(**kwargs: Any) -> list[CheckMessage]:
    """Every record leaves a history."""
    return [
        Error(
            f"{model.__name__} has no history.",
            hint="Decorate it with chassis.history.tracked.",
            obj=model,
            id="chassis.E001",
        )
        for model in apps.get_models()
        if issubclass(model, Record) and not hasattr(model, "events")
    ]


@register("database")
def postgresql_is_18(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """uuidv7() and the plans our tests pin are those of PostgreSQL 18."""
    if not databases:
        return []
    try:
        connection.ensure_connection()
    except DatabaseError:
        return []  # an outage is readiness's to tell
    major = connection.connection.info.server_version // 10_000
    # libpq says 0 of a connection that was lost since it was made.
    if major in (POSTGRESQL_MAJOR, 0):
        return []
    return [
        Error(
            f"The database is PostgreSQL {major}.",
            hint=f"Careway needs PostgreSQL {POSTGRESQL_MAJOR}.",
            id="chassis.E002",
        )
    ]


# What extensions own is theirs, and a partition is its table's.
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'f') AND NOT relispartition
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
ORDER BY relname
"""
NAMED = 3


@register("database")
def tables_are_ours(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """A wrong DATABASE_URL is told before it is migrated or served: there live other services, or something else.

    Newer tables of ours are not foreign: an old version goes on serving while a new one has migrated already. Where our
    services live already it is a warning: what an administrator's tool leaves there must not end who serves patients.
    """
    if not databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            found = [name for (name,) in cursor.fetchall()]
    except DatabaseError:
        return []  # an outage is readiness's to tell
    ours = {*connection.introspection.django_table_names(), MigrationRecorder.Migration._meta.db_table}
    prefixes = tuple(f"{app.label}_" for app in apps.get_app_configs())
    foreign = [name for name in found if name not in ours and not name.startswith(prefixes)]
    if not foreign:
        return []
    more = f" and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
    served = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in settings.SERVICES}
    kind, number = (django_checks.Warning, "W003") if served & set(found) else (Error, "E003")
    return [
        kind(
            f"The database has tables of something else: {', '.join(foreign[:NAMED])}{more}.",
            hint="DATABASE_URL must name a database that the services of CAREWAY_SERVICES have for themselves.",
            id=f"chassis.{number}",
        )
    ]


@register("database")
def time_outs_are_set(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Without them a locked table holds every thread for ever. Behind a pooler they are the role's, and easily forgotten."""
    if not databases:
        return []
    wanted = {"lock_timeout": settings.LOCK_TIMEOUT_SECONDS, "statement_timeout": settings.STATEMENT_TIMEOUT_SECONDS}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting::bigint FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
            found = dict(cursor.fetchall())
    except DatabaseError:
        return []  # an outage is readiness's to tell
    return [
        Error(
            f"The database sessions have {name} = {found[name]} ms, which is not within CAREWAY_{name.upper()}_SECONDS.",
            hint=f"Behind a pooler: ALTER ROLE … SET {name} = '{seconds}s', then make the pooler reconnect.",
            id="chassis.E004",
        )
        for name, seconds in wanted.items()
        if not 0 < found[name] <= seconds * 1000
    ]
