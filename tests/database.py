"""What tests ask of PostgreSQL directly, beside the API: raw statements, refusals, plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
