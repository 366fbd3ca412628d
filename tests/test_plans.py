"""The plan of every list, in every ordering: read from an index in its order, a page far down as cheaply as the first.

What a lost index, an OFFSET or a comparison that no index answers would change is seen on a few rows: with sorting and
whole scans priced out, PostgreSQL still takes them where nothing else is left. That a page then reads no more rows than
it shows, and that PostgreSQL chooses these plans by itself, is tried on many rows by tests/chassis/test_pagination.py
and by those of each service's querysets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chassis.archive import events, sources
from chassis.history import HISTORY_ORDERINGS
from tests.api import Api
from tests.database import execute, plan
from tests.routes import Operation, operations
from tests.worlds import Records, world_of

PRICED_OUT = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort", "enable_hashjoin")
UNKNOWN = "01890a5d-ac96-774b-bcce-000000000000"


class Ordered(NamedTuple):
    """A list in one of its orderings."""

    operation: Operation
    name: str
    columns: tuple[str, ...]
    table: str

    def __str__(self) -> str:
        return f"{self.operation} by {self.name}"


def orderings() -> Iterator[Ordered]:
    for operation in operations():
        view = operation.view
        if operation.action == "list" and hasattr(view, "orderings"):
            for name, columns in view.orderings.items():
                yield Ordered(operation, name, tuple(columns), view.queryset.model._meta.db_table)
        elif operation.action == "history":
            for name, columns in HISTORY_ORDERINGS.items():
                yield Ordered(operation, name, columns, f"{view.queryset.model._meta.db_table}event")


LISTS = list(orderings())


@pytest.fixture(params=settings.SERVICES)
def service(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def world(db: None, service: str) -> Records:
    """Something of everything, in tables that PostgreSQL takes for large ones of which it knows nothing else.

    What it has gathered about a few rows, whenever it came round to that, would make one index as good as another.
    """
    made = world_of(service).build(Api(service=service))
    for table in {ordered.table for ordered in LISTS if ordered.operation.service == service}:
        execute("DELETE FROM pg_statistic WHERE starelid = %s::regclass", table)
        execute("UPDATE pg_class SET relpages = 1, reltuples = 1000000 WHERE oid = %s::regclass", table)
    return made


def statements(ordered: Ordered, world: Records) -> dict[str, str]:
    """What is asked for the first page, and for those after and before a row: any, since it need not be in the list."""
    columns = [column.lstrip("-") for column in ordered.columns]
    ((key,),) = execute(f"SELECT json_build_array({', '.join(columns)}) FROM {ordered.table} LIMIT 1")
    path = ordered.operation.path(world)
    ways = {"the first page": ""}
    for way, direction in (("n", "the next page"), ("p", "the previous page")):
        ways[direction] = "&cursor=" + signing.dumps([way, *map(str, key)], salt=f"{path}?#{ordered.name}")
    found = {}
    for direction, cursor in ways.items():
        with CaptureQueriesContext(connection) as captured:
            answer = Api(service=ordered.operation.service).get(f"{path}?ordering={ordered.name}&limit=20{cursor}")
        assert answer.status == 200, (str(ordered), answer.content)
        (found[direction],) = (each["sql"] for each in captured.captured_queries if "ORDER BY" in each["sql"])
    return found


def faults(sql: str, ordered: Ordered, *, beyond: bool) -> list[str]:
    """What of the plan would cost more with every row of the table; `beyond` is whether it continues from a key."""
    for name in PRICED_OUT:
        execute(f"SET LOCAL {name} = off")
    nodes = plan(sql)
    for name in PRICED_OUT:
        execute(f"SET LOCAL {name} = on")
    kinds = {node["Node Type"] for node in nodes}
    scans = [node for node in nodes if node.get("Relation Name") == ordered.table]
    found = [kind for kind in kinds if "Sort" in kind or kind in {"Seq Scan", "Bitmap Heap Scan"}]
    found += ["OFFSET"] if "OFFSET" in sql else []
    found += ["no LIMIT"] if "Limit" not in kinds else []
    # All versions of a record have its organization and its parent, so none of them is dropped for those.
    same = ordered.operation.action == "history"
    dropped = [node["Filter"] for node in scans if "Filter" in node and not (same and "pgh_obj" not in node["Filter"])]
    found += [f"rows are read and dropped: {each}" for each in dropped]
    # A comparison of rows, or of the one column, which the index itself answers.
    if beyond and not any(ordered.columns[0].lstrip("-") in _compared(node) for node in scans):
        found.append("the key is compared row by row")
    return found


def _compared(node: dict[str, Any]) -> str:
    """The part of an index's condition that is a comparison by order."""
    parts = str(node.get("Index Cond", "")).split(" AND ")
    return " ".join(part for part in parts if " < " in part or " > " in part)


