"""The INSERT of a record: compiled once, and it answers the row's JSON as well.

Django's `save` puts the same statement together for each record, and another one then has to read what it wrote. Both
take longer than PostgreSQL does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.exceptions import FieldError
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.sql import InsertQuery, Query

from .representation import JSONRow


class Insertion(NamedTuple):
    """One kind of INSERT. `made` are the columns whose values PostgreSQL makes, and returns before the JSON."""

    sql: str
    returning: JSONRow | None
    is_answered: bool


# By model, columns, and the JSON that is asked for, which the value keeps alive: equality of expressions is slow.
_insertions: dict[tuple[Any, ...], Insertion] = {}


def insert(record: models.Model, returning: JSONRow | None = None) -> str | None:
    """Writes the new record, as `save` would. Answers its row as `returning`, or None where that takes other rows too."""
    given: list[Any] = []
    made: list[Any] = []
    values: list[Any] = []
    for field in record._meta.local_concrete_fields:
        value = field.pre_save(record, add=True)
        if isinstance(value, DatabaseDefault):
            made.append(field)
        else:
            given.append(field)
            values.append(field.get_db_prep_save(value, connection))
    kind = (type(record), *made, id(returning))
    insertion = _insertions.get(kind) or _insertions.setdefault(kind, _compiled(record, given, made, returning))
    with connection.cursor() as cursor:
        cursor.execute(insertion.sql, values)
        row = cursor.fetchone()
    for field, value in zip(made, row, strict=False):
        setattr(record, field.attname, value)
    record._state.adding, record._state.db = False, connection.alias
    return str(row[-1]) if insertion.is_answered else None


def _compiled(record: models.Model, given: list[Any], made: list[Any], returning: JSONRow | None) -> Insertion:
    query = InsertQuery(type(record))
    query.insert_values(given, [record])
    compiler: Any = query.get_compiler(connection=connection)
    compiler.returning_fields = made or [record._meta.pk]
    ((sql, _),) = compiler.as_sql()
    answer = _answer(type(record), returning) if returning else None
    return Insertion(f"{sql}, {answer}" if answer else sql, returning, bool(answer))


def _answer(model: type[models.Model], returning: JSONRow) -> str | None:
    """Its SQL for RETURNING, where there is the new row and no other."""
    query = Query(model)
    query.get_initial_alias()
    try:
        expression = returning.resolve_expression(query, allow_joins=False)
    except FieldError:  # it follows a foreign key
        return None
    sql, parameters = query.get_compiler(connection=connection).compile(expression)
    return None if parameters else sql
