"""Rows, written by raw SQL: no code of ours stands between a test and the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests.database import execute

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
