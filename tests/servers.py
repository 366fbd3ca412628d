"""Real servers for tests: gunicorn with its workers, on a port of its own and a database of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from psycopg import sql

from tests.api import RemoteApi

ROOT = Path(__file__).resolve().parent.parent
# At the end of the names of databases: the processes of a test run share a PostgreSQL.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")


def product_environment(**variables: str) -> dict[str, str]:
    """The variables of a process of the product: the tests' own, but for the settings, which are production's."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **variables}


def database_url(name: str) -> str:
    """The URL of another database on the tests' PostgreSQL."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def make_database(name: str, *, services: str = "") -> str:
    """A new, migrated, empty database of all services or of some; one that was left behind is dropped."""
    own = f"{name}{PROCESS}"
    _create(own, template=_template(services))
    return database_url(own)


@cache
def _template(services: str) -> str:
    """A migrated database to copy: made once a process, since to copy takes a tenth of a second, and to migrate five."""
    name = f"careway_template_{services.replace(',', '_')}{PROCESS}"
    _create(name, template="template1")
    migrate(database_url(name), services=services)
    return name


def _create(name: str, *, template: str) -> None:
    identifier = sql.Identifier(name)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(identifier, sql.Identifier(template)))


def migrate(url: str, *, services: str = "") -> None:
    """Makes the tables of all services, or of some, in the database at `url`."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env=product_environment(DATABASE_URL=url, CAREWAY_SERVICES=services),
        check=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One gunicorn; `environment` overrides the settings' variables, and `service` is whose API is called."""

    database: str
    environment: dict[str, str] = field(default_factory=dict)
    service: str = settings.SERVICES[0]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    # Where what it prints goes, as `stdout` and `stderr`; without it, where that of the tests goes.
    output: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def that_asks_itself(cls, database: str) -> Server:
        """Its services find each other, as with `make run`."""
        port = free_port()
        return cls(database, environment={"CAREWAY_PORT": str(port)}, port=port)

    def start(self) -> Server:
        variables = {
            "DATABASE_URL": self.database,
            "CAREWAY_WORKERS": "2",
            "CAREWAY_LOG_LEVEL": "ERROR",
        }
        environment = product_environment(**{**variables, **self.environment})
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py"]
        # CAREWAY_PORT stays that of tests/environment.py: services do not find each other unless a test wants them to.
        command += ["--bind", f"127.0.0.1:{self.port}"]
        # A group of its own, so that a test can kill master and workers at once.
        with self._printing("stdout") as stdout, self._printing("stderr") as stderr:
            self.process = subprocess.Popen(
                [*command, "--log-level", "error"],
                cwd=ROOT, env=environment, start_new_session=True, stdout=stdout, stderr=stderr,
            )  # fmt: skip
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError):
                if self.api.get("/readyz").status == 200:
                    return self
            time.sleep(0.1)
        self.stop(signal.SIGKILL)
        raise AssertionError("the server did not become ready in 30 s")

    def _printing(self, name: str) -> AbstractContextManager[IO[bytes] | None]:
        return (self.output / name).open("ab") if self.output else nullcontext()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signals the whole group and waits; answers the master's exit status."""
        assert self.process
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        return self.process.wait(timeout=40)

    @property
    def workers(self) -> set[int]:
        """The process ids of those that live now."""
        assert self.process
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(each) for each in path.read_text(encoding="utf-8").split()}

    @property
    def api(self) -> RemoteApi:
        """This server as dr-okafor of st-elsewhere."""
        return RemoteApi(url=self.url, service=self.service)


def peak_memory(server: Server) -> int:
    """Largest resident set of the workers so far, in KiB."""
    peaks = []
    for child in server.workers:
        status = Path(f"/proc/{child}/status").read_text()
        peaks.append(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]))
    return max(peaks)
