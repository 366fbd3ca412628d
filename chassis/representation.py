"""A resource's representation, compiled from its serializer into one database expression.

Most of the cost of a read in Django REST is model instances and nested serializers, not the framework. So a row leaves
PostgreSQL as JSON text: each declared field of the serializer becomes one member of a JSON_OBJECT. The same
declaration feeds OpenAPI. A field whose value is not simply its column is a `Computed`.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import models
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from rest_framework import serializers


class JSONRow(models.Func):
    """JSON_OBJECT('name' VALUE expression, ...): members in the order given, where jsonb would sort them (SQL/JSON:2016).

    Django's JSONObject passes the names as parameters, which PostgreSQL cannot prepare without a cast each.
    """

    returning = "JSON"
    output_field: models.Field[Any, Any] = models.JSONField()
    # By identity: each is made once, and is looked up in the kind of a statement at every read.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, **members: Combinable) -> None:
        super().__init__(*members.values())
        self.names = tuple(members)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        parts: list[str] = []
        parameters: list[Any] = []
        for name, expression in zip(self.names, self.get_source_expressions(), strict=True):
            sql, values = compiler.compile(expression)
            parts.append(f"'{name}' VALUE {sql}")
            parameters += values
        return f"JSON_OBJECT({', '.join(parts)} RETURNING {self.returning})", tuple(parameters)


class JSONText(JSONRow):
    """The same as text, so that nothing on our side parses it."""

    returning = "TEXT"
    output_field = models.TextField()


class Timestamp(models.Func):
    """RFC 3339 in UTC with `Z`; to_json gives ISO 8601 with as many digits of a second as there are."""

    template = "((to_json(%(expressions)s AT TIME ZONE 'UTC') #>> '{}') || 'Z')"
    output_field = models.TextField()


class Computed(serializers.Field):  # type: ignore[type-arg]  # generic in the stubs alone
    """A read-only member whose value is a database expression; `child` documents its type.

    `history=False` leaves it out of past versions: its value comes from rows that may have changed since.
    """

    def __init__(self, expression: Combinable, child: Any, *, history: bool = True, **options: Any) -> None:
        self.expression = expression
        self.child = child
        self.history = history
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Any) -> Any:
        return value


@functools.cache
def json_of(serializer_class: Any, *, as_text: bool = True, past: bool = False) -> JSONRow:
    """The expression that builds a row's JSON; `past` builds it from a history event of the row."""
    members = {
        name: _expression(field)
        for name, field in serializer_class().fields.items()
        if not (past and isinstance(field, Computed) and not field.history)
    }
    return (JSONText if as_text else JSONRow)(**members)


def history_json_of(serializer_class: Any) -> JSONRow:
    """A history event: when, what, by whom, in which request, and the record as it then was."""
    return JSONText(
        at=Timestamp(models.F("pgh_created_at")),
        action=models.F("pgh_label"),
        actor=KT("pgh_context__actor"),
        request_id=KT("pgh_context__request_id"),
        trace_id=KT("pgh_context__trace_id"),
        version=models.F("version"),
        record=json_of(serializer_class, as_text=False, past=True),
    )


def _expression(field: Any) -> Combinable:
    if isinstance(field, Computed):
        return field.expression
    path = models.F(field.source.replace(".", "__"))
    return Timestamp(path) if isinstance(field, serializers.DateTimeField) else path
