"""The image's one command, in a process of its own: it becomes gunicorn, or manage.py, and is nothing in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.servers import ROOT, free_port, make_database, product_environment

CAREWAY = [sys.executable, "-I", str(ROOT / "docker" / "careway.py")]


@pytest.fixture(scope="module")
def database() -> str:
    return make_database("careway_entry")


def variables(database: str) -> dict[str, str]:
    return product_environment(DATABASE_URL=database, CAREWAY_LOG_LEVEL="ERROR")


class TestServe:
    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def serving(self, database: str, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [*CAREWAY, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2"],
            cwd=tmp_path, env=variables(database), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/readyz"):
                break
            time.sleep(0.05)
        yield process
        process.kill()
        process.communicate()

    def test_the_process_is_gunicorn_with_our_configuration_and_the_given_options(
        self, serving: subprocess.Popen[str]
    ) -> None:
        words = Path(f"/proc/{serving.pid}/cmdline").read_text().split("\0")
        assert words[1:5] == ["-m", "gunicorn", "--config", "config/gunicorn.py"]
        assert len(Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split()) == 2

    def test_a_signal_reaches_it_and_its_status_is_0(self, serving: subprocess.Popen[str]) -> None:
        os.kill(serving.pid, signal.SIGTERM)
        output, _ = serving.communicate(timeout=40)
        assert (serving.returncode, output) == (0, "")

    def test_what_gunicorn_refuses_is_its_own_to_say(self, database: str) -> None:
        done = subprocess.run(
            [*CAREWAY, "serve", "--no-such-option"],
            env=variables(database),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "unrecognized arguments: --no-such-option" in done.stderr

    def test_development_has_no_database_of_its_own_here(self) -> None:
        development = {"CAREWAY_ENVIRONMENT": "development", "PATH": os.environ["PATH"]}
        done = subprocess.run([*CAREWAY, "serve"], env=development, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("DATABASE_URL is required: ")


class TestEveryOtherWord:
    @pytest.mark.parametrize(
        ("words", "status", "said"),
        [
            (["migrate", "--check"], 0, ""),
            (["migrate", "--wait", "soon"], 2, "argument --wait: "),
            (["no_such_command"], 1, "Unknown command: 'no_such_command'"),
            (["serves"], 1, "Unknown command: 'serves'"),
            (["--version"], 0, "5."),
            ([], 0, "Type 'manage.py help <subcommand>'"),
        ],
    )
    def test_it_is_a_command_of_manage_whose_status_is_kept(
        self, database: str, tmp_path: Path, words: list[str], status: int, said: str
    ) -> None:
        done = subprocess.run(
            [*CAREWAY, *words],
            cwd=tmp_path, env=variables(database), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert said in done.stdout + done.stderr

    def test_it_works_where_it_is_called(self, database: str, tmp_path: Path) -> None:
        """So that a file it is given is found there."""
        command = [*CAREWAY, "export_history", "history.ndjson"]
        subprocess.run(command, cwd=tmp_path, env=variables(database), capture_output=True, timeout=60, check=True)
        assert (tmp_path / "history.ndjson").exists()
