"""PostgreSQL's own log: what docs/operating.md prescribes keeps values out of it, which its defaults write there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from django.conf import settings

from tests.canaries import Canaries
from tests.collector import eventually
from tests.postgres import Postgres
from tests.servers import ROOT

Provoke = Callable[[psycopg.Connection, str], None]


def prescribed() -> dict[str, str]:
    """The settings of PostgreSQL's log that docs/operating.md prescribes."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    block = page.split("## PostgreSQL's own log\n")[1].split("```ini\n")[1].split("```")[0]
    return dict(re.findall(r"^(\w+) = (\S+)", block, re.MULTILINE))


def unique(connection: psycopg.Connection, canary: str) -> None:
    connection.execute("INSERT INTO patient VALUES (%s), (%s)", [canary, canary])


def check(connection: psycopg.Connection, canary: str) -> None:
    connection.execute("INSERT INTO patient (name, age) VALUES (%s, -1)", [canary])


def foreign_key(connection: psycopg.Connection, canary: str) -> None:
    connection.execute("INSERT INTO visit VALUES (%s)", [canary])


def copy(connection: psycopg.Connection, canary: str) -> None:
    with connection.cursor().copy("COPY patient (name, age) FROM STDIN (FORMAT BINARY)") as stream:
        stream.set_types(["text", "int4"])
        stream.write_row((canary, -1))


def time_out(connection: psycopg.Connection, canary: str) -> None:
    connection.execute("SET statement_timeout = 100")
    connection.execute(f"SELECT pg_sleep(30) /* {canary} */".encode())


# What each says under any settings: the search must have read it.
ERRORS: dict[str, tuple[Provoke, str]] = {
    "unique": (unique, "violates unique constraint"),
    "CHECK": (check, "violates check constraint"),
    "foreign key": (foreign_key, "violates foreign key constraint"),
    "COPY": (copy, "violates check constraint"),
    "statement time-out": (time_out, "canceling statement due to statement timeout"),
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        running.execute("CREATE TABLE patient (name text PRIMARY KEY, age int CONSTRAINT born CHECK (age >= 0))")
        running.execute("CREATE TABLE visit (patient text REFERENCES patient)")
        yield running


def logged(postgres: Postgres, provoke: Provoke, canary: str, words: str) -> str:
    """What the error left in the log, from its words on."""
    before = len(postgres.log)
    with psycopg.connect(postgres.url(), autocommit=True) as connection, suppress(psycopg.Error):
        provoke(connection, canary)
    # A line after it: then all of the error has been written.
    with psycopg.connect(postgres.url()) as connection, suppress(psycopg.Error):
        connection.execute("SELECT 1 / 0")
    assert eventually(lambda: "division by zero" in postgres.log[before:])
    assert words in postgres.log[before:]
    return postgres.log[before:]


@pytest.mark.parametrize("name", ERRORS)
def test_its_defaults_write_the_value(postgres: Postgres, name: str) -> None:
    """The control: were nothing found here, nothing would be found below either."""
    canaries = Canaries()
    provoke, words = ERRORS[name]
    assert canaries.in_(logged(postgres, provoke, canaries.word(name), words))


class TestAsPrescribed:
    @pytest.fixture(autouse=True)
    def configured(self, postgres: Postgres) -> None:
        postgres.configure(**prescribed())
        postgres.reload()
        assert eventually(lambda: postgres.execute("SHOW log_error_verbosity") == [("terse",)])

    @pytest.mark.parametrize("name", ERRORS)
    def test_it_does_not(self, postgres: Postgres, name: str) -> None:
        canaries = Canaries()
        provoke, words = ERRORS[name]
        assert canaries.told(logged(postgres, provoke, canaries.word(name), words)) == []

    def test_each_setting_is_in_force_without_a_restart(self, postgres: Postgres) -> None:
        rows = postgres.execute("SELECT name, setting FROM pg_settings WHERE NOT pending_restart")
        found = dict(rows)
        assert {name: found[name] for name in prescribed()} == prescribed()


def test_every_copy_of_the_code_is_binary() -> None:
    """Text that PostgreSQL itself reads is quoted in an error's own words, which no setting leaves out."""
    code = [path for room in ("chassis", *settings.SERVICES) for path in (ROOT / room).rglob("*.py")]
    copies = [line for path in code for line in path.read_text(encoding="utf-8").splitlines() if 'f"COPY ' in line]
    assert copies
    assert all("(FORMAT BINARY)" in line for line in copies)
