"""A server that must not serve: it ends, and says why in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.servers import ROOT, database_url, free_port, product_environment

TIMEOUT = 60


def ended(**variables: str) -> tuple[int, str]:
    """Exit status, and all that gunicorn printed until it ended by itself."""
    environment = product_environment(**variables)
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "--bind", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(
        command,
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def stranger() -> str:
    """The URL of a database in which something else lives."""
    name = "careway_stranger"
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(database_url(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE invoice (id bigint)")
    return database_url(name)


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_database_of_something_else(stranger: str, workers: int) -> None:
    status, told = ended(DATABASE_URL=stranger, CAREWAY_WORKERS=str(workers))
    # Of two workers that fail, gunicorn may notice the second one while it ends for the first: then it says 1.
    assert status == 3 or (status == 1 and workers == 2)
    assert "The database has tables of something else: invoice. DATABASE_URL must name a database " in told
    assert "Traceback" not in told


def test_and_it_is_not_migrated_either(stranger: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT, env=product_environment(DATABASE_URL=stranger), capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "The database has tables of something else: invoice." in done.stderr
    with psycopg.connect(stranger) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_with_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    status, told = ended(DATABASE_PASSWORD_FILE=str(tmp_path / "nothing"))
    assert status == 1
    assert "  - DATABASE_PASSWORD_FILE: cannot be read (FileNotFoundError)\n" in told


def test_with_a_database_of_another_kind() -> None:
    status, told = ended(DATABASE_URL="mysql://careway:hunter2@db/careway")
    assert status == 1
    assert "  - DATABASE_URL: must look like postgresql://user:password@host:5432/database " in told
    assert "hunter2" not in told
