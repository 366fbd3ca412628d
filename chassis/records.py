"""The writes every resource shares. Each runs inside `history.recorded`, on a row that `locked` holds."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.db.models.functions import Now

from .insertion import insert
from .issuers import Caller
from .models import Record
from .problems import Problem, invalid
from .representation import JSONRow

R = TypeVar("R", bound=Record)


def create(model: type[R], *, caller: Caller, returning: JSONRow | None = None, **values: Any) -> R:
    """A new record of the caller's organization. Raises IntegrityError, worded by chassis/problems.py.

    The same statement answers it as `returning`, where that takes no other rows: the record's `returned`.
    """
    record = model(organization=caller.organization, created_by=caller.actor, updated_by=caller.actor, **values)
    record.returned = insert(record, returning)
    return record


def change(record: R, *, caller: Caller, **values: Any) -> R:
    """Writes the values as the record's next version."""
    for name, value in values.items():
        setattr(record, name, value)
    record.version += 1
    record.updated_by = caller.actor
    record.updated_at = Now()
    record.save(update_fields=[*values, "version", "updated_by", "updated_at"])
    return record


def edit(record: R, *, caller: Caller, **values: Any) -> R:
    """`change` after asking the state machine. Raises Problem not-editable."""
    record.machine.check_editable(record.status)
    return change(record, caller=caller, **values)


def move(record: R, *, caller: Caller, to: str, reason: str = "", **values: Any) -> R:
    """A transition that a client asked for. Raises Problem: illegal-transition, invalid."""
    record.machine.check(record.status, to, reason)
    return change(record, caller=caller, status=to, status_reason=reason, **values)


def delete(record: Record, *, caller: Caller) -> None:
    """Only in the first state and with nothing that depends on it: clinical facts are not deleted.

    Raises Problem not-deletable.
    """
    if record.status != record.machine.initial:
        raise Problem(
            "not-deletable",
            f"Only a record that is still {record.machine.initial} can be deleted.",
            current=record.status,
        )
    try:
        record.delete()
    except (models.ProtectedError, models.RestrictedError):
        raise Problem("not-deletable", "Other records depend on this one.") from None


def locked(queryset: models.QuerySet[R], **lookup: Any) -> R:
    """The row, locked until the transaction ends. Raises DoesNotExist (404)."""
    return queryset.select_for_update(of=("self",)).get(**lookup)


def reference(queryset: models.QuerySet[R], *, pointer: str, id: Any) -> R:
    """The locked row that a body's member names. Raises Problem invalid when the caller has no such record."""
    try:
        return locked(queryset, pk=id)
    except queryset.model.DoesNotExist:
        raise invalid(pointer, "unknown-reference", "There is no such record.") from None
