"""System checks: what a copier of the template would forget, found before the first request."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.db import connection
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
    if major == POSTGRESQL_MAJOR:
        return []
    return [
        Error(
            f"The database is PostgreSQL {major}.",
            hint=f"Careway needs PostgreSQL {POSTGRESQL_MAJOR}.",
            id="chassis.E002",
        )
    ]
