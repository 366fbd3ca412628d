"""bench/environment.py"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.environment import check_local
from tests.test_house import PYTHON, ROOT, name_of

MEASUREMENTS = sorted(
    path.stem
    for path in (ROOT / "bench").glob("*.py")
    if re.search(r"^import bench\.(environment|own_database)", path.read_text(encoding="utf-8"), re.MULTILINE)
)
FAR = "postgresql://somebody@db.hospital.example:5432/careway"


def run(module: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *arguments],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


class TestTheDatabase:
    @pytest.mark.parametrize(
        "url",
        ["", "postgresql://127.0.0.1/x", "postgresql://u:p@localhost:5432/x", "postgresql://[::1]/x", "postgres:///x",
         "postgresql:///x?host=/var/run/postgresql", "postgresql://127.8.9.1/x"],
    )  # fmt: skip
    def test_a_local_one_is_taken(self, url: str) -> None:
        check_local(url)

    @pytest.mark.parametrize(
        "url",
        [FAR, "postgresql://10.0.0.7/x", "postgresql://localhost,10.0.0.7/x", "postgresql://localhost.example/x",
         "postgresql:///x?host=db", "postgresql://localhost/x?hostaddr=10.0.0.7", "postgresql:///x?service=live",
         "mysql://localhost/x"],
    )  # fmt: skip
    def test_any_other_is_refused(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            check_local(url)
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("bench: the database")

    def test_the_host_of_the_environment_is_one_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGHOST", "db.hospital.example")
        with pytest.raises(SystemExit):
            check_local("postgresql:///x")

    @pytest.mark.parametrize("module", MEASUREMENTS)
    def test_every_measurement_refuses_it_before_anything_else(self, module: str) -> None:
        done = run(module, DATABASE_URL=FAR)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "bench: the database at db.hospital.example is not on this machine, and the bench would fill it;"
            " name a local one\n"
        )

    def test_so_does_the_argument(self) -> None:
        done = run("reads", "--check", "--database", FAR)
        assert (done.returncode, done.stdout) == (2, "")
        assert "not on this machine" in done.stderr
        assert "Traceback" not in done.stderr


class TestTheGenerator:
    @pytest.mark.parametrize("arguments", [[], ["--quick"]])
    def test_a_missing_one_is_named_with_the_way_to_it(self, arguments: list[str], tmp_path: Path) -> None:
        done = run("reads", *arguments, PATH=str(tmp_path))
        assert done.returncode == 2
        assert done.stderr.startswith("bench: the load generator wrk is missing; install it with `apt-get install wrk`")


class TestTheHouse:
    def test_every_program_of_the_bench_begins_with_it(self) -> None:
        """Else it would start on a database that nobody has looked at."""
        assert len(MEASUREMENTS) >= 4
        others = [path for path in PYTHON if name_of(path).startswith("bench/") and path.stem != "environment"]
        assert [
            name_of(path) for path in others if "import tests.environment" in path.read_text(encoding="utf-8")
        ] == []
