"""The embedded PostgreSQL: made on first use, joined on the second, gone with the last process that uses it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

SCRIPT = """
import sys
from pathlib import Path
import psycopg
from chassis.postgres import start_embedded
url = start_embedded(Path(sys.argv[1]), database=sys.argv[2])
with psycopg.connect(url) as connection:
    print(url, connection.info.server_version // 10000, connection.info.dbname)
"""


def run(folder: Path, database: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder), database]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()


def test_it_starts_keeps_its_data_and_stops() -> None:
    # A short path: a socket's address has about a hundred characters.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as a user of its own
        data = Path(folder) / "pg"
        url, major, name = run(data, "one")
        assert (major, name) == ("18", "one")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        assert run(data, "two")[2] == "two"
        assert run(data, "one")[2] == "one"
