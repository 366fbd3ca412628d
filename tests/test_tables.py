"""What every table of records owes, whoever declared it, tried by raw SQL: no code of ours stands between."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from django.conf import settings

from tests.api import Api
from tests.database import NOBODY, copy, execute, refused, update
from tests.routes import operations
from tests.worlds import world_of

RECORDS = [
    pytest.param(operation, id=f"{operation.service}-{operation.name.removesuffix('-detail')}")
    for operation in operations()
    if operation.action == "retrieve"
    and operation.service in settings.SERVICES
    and hasattr(operation.view.queryset.model, "machine")
]


class Row(NamedTuple):
    """A record in its first state."""

    model: Any
    id: str

    @property
    def events(self) -> str:
        return str(self.model._meta.get_field("events").related_model._meta.db_table)


@pytest.fixture(params=RECORDS)
def row(request: Any, db: None) -> Row:
    operation = request.param
    records = world_of(operation.service).build(Api(service=operation.service))
    return Row(operation.view.queryset.model, str(records[operation.name.removesuffix("-detail")]["pk"]))


def test_a_record_begins_in_a_first_state(row: Row) -> None:
    machine = row.model.machine
    for status in {*machine.targets, *machine.asked} - {machine.initial} - machine.begins:
        with refused("pgtrigger_beginning"):
            copy(row.model, row.id, status=status)


def test_it_moves_along_the_edges_alone(row: Row) -> None:
    machine = row.model.machine
    legal = {*machine.asked[machine.initial], *machine.made.get(machine.initial, ())}
    for status in {*machine.targets, "nonsense"} - legal - {machine.initial}:
        with refused("pgtrigger_transitions"):
            update(row.model, row.id, status=status)


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", NOBODY), ("organization", "x"), ("created_by", "x"), ("created_at", "2026-01-01T00:00:00Z")],
)
def test_its_origin_never_changes(row: Row, column: str, value: str) -> None:
    with refused("pgtrigger_origin"):
        update(row.model, row.id, **{column: value})


@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 9", "DELETE FROM {}"])
def test_its_history_never_changes(row: Row, statement: str) -> None:
    with refused("pgtrigger_append_only"):
        execute(statement.format(row.events))


def test_every_change_leaves_an_event_whoever_makes_it(row: Row) -> None:
    labels = f"SELECT pgh_label, updated_by FROM {row.events} WHERE pgh_obj_id = %s ORDER BY pgh_id"
    before = execute(labels, row.id)
    update(row.model, row.id, updated_by="psql")
    assert execute(labels, row.id) == [*before, ("changed", "psql")]
