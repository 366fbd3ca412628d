"""The checks of the doctor that every service needs: database, schema, key sets, collector, clock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from .examination import TAG
from .issuers import Issuer
from .keysets import key_set
from .problems import Problem

Session = psycopg.Connection[tuple[Any, ...]]

COLLECTOR_SECONDS = 2
# Tokens are good for minutes: seconds do no harm, and half a minute refuses some that are good.
CLOCK_WARNING_SECONDS = 5.0
CLOCK_WRONG_SECONDS = 30.0


def _session() -> Session:
    """A connection beside the pool, which would keep trying for longer than the doctor waits. Raises psycopg's errors."""
    parameters = connection.get_connection_params()
    return psycopg.connect(**{**parameters, "autocommit": True, "connect_timeout": 2})


@register(TAG, deploy=True)
def database(**kwargs: Any) -> list[CheckMessage]:
    """It answers, and the system checks about it find nothing."""
    try:
        _session().close()
    except psycopg.Error as error:
        # The first line says what libpq could not do, and never a password.
        return [Error(f"{str(error).splitlines()[0]}.", hint="See DATABASE_URL, and whether PostgreSQL runs.")]
    try:
        return list(run_checks(tags=["database"], databases=["default"]))
    finally:
        connections.close_all()


@register(TAG, deploy=True)
def rights(**kwargs: Any) -> list[CheckMessage]:
    """The role may do what the service does, and is no superuser."""
    with _session() as session:
        tables = [model._meta.db_table for app in _ours() for model in apps.get_app_config(app).get_models()]
        statement = """
            SELECT name, word FROM unnest(%s::text[]) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS word
            WHERE to_regclass(quote_ident(name)) IS NOT NULL AND NOT has_table_privilege(quote_ident(name), word)
        """
        missing = session.execute(statement, [tables]).fetchall()
        found: list[CheckMessage] = [
            Error(f"The role may not {word} on {name}.", hint="The role of the service should own its tables.")
            for name, word in missing
        ]
        (superuser,) = session.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() or (
            False,
        )
        if superuser and not settings.DEVELOPMENT:
            hint = "Give the service a role of its own: docs/operating.md."
            found.append(Warning("The role is a superuser, whom no right holds back.", hint=hint))
        return found


@register(TAG, deploy=True)
def migrations(**kwargs: Any) -> list[CheckMessage]:
    """All of this version are applied."""
    with _session() as session:
        known = set(MigrationLoader(None).graph.nodes)
        applied = set()
        if session.execute("SELECT to_regclass('django_migrations')").fetchone() != (None,):
            applied = set(session.execute("SELECT app, name FROM django_migrations").fetchall())
        ours = {app for app, _ in known}
        found: list[CheckMessage] = []
        if pending := known - applied:
            found.append(Error(f"{len(pending)} migrations are pending.", hint="Run manage.py migrate."))
        if newer := {(app, name) for app, name in applied - known if app in ours}:
            hint = "Well during a roll-out, and after one was taken back."
            found.append(Warning(f"{len(newer)} migrations are of another version than this.", hint=hint))
        return found


@register(TAG, deploy=True)
def indexes(**kwargs: Any) -> list[CheckMessage]:
    """None was left half built by a migration that was interrupted."""
    with _session() as session:
        rows = session.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").fetchall()
        hint = "If no migration is building it now: DROP INDEX CONCURRENTLY, and migrate again."
        return [Warning(f"{name} is not valid.", hint=hint) for (name,) in rows]


@register(TAG, deploy=True)
def clock(**kwargs: Any) -> list[CheckMessage]:
    """It agrees with the database's: which tokens are good yet, or still, hangs on it."""
    with _session() as session:
        before = time.time()
        (there,) = session.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone() or (before,)
        apart = abs((before + time.time()) / 2 - there)
        if apart <= CLOCK_WARNING_SECONDS:
            return []
        kind = Error if apart > CLOCK_WRONG_SECONDS else Warning
        return [kind(f"This clock and the database's are {apart:.0f} s apart.", hint="See NTP on both machines.")]


@register(TAG, deploy=True)
def key_sets(**kwargs: Any) -> list[CheckMessage]:
    """Each trusted issuer's is read anew, and holds a key."""
    issuers = settings.TRUSTED_ISSUERS
    with ThreadPoolExecutor(len(issuers)) as threads:
        return [fault for fault in threads.map(_key_set, issuers) if fault]


def _key_set(issuer: Issuer) -> CheckMessage | None:
    try:
        keys = key_set(issuer).current().all
    except Problem:
        return Error(f"The keys of {issuer.name} cannot be read.", hint=f"See {issuer.jwks_url or issuer.jwks_file}.")
    if not keys:
        return Error(f"The key set of {issuer.name} holds no usable key.", hint="Its tokens are all refused.")
    return None


@register(TAG, deploy=True)
def collector(**kwargs: Any) -> list[CheckMessage]:
    """It takes an export, even if of nothing; with the OTEL_* variables that the exporter itself reads."""
    if not settings.TELEMETRY:
        return [Warning("There is none, so nothing is measured.", hint="See OTEL_EXPORTER_OTLP_ENDPOINT.")]
    if OTLPSpanExporter(timeout=COLLECTOR_SECONDS).export([]) is SpanExportResult.SUCCESS:
        return []
    # Requests are served without it.
    return [Error("The collector takes no export.", hint="See OTEL_EXPORTER_OTLP_ENDPOINT, and whether it runs.")]


def _ours() -> list[str]:
    return ["chassis", *settings.SERVICES]
