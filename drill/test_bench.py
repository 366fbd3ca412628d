"""The bench, interrupted: nothing that it started lives on, and no file of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from drill.conftest import Row
from tests.postgres import Postgres
from tests.test_house import ROOT

# What of its processes is there, at least, when it is interrupted.
MOMENTS = {"its database is made": ("pg-", 1), "its stacks start": ("gunicorn", 3)}


class Started:
    """What the bench has started so far. A postmaster is no child of it: it is known by its folder."""

    def __init__(self, bench: int) -> None:
        self._bench = bench
        self.folders: set[Path] = set()
        self.processes: dict[int, psutil.Process] = {}

    def look(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._take(psutil.Process(self._bench).children(recursive=True))
        for process in psutil.process_iter():
            if any(str(folder) in _command(process) for folder in self.folders):
                self._take([process])
                with suppress(psutil.NoSuchProcess):
                    self._take(process.children(recursive=True))

    def _take(self, processes: Iterable[psutil.Process]) -> None:
        for process in processes:
            self.processes[process.pid] = process
            self.folders |= {Path(each) for each in re.findall(r"/tmp/pg-\w+", _command(process))}

    def number_of(self, word: str) -> int:
        return sum(word in _command(each) for each in self.processes.values())


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_bench_leaves_nothing(moment: str, number: signal.Signals, tmp_path: Path, row: Row) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "DATABASE_URL": ""}
    # In a group of its own, as at a terminal, where Ctrl-C reaches the whole of it.
    with subprocess.Popen(
        [sys.executable, "-m", "bench.reads", "--check"],
        cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as bench:  # fmt: skip
        started = Started(bench.pid)
        word, least = MOMENTS[moment]
        until = time.monotonic() + 90
        while started.number_of(word) < least:
            assert bench.poll() is None, bench.communicate()[0]
            assert time.monotonic() < until, "it did not come so far"
            time.sleep(0.05)
            started.look()
        at = time.monotonic()
        os.killpg(bench.pid, number)
        told = bench.communicate(timeout=60)[0]
        seconds = time.monotonic() - at
    assert bench.returncode == 128 + number, told
    assert "Traceback" not in told
    started.look()
    _, alive = psutil.wait_procs(list(started.processes.values()), timeout=5)
    assert [_command(each) for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert started.folders
    assert [each for each in (*started.folders, *tmp_path.iterdir()) if each.exists()] == []
    row(f"the bench interrupted by {number.name} while {moment}", f"all it started is gone in {seconds:.1f} s")


def test_a_local_server_that_is_given_is_left_as_it_was(row: Row) -> None:
    with Postgres() as postgres:
        url = postgres.create_database("clinic")
        before = postgres.execute("SELECT datname FROM pg_database")
        bench = subprocess.run(
            [sys.executable, "-m", "bench.reads", "--check", "--database", url],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert bench.returncode == 0, bench.stdout + bench.stderr
        assert "6 stacks answer 9 works alike" in bench.stdout
        assert postgres.execute("SELECT datname FROM pg_database") == before
        assert postgres.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'genomics%'", "clinic") == [(0,)]
    row("the bench on a server that was given", "all stacks answer alike; its databases are what they were")
