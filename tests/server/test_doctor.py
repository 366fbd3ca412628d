"""`manage.py doctor` on a machine that is well, and on machines where one thing is broken for real."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from tests.collector import Collector
from tests.postgres import Postgres
from tests.servers import ROOT, free_port, make_database, migrate, product_environment

DATABASE = {"database", "rights", "migrations", "indexes", "clock"}
# Another service that one needs is that one's own test.
SERVICE = settings.SERVICES[0]
ALONE = {"CAREWAY_SERVICES": SERVICE}


@pytest.fixture(scope="module")
def database() -> str:
    return make_database("careway_doctor", services=SERVICE)


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", *arguments],
        cwd=ROOT, env=product_environment(**{**ALONE, **variables}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert time.monotonic() - started < 3 + 17, "each check has three seconds, and the process its start"
    return done


def findings(**variables: str) -> dict[str, dict[str, Any]]:
    done = doctor("--json", **variables)
    assert done.stderr == ""
    found = {each["check"]: each for each in json.loads(done.stdout)}
    assert done.returncode == int(any(each["outcome"] == "wrong" for each in found.values()))
    return found


def outcomes(**variables: str) -> dict[str, str]:
    return {name: each["outcome"] for name, each in findings(**variables).items()}


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_where_all_is_well_it_says_so_of_everything(database: str) -> None:
    with Collector() as collector:
        done = doctor(DATABASE_URL=database, **collector.environment)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert {name for _, name in lines} == {*DATABASE, "key sets", "collector"}
    assert {outcome for outcome, _ in lines} == {"ok"}


def test_without_a_database_the_rest_is_examined_all_the_same() -> None:
    url = f"postgresql://somebody:hunter2@127.0.0.1:{free_port()}/careway"
    found = findings(DATABASE_URL=url)
    assert {name: each["outcome"] for name, each in found.items()} == {
        "database": "wrong",
        **dict.fromkeys(DATABASE - {"database"}, "warning"),
        "key sets": "ok",
        "collector": "warning",
    }
    assert "hunter2" not in json.dumps(found)


def test_a_migration_that_is_pending_is_wrong(database: str) -> None:
    pending = "DELETE FROM django_migrations WHERE app = 'chassis'"
    execute(database, "CREATE TABLE kept AS SELECT * FROM django_migrations WHERE app = 'chassis'", pending)
    try:
        found = findings(DATABASE_URL=database)["migrations"]
        assert (found["outcome"], found["hint"]) == ("wrong", "Run manage.py migrate.")
    finally:
        execute(database, "INSERT INTO django_migrations SELECT * FROM kept", "DROP TABLE kept")


def test_a_newer_schema_is_worth_a_word(database: str) -> None:
    newer = "INSERT INTO django_migrations (app, name, applied) VALUES ('chassis', '9999_later', now())"
    execute(database, newer)
    try:
        assert outcomes(DATABASE_URL=database)["migrations"] == "warning"
    finally:
        execute(database, "DELETE FROM django_migrations WHERE name = '9999_later'")


def test_an_index_that_was_half_built_is_named(database: str) -> None:
    index = "CREATE UNIQUE INDEX CONCURRENTLY half_built ON twice (n)"
    execute(database, "CREATE TABLE twice AS SELECT 1 AS n FROM generate_series(1, 2)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(database, index)
    try:
        found = findings(DATABASE_URL=database)["indexes"]
        assert (found["outcome"], found["message"]) == ("warning", "half_built is not valid.")
    finally:
        execute(database, "DROP TABLE twice")


def test_a_role_that_may_not_write_is_wrong() -> None:
    with Postgres() as postgres:
        postgres.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
        migrate(postgres.create_database("careway"), services=SERVICE)
        found = findings(DATABASE_URL=postgres.url("careway", user="reader"))["rights"]
        assert found["outcome"] == "wrong"
        assert "The role may not" in found["message"]


@pytest.mark.parametrize("content", ['{"keys": []}', "<html>"], ids=["no key", "no key set"])
def test_an_issuer_whose_keys_cannot_be_read_is_named(database: str, tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    issuer = {
        "name": "keycloak", "issuer": "https://login.example.org/realms/hospital", "audiences": ["careway"],
        "organization": "st-elsewhere", "jwks_file": str(tmp_path / "keys.json"),
    }  # fmt: skip
    found = findings(DATABASE_URL=database, CAREWAY_TRUSTED_ISSUERS=json.dumps([issuer]))["key sets"]
    assert found["outcome"] == "wrong"
    assert "keycloak" in found["message"]


@pytest.mark.parametrize("count", [1, 3])
def test_issuers_that_are_down_are_asked_at_once(database: str, count: int) -> None:
    issuers = [
        {
            "name": f"issuer-{number}", "issuer": f"https://login.example.org/{number}", "audiences": ["careway"],
            "organization": "st-elsewhere", "jwks_url": f"http://127.0.0.1:{free_port()}/keys",
        } for number in range(count)
    ]  # fmt: skip
    done = doctor(DATABASE_URL=database, CAREWAY_TRUSTED_ISSUERS=json.dumps(issuers))
    assert done.returncode == 1
    assert done.stdout.count("wrong    key sets") == count


def test_a_collector_that_is_gone_is_wrong(database: str) -> None:
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    assert outcomes(DATABASE_URL=database, **nowhere)["collector"] == "wrong"
