"""bench/turns.py: Careway and psql store the same rows, and a difference would be seen."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench import rows, turns
from tests.servers import make_database


@pytest.fixture(scope="module")
def url() -> str:
    return make_database("careway_turns")


@pytest.fixture(scope="module")
def measured(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By stack, of two rounds; the last one leaves its rows in the table."""
    return {row["stack"]: row for row in turns.measured(url, {300: 2}, tmp_path_factory.mktemp("turns"))}


def test_careway_and_psql_store_the_same_rows(measured: dict[str, dict[str, Any]]) -> None:
    assert set(measured) == {"careway", "floor", "psql-binary"}
    assert measured["floor"]["ratio_to_floor"] == 1
    assert all(row["work"] == "ingest" and row["rows_per_second"] > 0 for row in measured.values())
    assert measured["careway"]["rss_growth_mib"] == 0


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("change", ["qual = qual + 1", "info = '{}'", "filters = NULL", "genotype_quality = NULL"])
def test_one_changed_value_is_another_content(url: str, change: str) -> None:
    before = rows.content(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        one = f"SELECT id FROM {rows.TABLE} ORDER BY record_line LIMIT 1"
        assert connection.execute(f"UPDATE {rows.TABLE} SET {change} WHERE id = ({one})".encode()).rowcount == 1
    assert rows.content(url) != before


def test_rows_that_differ_end_the_run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = itertools.count()
    monkeypatch.setattr(rows, "content", lambda url: (next(contents),))
    with pytest.raises(SystemExit, match="did not store the same rows"):
        turns.measured(url, {30: 1}, tmp_path)


@pytest.mark.parametrize("stack", ["pysam", "cyvcf2"])
def test_what_people_do_loads_every_record(url: str, tmp_path: Path, stack: str) -> None:
    (row,) = (row for row in turns.loaded(url, tmp_path, 200, 1000.0) if row["stack"].startswith(stack))
    assert row["rows_per_second"] > 0
    assert rows.content(url)[0] > 200
