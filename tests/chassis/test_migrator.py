"""chassis/migrator.py, by `manage.py migrate` on databases of its own; under load it is drilled (drill/test_migrations.py)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.models.signals import pre_migrate

from chassis.management.commands import migrate
from chassis.migrator import LOCK, pace
from tests.collector import eventually
from tests.database import execute
from tests.servers import ROOT, database_url, product_environment

LATER = 75
# One service has migrations enough; and the example, whose migrations a test may undo.
FAST = {"DJANGO_SETTINGS_MODULE": "tests.settings", "CAREWAY_SERVICES": settings.SERVICES[0]}
ALL = "SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations"
# The smallest service's second one: a foreign key, which needs a lock on its table.
SECOND = "SELECT FROM django_migrations WHERE app = 'example' AND name = '0002_database_rules'"


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    name = "careway_migrator"
    with psycopg.connect(database_url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield database_url(name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def start(url: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = product_environment(DATABASE_URL=url, **{**FAST, **variables})
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate", *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def end(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, and what it said on stderr."""
    _, said = run.communicate(timeout=90)
    return run.returncode, said


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as session:
        return session.execute(statement.encode()).fetchall()


def test_of_several_at_once_one_migrates_and_the_others_find_it_done(url: str) -> None:
    runs = [start(url) for _ in range(2)]
    assert [end(run)[0] for run in runs] == [0, 0]
    ((every, different),) = rows(url, ALL)
    assert every == different > 10


def test_a_killed_one_keeps_nobody_out_and_what_a_lock_stopped_is_whole_or_not_there(url: str) -> None:
    assert end(start(url))[0] == 0
    assert end(start(url, "example", "0001"))[0] == 0
    with psycopg.connect(url) as holder:
        holder.execute(
            "LOCK TABLE example_specimen IN ROW EXCLUSIVE MODE"
        )  # as every writer has; foreign keys wait for it
        stuck = start(url, CAREWAY_LOCK_TIMEOUT_SECONDS="60")
        waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'careway_migrator'"
        assert eventually(lambda: rows(url, waits), seconds=30)
        second = start(url, "--wait", "1")
        code, said = end(second)
        assert (code, "Another migrator is still at work after 1 s." in said) == (LATER, True)
        assert "Another migrator is at work; waiting for it." in said
        stuck.kill()
        assert end(stuck)[0] != 0
        # Its session ends with its connection, if PostgreSQL notices: it is still waiting for that lock.
        assert rows(url, waits.replace("SELECT", "SELECT pg_terminate_backend(pid)"))

        code, said = end(start(url, CAREWAY_LOCK_TIMEOUT_SECONDS="1"))
        assert code == LATER
        assert "example.0002_database_rules could not get a lock, and is tried again." in said
        assert "Nothing of it is applied; run migrate again." in said
        assert "Traceback" not in said
        assert rows(url, SECOND) == []
        assert rows(url, "SELECT FROM pg_constraint WHERE conname = 'specimen_parent'") == []

        late = start(url, CAREWAY_LOCK_TIMEOUT_SECONDS="1")
        assert late.stderr
        assert any("is tried again" in line for line in late.stderr)
    assert end(late)[0] == 0  # the writer has gone, and a later attempt goes through
    assert len(rows(url, SECOND)) == 1


def test_it_refuses_a_pooler_in_transaction_mode(url: str) -> None:
    code, said = end(start(url, CAREWAY_TRANSACTION_POOLER="true"))
    assert code == 1
    assert "Nothing migrates through a pooler in transaction mode: give DATABASE_URL the database's own address" in said
    assert rows(url, "SELECT FROM pg_tables WHERE tablename = 'django_migrations'") == []


def test_asking_what_is_pending_needs_no_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as holder:
        holder.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        assert end(start(url, "--check", "--wait", "0"))[0] == 1
        assert end(start(url, "--plan", "--wait", "0"))[0] == 0
        assert end(start(url, "--wait", "0"))[0] == LATER


