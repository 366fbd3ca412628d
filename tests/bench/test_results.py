"""bench/results.py, and that bench/results.json is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import results
from bench.contenders import NAMES as STACKS
from bench.works import NAMES as WORKS
from tests.test_house import ROOT


def row(work: str = "get-one", stack: str = "careway", ratio: float | None = 0.5, **measures: Any) -> dict[str, Any]:
    return {"work": work, "stack": stack, "ratio_to_floor": ratio, **measures}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "results.json"


class TestAdd:
    def test_a_section_replaces_its_own_rows_and_keeps_the_others(self, file: Path) -> None:
        results.add("reads", [row(ratio=0.1), row("list-50")], file=file)
        results.add("start", [row("start")], file=file)
        results.add("reads", [row(ratio=0.2)], file=file)
        found = {(each["section"], each["work"]): each["ratio_to_floor"] for each in results.read(file)["rows"]}
        assert found == {("start", "start"): 0.5, ("reads", "get-one"): 0.2}
        assert set(results.read(file)["sections"]) == {"reads", "start"}

    def test_it_says_what_it_was_measured_on_and_nothing_that_names_the_machine(self, file: Path) -> None:
        results.add("reads", [row()], file=file)
        whole = results.read(file)
        assert set(whole["machine"]) == {"processor", "cores", "memory_gib", "system", "python"}
        assert whole["sections"]["reads"]["machine"] == whole["machine"]

    def test_a_quick_run_says_so(self, file: Path) -> None:
        results.add("reads", [row()], quick=True, file=file)
        assert results.read(file)["sections"]["reads"]["size"] == "quick"

    def test_it_prints_every_row(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        results.add("reads", [row(lowest=0.4, highest=0.6, app_ms=1.5), row("start", ratio=None)], file=file)
        told = capsys.readouterr().out
        assert "get-one  careway         0.500 (0.40–0.60)" in told
        assert "app_ms 1.5" in told

    @pytest.mark.parametrize(
        "rows",
        [[{"work": "x", "stack": "y"}], [row(), row()], [row(ratio=float("nan"))], [row(rss_mib=float("inf"))]],
        ids=["without a ratio", "twice", "no number", "without bound"],
    )
    def test_rows_that_are_none_are_refused_and_nothing_is_lost(self, file: Path, rows: list[Any]) -> None:
        results.add("reads", [row()], file=file)
        with pytest.raises(SystemExit):
            results.add("reads", rows, file=file)
        assert len(results.read(file)["rows"]) == 1

    def test_there_is_no_row_before_the_first(self, file: Path) -> None:
        assert results.read(file)["rows"] == []


# Variants in the tables that are compared.
SIZES = (1_000_000, 10_000_000, 50_000_000)


class TestComplete:
    ROWS = tuple(row(work, stack) for work in (*WORKS, "memory") for stack in STACKS)

    def test_a_missing_row_is_named(self) -> None:
        assert results.missing(self.ROWS, WORKS, STACKS) == []
        assert results.missing(self.ROWS[1:], WORKS, STACKS) == [("get-one", "floor")]

    @pytest.mark.parametrize(("kept", "told"), [(0, "get-one of floor, and 59 rows more"), (59, "memory of fastapi\n")])
    def test_the_check_fails_when_a_row_is_missing(self, kept: int, told: str) -> None:
        """In a process of its own, as a measurement is."""
        program = f"from bench.reads import check_complete; check_complete({list(self.ROWS[:kept])!r})"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.endswith(f"bench: the results lack {told.strip()}\n")) == (1, True), done

    def test_the_committed_file_has_a_row_for_each_stack_and_work(self) -> None:
        rows = [each for each in results.read()["rows"] if each["section"] == "reads"]
        assert results.missing(rows, [*WORKS, "memory"], STACKS) == []
        assert {each["ratio_to_floor"] for each in rows if each["stack"] == "floor"} == {1.0}

    @pytest.mark.parametrize(
        ("section", "works", "stacks"),
        [
            ("ingestion", ["ingest-10000", "ingest-1000000", "ingest"], ["floor", "psql-binary", "careway"]),
            ("ingestion", ["ingest"], ["pysam-bulk-create", "cyvcf2-bulk-create"]),
            ("scale", [f"{work}-of-{size}" for work in ("region-100", "list-50") for size in SIZES], ["careway"]),
            ("scale", ["ingest-into-empty", f"ingest-into-{SIZES[-1]}", "ingest-two-at-once"], ["careway"]),
            ("startup", ["start"], ["plain", "careway-bare", "careway"]),
            ("telemetry", ["tracing-0", "tracing-10", "tracing-100"], ["careway"]),
        ],
    )
    def test_so_does_every_other_section(self, section: str, works: list[str], stacks: list[str]) -> None:
        rows = [each for each in results.read()["rows"] if each["section"] == section]
        assert results.missing(rows, works, stacks) == []

    def test_no_number_of_it_is_of_a_quick_run(self) -> None:
        assert {each["size"] for each in results.read()["sections"].values()} == {"full"}