class TestEveryList:
    def test_they_are_all_here(self, service: str) -> None:
        mine = [each for each in LISTS if each.operation.service == service]
        assert len({each.operation.route for each in mine}) >= 2
        assert {"list", "history"} == {each.operation.action for each in mine}

    def test_it_is_read_in_the_order_of_an_index(self, service: str, world: Records) -> None:
        found = {
            (str(ordered), page): told
            for ordered in LISTS
            if ordered.operation.service == service
            for page, sql in statements(ordered, world).items()
            if (told := faults(sql, ordered, beyond=page != "the first page"))
        }
        assert found == {}


class TestTheLaw:
    """What it is there for, it finds."""

    def test_the_loss_of_any_of_these_indexes_is_seen(self, service: str, world: Records) -> None:
        unseen = []
        for ordered in LISTS:
            if ordered.operation.service == service:
                sql = statements(ordered, world)["the next page"]
                with transaction.atomic():
                    drop(index_of(sql, ordered))
                    if not faults(sql, ordered, beyond=True):
                        unseen.append(str(ordered))
                    transaction.set_rollback(True)
        assert unseen == []

    @pytest.mark.parametrize(
        ("end", "fault"),
        [
            ("ORDER BY created_at DESC, id DESC OFFSET 100 LIMIT 20", "OFFSET"),
            ("ORDER BY updated_at LIMIT 20", "Sort"),
            ("ORDER BY created_at DESC, id DESC", "no LIMIT"),
            # The usual way to write it, which reads and drops every row before the page.
            (
                f"AND (created_at < now() OR (created_at = now() AND id < '{UNKNOWN}')) ORDER BY created_at DESC, id DESC LIMIT 20",
                "the key is compared row by row",
            ),
        ],
    )
    def test_other_ways_to_page_are_seen(self, service: str, world: Records, end: str, fault: str) -> None:
        table = world_of(service).table
        ordered = next(each for each in LISTS if each.table == table and each.name == "-created_at")
        sql = f"SELECT id FROM {table} WHERE organization = 'st-elsewhere' {end}"
        assert any(fault in each for each in faults(sql, ordered, beyond="AND (" in end))


class TestTheArchive:
    def test_it_is_read_from_an_index_before_anything_is_known_of_a_table(self, service: str, world: Records) -> None:
        """psycopg prepares what is asked often; PostgreSQL plans that for any values, and may not sort all for a page."""
        (source,) = (each for each in sources() if each.table == f"{world_of(service).table}event")
        ((number,),) = execute(f"SELECT max(pgh_id) FROM {source.table}")
        execute(
            f"INSERT INTO {source.table} SELECT (jsonb_populate_record(event, jsonb_build_object('pgh_id', number))).*"
            f" FROM {source.table} AS event, generate_series(%s::int, %s::int) AS number WHERE pgh_id = %s",
            *(number + 1, number + 30_000, number),
        )
        execute("UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid = %s::regclass", source.table)
        with CaptureQueriesContext(connection) as captured:
            next(events(source, after=0, upto=number))
        asked = captured.captured_queries[0]["sql"].replace("pgh_id > 0", "pgh_id > $1")
        assert "$1" in asked
        planned = " ".join(line for (line,) in execute(f"EXPLAIN (GENERIC_PLAN) {asked}"))
        assert "Index Scan" in planned
        assert "Sort" not in planned


def index_of(sql: str, ordered: Ordered) -> str:
    """The index that the list is read from, when there is a choice of nothing else."""
    for name in PRICED_OUT:
        execute(f"SET LOCAL {name} = off")
    names = {node["Index Name"] for node in plan(sql) if node.get("Relation Name") == ordered.table}
    (name,) = names
    return str(name)


def drop(index: str) -> None:
    """Or the constraint that it is of."""
    found = execute("SELECT conrelid::regclass::text FROM pg_constraint WHERE conname = %s AND conindid > 0", index)
    for (table,) in found:
        execute(f'ALTER TABLE {table} DROP CONSTRAINT "{index}" CASCADE')
    if not found:
        execute(f'DROP INDEX "{index}"')
