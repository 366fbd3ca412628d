"""What tests ask of PostgreSQL directly, beside the API: raw statements, refusals, plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction


def execute(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement, or none for one that yields none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def refusal(sql: str, *parameters: Any) -> str:
    """PostgreSQL's message on refusing the statement; the test's transaction goes on."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        execute(sql, *parameters)
    return str(refused.value)


def plan(sql: str) -> list[dict[str, Any]]:
    """Every node of the executed plan, outermost first."""
    ((found,),) = execute(f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {sql}")
    tree = json.loads(found) if isinstance(found, str) else found
    return list(_nodes(tree[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


NOBODY = "01890a5d-ac96-774b-bcce-000000000000"


def update(model: Any, id_: str, **values: Any) -> None:
    assignments = ", ".join(f"{name} = %s" for name in values)
    execute(f"UPDATE {model._meta.db_table} SET {assignments} WHERE id = %s", *values.values(), id_)


def copy(model: Any, id_: str, **values: Any) -> None:
    """Inserts the row once more, with a new id and other values."""
    table = model._meta.db_table
    changes = json.dumps({"id": NOBODY, **values})
    execute(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(r, %s::jsonb)).* FROM {table} r WHERE id = %s",
        changes,
        id_,
    )


@contextmanager
def refused(by: str) -> Iterator[None]:
    """The database refuses it, by the constraint or the trigger of that name."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():  # noqa: PT012  (a deferred constraint speaks up only now)
        yield
        execute("SET CONSTRAINTS ALL IMMEDIATE")
    diagnostics: Any = caught.value.__cause__.diag  # type: ignore[union-attr]  # psycopg's own error
    names = diagnostics.constraint_name or diagnostics.context or diagnostics.message_primary
    assert by in names, (diagnostics.message_primary, diagnostics.context)
