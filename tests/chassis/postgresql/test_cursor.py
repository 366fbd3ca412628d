"""chassis/postgresql/cursor.py, and the last statement of chassis/postgresql/base.py, by what goes over the wire."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from django.db import DataError, Error, IntegrityError, ProgrammingError, connection, transaction

from chassis.postgresql.base import DatabaseWrapper
from tests.database import execute

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "cursor_test"
INSERT = f"INSERT INTO {TABLE} VALUES (%s) RETURNING id"

ours = cast("DatabaseWrapper", connection)


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    execute(f"CREATE TABLE {TABLE} (id integer UNIQUE, late integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    yield
    execute(f"DROP TABLE {TABLE}")


def kept() -> list[int]:
    return [row[0] for row in execute(f"SELECT id FROM {TABLE} ORDER BY id")]


def round_trips(work: Callable[[], Any]) -> int:
    """How often the server was asked, as libpq traces it: a Sync or a simple Query each."""
    connection.ensure_connection()
    server = ours.connection.pgconn
    with tempfile.TemporaryFile("w+") as file:
        server.trace(file.fileno())
        try:
            work()
        finally:
            server.untrace()
        file.seek(0)
        messages = [line.split("\t") for line in file]
    return len([1 for message in messages if message[1] == "F" and message[3].strip() in {"Sync", "Query"}])


def write(sql: str, first: int, last: int) -> None:
    with transaction.atomic():
        execute(sql, first)
        ours.execute_last(sql, [last])


class TestABegin:
    def test_it_goes_with_the_first_statement(self) -> None:
        def work() -> None:
            with transaction.atomic():
                assert execute(INSERT, 1) == [(1,)]

        assert round_trips(work) == 2, "BEGIN and INSERT, COMMIT"
        assert kept() == [1]

    def test_others_go_by_themselves(self) -> None:
        def work() -> None:
            with transaction.atomic():
                assert [execute(INSERT, number) for number in range(3)] == [[(0,)], [(1,)], [(2,)]]

        assert round_trips(work) == 4

    def test_outside_of_a_transaction_there_is_none(self) -> None:
        assert round_trips(lambda: execute(INSERT, 1)) == 1

    def test_several_statements_without_parameters_are_still_one_call(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {TABLE} VALUES (1); INSERT INTO {TABLE} VALUES (2)")
        assert kept() == [1, 2]

    def test_a_statement_that_is_repeated_is_prepared_like_any_other(self) -> None:
        for number in range(10):
            with transaction.atomic():
                assert execute(INSERT, number) == [(number,)]
        prepared = [statement for (statement,) in execute("SELECT statement FROM pg_prepared_statements")]
        assert INSERT.replace("%s", "$1") in prepared
        assert kept() == list(range(10))

    def test_a_large_parameter_goes_through(self) -> None:
        with transaction.atomic():
            assert execute("SELECT length(%s)", "x" * 5_000_000) == [(5_000_000,)]

    @pytest.mark.parametrize(
        ("sql", "value", "expected"),
        [("SELECT 1 / %s", 0, DataError), ("SELECT nowhere.%s", 1, ProgrammingError), (INSERT, 7, IntegrityError)],
    )
    def test_what_fails_raises_as_ever_and_the_connection_goes_on(
        self, sql: str, value: int, expected: type[Exception]
    ) -> None:
        execute(INSERT, 7)
        for _ in range(7):  # also once it is prepared
            with pytest.raises(expected), transaction.atomic():
                execute(sql, value)
        with transaction.atomic():
            assert execute(INSERT, 8) == [(8,)]
        assert kept() == [7, 8]


class TestTheLastStatement:
    def test_it_goes_with_the_commit(self) -> None:
        assert round_trips(lambda: write(INSERT, 1, 2)) == 2, "BEGIN and INSERT, INSERT and COMMIT"
        assert kept() == [1, 2]

    def test_it_may_be_the_only_one(self) -> None:
        def work() -> None:
            with transaction.atomic():
                ours.execute_last(INSERT, [1])

        assert round_trips(work) == 1
        assert kept() == [1]

    def test_in_a_block_within_another_it_is_executed_at_once(self) -> None:
        with transaction.atomic():
            with transaction.atomic():
                ours.execute_last(INSERT, [1])
                assert kept() == [1]
            execute(INSERT, 2)
        assert kept() == [1, 2]

    def test_outside_of_a_transaction_too(self) -> None:
        ours.execute_last(INSERT, [1])
        assert kept() == [1]

    def test_where_it_fails_nothing_is_kept_and_the_connection_goes_on(self) -> None:
        execute(INSERT, 1)
        for _ in range(7):
            with pytest.raises(IntegrityError):
                write(INSERT, 2, 1)
        assert kept() == [1]

    def test_where_the_commit_fails_nothing_is_kept_either(self) -> None:
        late = f"INSERT INTO {TABLE} VALUES (%s, 1)"
        with pytest.raises(IntegrityError):
            write(late, 1, 2)
        assert kept() == []
        execute(INSERT, 3)
        assert kept() == [3]

    def test_a_block_that_raises_forgets_it(self) -> None:
        def fail() -> None:
            with transaction.atomic():
                execute(INSERT, 1)
                ours.execute_last(INSERT, [2])
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with transaction.atomic():
            execute(INSERT, 3)
        assert kept() == [3]

    def test_what_waits_for_the_commit_sees_it(self) -> None:
        seen: list[int] = []
        with transaction.atomic():
            transaction.on_commit(lambda: seen.extend(kept()))
            ours.execute_last(INSERT, [1])
        assert seen == [1]


class TestTheNextRequest:
    def test_it_commits_although_the_last_one_broke_off_in_a_transaction(self) -> None:
        for _ in range(3):  # whichever of the pool's connections it is given
            connection.ensure_connection()
            ours.connection.autocommit = False
            connection.close()
            execute(INSERT, 1)
            connection.close()
            assert kept() == [1]
            execute(f"DELETE FROM {TABLE}")

    def test_it_does_not_execute_what_the_last_one_left_undone(self) -> None:
        def break_off() -> None:
            with transaction.atomic():
                execute(INSERT, 1)
                ours.execute_last(INSERT, [2])
                connection.close()

        with suppress(Error):
            break_off()
        connection.close()
        with transaction.atomic():
            execute(INSERT, 3)
        assert kept() == [3]
