"""The record every resource is, and the table of answered requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import pgtrigger
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from .constraints import Rule
    from .issuers import Caller
    from .transitions import Machine


class UUIDv7(models.Func):
    """PostgreSQL 18's uuidv7(): time-ordered (RFC 9562 §5.7), so that new rows go to the end of an index."""

    function = "uuidv7"
    arity = 0
    output_field = models.UUIDField()


Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class RecordQuerySet(models.QuerySet[Row_co]):
    """Where every view's queryset starts."""

    def for_caller(self, caller: Caller) -> Self:
        """What the caller's organization may see."""
        return self.filter(organization=caller.organization)


class Record(models.Model):
    """A versioned row of one organization. `version` is the ETag; triggers keep who made it and when."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    organization = models.CharField(max_length=100, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=250, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=250, editable=False)
    status: models.CharField[Any, Any]
    status_reason = models.CharField(max_length=1000, blank=True, default="", editable=False)

    objects = RecordQuerySet.as_manager()
    machine: ClassVar[Machine]
    database_rules: ClassVar[dict[str, Rule]] = {}
    # Its JSON, where the statement that wrote it answered it (chassis/insertion.py).
    returned: str | None = None

    class Meta:
        abstract = True
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.ReadOnly(name="origin", fields=["id", "organization", "created_at", "created_by"]),
        ]

    def __str__(self) -> str:
        return str(self.id)


class IdempotentAnswer(models.Model):
    """The answer to a POST that carried an Idempotency-Key, kept for 24 hours; written in the same transaction."""

    caller = models.CharField(max_length=360)
    route = models.CharField(max_length=300)
    key = models.CharField(max_length=128)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    headers = models.JSONField(default=dict)

    pk = models.CompositePrimaryKey("caller", "route", "key")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["created_at"], name="%(app_label)s_%(class)s_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.status}"
