"""`manage.py purge_idempotency`: what has expired goes, and nothing else; nobody waits for it, whatever goes on."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from chassis.management.commands import purge_idempotency
from chassis.models import IdempotentAnswer
from tests.api import Api
from tests.database import execute

TABLE = IdempotentAnswer._meta.db_table


def keep(count: int, *, age: str, route: str = "/old") -> None:
    """So many answers of that age."""
    execute(
        f"INSERT INTO {TABLE} (caller, route, key, digest, body, headers, created_at)"
        f" SELECT 'c', %s, n::text, '\\x00', '', '{{}}', now() - %s::interval FROM generate_series(1, {count}) n",
        route,
        age,
    )


def purge(*arguments: str) -> dict[str, int]:
    out = io.StringIO()
    call_command("purge_idempotency", *arguments, stdout=out)
    said: dict[str, int] = json.loads(out.getvalue())
    return said


def kept(route: str) -> int:
    return IdempotentAnswer.objects.filter(route=route).count()


@pytest.mark.django_db
class TestWhatGoes:
    def test_it_is_what_is_older_than_a_day_to_the_second(self) -> None:
        keep(3, age="24 hours 1 second")
        keep(4, age="23 hours 59 minutes 50 seconds", route="/young")
        keep(1, age="0", route="/new")
        assert purge() == {"deleted": 3, "left": 0}
        assert (kept("/old"), kept("/young"), kept("/new")) == (0, 4, 1)

    def test_a_second_run_finds_nothing(self) -> None:
        keep(2, age="2 days")
        assert purge() == {"deleted": 2, "left": 0}
        assert purge() == {"deleted": 0, "left": 0}

    def test_it_takes_many_batches(self) -> None:
        keep(purge_idempotency.BATCH * 2 + 7, age="2 days")
        assert purge() == {"deleted": purge_idempotency.BATCH * 2 + 7, "left": 0}

    def test_the_limit_leaves_the_younger(self) -> None:
        keep(3, age="3 days", route="/oldest")
        keep(3, age="2 days")
        assert purge("--limit", "4") == {"deleted": 4, "left": 2}
        assert (kept("/oldest"), kept("/old")) == (0, 2)

    def test_the_seconds_end_a_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keep(20, age="2 days")
        monkeypatch.setattr(purge_idempotency, "BATCH", 1)
        times = iter(range(100))
        monkeypatch.setattr(f"{purge_idempotency.__name__}.time.monotonic", lambda: next(times))
        assert purge("--seconds", "5") == {"deleted": 4, "left": 16}

    def test_there_is_no_run_without_sense(self) -> None:
        with pytest.raises(CommandError, match="must be a whole number from 1"):
            call_command("purge_idempotency", "--limit", "0")


@pytest.fixture
def other(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """Another client of the database, within a transaction."""
    with psycopg.connect(**connection.get_connection_params()) as session:
        yield session
        session.rollback()


class TestAtOnce:
    def test_several_share_the_work_and_none_waits(self, transactional_db: None) -> None:
        keep(5000, age="2 days")
        said: list[dict[str, int]] = []

        def run() -> None:
            said.append(purge())
            connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(each["deleted"] for each in said) == 5000
        assert kept("/old") == 0

    def test_what_somebody_holds_is_passed_over(self, other: psycopg.Connection[Any]) -> None:
        keep(3, age="2 days")
        other.execute(f"SELECT FROM {TABLE} WHERE key = '2' FOR UPDATE".encode())
        assert purge() == {"deleted": 2, "left": 1}

    def test_a_key_that_is_taken_over_meanwhile_stays(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k")
        execute(f"UPDATE {TABLE} SET created_at = now() - interval '2 days'")
        taken = api.post("samples", {**body, "accession": "S-ANOTHER"}, Idempotency_Key="k")
        assert (taken.status, taken.header("Idempotent-Replayed")) == (201, None)
        assert purge() == {"deleted": 0, "left": 0}
        assert IdempotentAnswer.objects.get().status == 201

    def test_a_request_that_is_about_to_answer_from_it_keeps_it(self, other: psycopg.Connection[Any]) -> None:
        """It began when the answer was good yet: ON CONFLICT locks the row that it leaves as it is."""
        keep(1, age="2 days")
        other.execute(
            f"INSERT INTO {TABLE} AS answer (caller, route, key, digest, body, headers)"
            " VALUES ('c', '/old', '1', '\\x00', '', '{}') ON CONFLICT (caller, route, key)"
            " DO UPDATE SET body = '' WHERE answer.created_at < now() - interval '9 days'".encode()
        )
        assert purge() == {"deleted": 0, "left": 1}
        other.rollback()
        assert purge() == {"deleted": 1, "left": 0}

    def test_whoever_comes_while_it_deletes_is_the_first_again(
        self, other: psycopg.Connection[Any], api: Api, body: dict[str, Any]
    ) -> None:
        api.post("samples", body, Idempotency_Key="k")
        execute(f"UPDATE {TABLE} SET created_at = now() - interval '2 days'")
        other.execute(purge_idempotency.DELETE.encode(), [None, 10])  # and has not committed
        answers: list[Any] = []

        def post() -> None:
            answers.append(api.post("samples", {**body, "accession": "S-ANOTHER"}, Idempotency_Key="k"))
            connections.close_all()

        thread = threading.Thread(target=post)
        thread.start()
        time.sleep(0.3)
        assert answers == []  # it waits for that one statement
        other.commit()
        thread.join()
        assert (answers[0].status, answers[0].header("Idempotent-Replayed")) == (201, None)


@pytest.mark.django_db
def test_it_goes_by_the_index() -> None:
    keep(5000, age="1 hour", route="/young")
    keep(5, age="2 days")
    execute(f"ANALYZE {TABLE}")
    statement = purge_idempotency.DELETE.replace("%s", "NULL", 1).replace("%s", "500")
    rows = execute(f"EXPLAIN {statement}")
    assert any("chassis_idempotentanswer_age" in line for (line,) in rows), rows