def test_who_only_waits_for_it_is_told_when_it_is_done(url: str) -> None:
    waiting = start(url, "--check", "--wait", "60")
    assert waiting.stderr
    assert "Migrations are not applied yet; waiting for them." in waiting.stderr.readline()
    assert end(start(url))[0] == 0
    assert end(waiting)[0] == 0


def test_who_waits_in_vain_says_so(url: str) -> None:
    code, said = end(start(url, "--check", "--wait", "1"))
    assert code == 1
    assert "Migrations were not applied within 1 s." in said
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["migrating", "asking"])
def test_a_database_that_is_not_there_yet_is_waited_for(url: str, arguments: tuple[str, ...]) -> None:
    with psycopg.connect(database_url("postgres"), autocommit=True) as administrator:
        administrator.execute("ALTER DATABASE careway_migrator WITH ALLOW_CONNECTIONS false")
        run = start(url, *arguments, "--wait", "60")
        assert run.stderr
        assert "The database is out of reach; waiting for it." in run.stderr.readline()
        administrator.execute("ALTER DATABASE careway_migrator WITH ALLOW_CONNECTIONS true")
        if arguments:
            assert end(start(url))[0] == 0
    assert end(run)[0] == 0


def test_a_database_that_never_comes_is_told_in_a_sentence() -> None:
    code, said = end(start("postgresql://nobody@127.0.0.1:1/nothing", "--wait", "1"))
    assert code == 1
    assert "CommandError: The database is out of reach: connection failed" in said
    assert "Traceback" not in said


def test_one_that_waits_does_not_hold_up_an_index_that_is_built_concurrently(url: str) -> None:
    """Such an index waits for every snapshot there is: a second migrator that waited in a statement would have one."""
    with psycopg.connect(url, autocommit=True) as first:
        first.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        second = start(url)
        assert second.stderr
        assert "waiting for it" in second.stderr.readline()
        first.execute("CREATE TABLE built (n int)")
        first.execute("SET lock_timeout = '5s'")
        first.execute("CREATE INDEX CONCURRENTLY built_n ON built (n)")
    assert end(second)[0] == 0


@pytest.mark.django_db
class TestTimeouts:
    def test_statements_may_take_as_long_as_they_need_and_locks_may_not(self) -> None:
        seen: dict[str, str] = {}

        def look(**_: Any) -> None:
            seen.update({name: str(execute(f"SHOW {name}")[0][0]) for name in ("lock_timeout", "statement_timeout")})

        pre_migrate.connect(look)
        try:
            call_command("migrate", verbosity=0)
        finally:
            pre_migrate.disconnect(look)
        assert seen == {"lock_timeout": "5s", "statement_timeout": "0"}
        assert execute("SHOW statement_timeout") == [("15s",)]  # as it was

    INDEX = AddIndexConcurrently("specimen", models.Index(fields=["kind"], name="i"))

    @pytest.mark.parametrize(
        ("operations", "atomic", "seconds"),
        [
            ([INDEX], False, "0"),
            ([INDEX, ValidateConstraint("specimen", "c")], False, "0"),
            ([INDEX, migrations.RunSQL("SELECT 1")], False, "5s"),
            ([migrations.RunSQL("SELECT 1")], True, "5s"),
        ],
    )
    def test_only_what_lets_everybody_pass_waits_for_a_lock_without_end(
        self, operations: list[Any], atomic: bool, seconds: str
    ) -> None:
        kind = type("Migration", (migrations.Migration,), {"operations": operations, "atomic": atomic})
        migration = kind("m", "example")
        pace(connection, migration)
        assert execute("SHOW lock_timeout") == [(seconds,)]
        execute("RESET lock_timeout")


def test_it_is_what_every_caller_gets() -> None:
    """An app's command goes before Django's, wherever it stands in the list; of two apps' the first wins."""
    from django.core.management import get_commands, load_command_class

    found: Callable[..., Any] = type(load_command_class(get_commands()["migrate"], "migrate"))
    assert found is migrate.Command
