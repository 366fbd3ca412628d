"""The next release's migrations, applied while this release serves reads and writes.

No next release is there yet, and an old one only where the history of the repository is. So the next one is made: a copy
of this checkout in which every record has one column more, whose migrations Django itself writes, history tables and
triggers included; and then what docs/operating.md tells to write by hand: an index built concurrently, and a constraint
that is validated after it was added. The copy migrates, while the server of this checkout, the old code by then, goes on.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.conf import settings

from drill.conftest import Row
from tests.api import Answer, RemoteApi
from tests.postgres import Postgres
from tests.servers import ROOT, Server, migrate, product_environment
from tests.worlds import world_of

KEPT_OUT = (".venv", ".careway", ".git", "tests", "bench", "drill", "docs", "__pycache__", ".*_cache")
ROWS = 20_000
# Whoever waits for a lock waits for five seconds at most, the migration too; requests queue behind it meanwhile.
LONGEST = 6.0

# What stands in the record of this release, and what the next one adds behind it.
LAST_COLUMN = '    status_reason = models.CharField(max_length=1000, blank=True, default="", editable=False)\n'
ONE_MORE = "    source_system = models.CharField(max_length=100, null=True, editable=False)\n"

BY_HAND = """
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("{app}", "{before}")]
    operations = [
        AddConstraintNotValid(
            "{model}", models.CheckConstraint(condition=~models.Q(source_system=""), name="{app}_drilled_not_empty")
        ),
    ]
"""
CONCURRENTLY = """
from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("{app}", "drilled_constraint")]
    operations = [
        AddIndexConcurrently("{model}", models.Index(fields=["source_system"], name="{app}_drilled_source")),
        ValidateConstraint("{model}", "{app}_drilled_not_empty"),
    ]
"""


@dataclass
class Client:
    """Reads, creates and changes records of a service without a pause, and notes how each went."""

    service: str
    name: int
    port: int
    over: threading.Event
    heard: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest: float = 0.0

    def run(self) -> None:
        world = world_of(self.service)
        api = RemoteApi(service=self.service, url=f"http://127.0.0.1:{self.port}", timeout=30)
        for number in itertools.count(self.name * 1_000_000):
            if self.over.is_set():
                return
            path, body = world.plain(number)
            made = self._timed("POST", 201, lambda path=path, body=body: api.post(path, body))
            if made.status != 201:
                continue
            record = f"{path}/{made.json['id']}"
            self._timed("GET", 200, lambda record=record: api.get(record))
            self._timed("list", 200, lambda path=path: api.get(f"{path}?limit=20"))
            changed = lambda record=record: api.patch(record, world.edits[0], If_Match=made.etag)  # noqa: B023, E731
            self._timed("PATCH", 200, changed)
            self._timed("history", 200, lambda record=record: api.get(f"{record}/history"))

    def _timed(self, name: str, wanted: int, call: object) -> Answer:
        started = time.monotonic()
        answer: Answer = call()  # type: ignore[operator]
        self.longest = max(self.longest, time.monotonic() - started)
        self.heard[name] += 1
        if answer.status != wanted:
            self.faults.append(f"{name}: {answer.status} {answer.content[:200]!r}")
        return answer


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Server]:
    url = postgres.create_database("careway")
    migrate(url)
    running = Server(url).start()
    for service in settings.SERVICES:
        fill(running, service)
    yield running
    assert running.stop() == 0


def fill(server: Server, service: str) -> None:
    """Rows, so that what scans a table takes its time."""
    world = world_of(service)
    api = RemoteApi(service=service, url=server.url)
    made = api.post(*world.plain(0)).json["id"]
    names = [world.plain(number)[1][world.unique] for number in range(1, ROWS)]
    with psycopg.connect(server.database) as session:
        session.execute(
            f"INSERT INTO {world.table} SELECT (jsonb_populate_record(r, jsonb_build_object("
            f"'id', uuidv7(), '{world.unique}', name))).* FROM {world.table} r, unnest(%s::text[]) AS name WHERE id = %s".encode(),
            [names, made],
        )


@pytest.fixture
def release(tmp_path: Path, server: Server) -> Path:
    """The next release's checkout, its migrations written."""
    folder = tmp_path / "next"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*KEPT_OUT))
    models = folder / "chassis" / "models.py"
    assert LAST_COLUMN in models.read_text(encoding="utf-8")
    models.write_text(models.read_text(encoding="utf-8").replace(LAST_COLUMN, LAST_COLUMN + ONE_MORE), encoding="utf-8")
    manage(folder, server.database, "makemigrations", *settings.SERVICES, "--name", "drilled_column")
    for service in settings.SERVICES:
        migrations = folder / service / "migrations"
        (column,) = migrations.glob("*_drilled_column.py")
        table = world_of(service).table
        (model,) = [each for each in apps.get_app_config(service).get_models() if each._meta.db_table == table]
        names = {"app": service, "before": column.stem, "model": model._meta.model_name}
        (migrations / "drilled_constraint.py").write_text(BY_HAND.format(**names), encoding="utf-8")
        (migrations / "drilled_index.py").write_text(CONCURRENTLY.format(**names), encoding="utf-8")
    return folder


def manage(folder: Path, database: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder, env=product_environment(DATABASE_URL=database), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_next_migrations_are_applied_under_load_and_nobody_notices(server: Server, release: Path, row: Row) -> None:
    over = threading.Event()
    clients = [Client(name, number, server.port, over) for name in settings.SERVICES for number in (1, 2)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(3)
    before = sum((client.heard for client in clients), Counter[str]()).total()
    started = time.monotonic()
    said = manage(release, server.database, "migrate")
    seconds = time.monotonic() - started
    time.sleep(3)  # the old code serves the new schema
    over.set()
    for thread in threads:
        thread.join()
    heard = sum((client.heard for client in clients), Counter[str]())
    faults = [fault for client in clients for fault in client.faults]
    longest = max(client.longest for client in clients)
    row(
        f"{said.count(' OK')} migrations applied in {seconds:.1f} s under load, {said.count('tried again')} tried again",
        f"{heard.total()} requests ({before} before), {len(faults)} failed, the longest took {longest:.2f} s",
    )
    assert faults == []
    assert longest < LONGEST
    assert min(heard.values()) > 20
    manage(release, server.database, "migrate", "--check")
    with psycopg.connect(server.database) as session:
        for service in settings.SERVICES:
            table = world_of(service).table
            columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'source_system' AND table_name = ANY (%s)"
            assert session.execute(columns.encode(), [[table, f"{table}event"]]).fetchone() == (2,)
            valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
            assert session.execute(valid.encode(), [f"{service}_drilled_source"]).fetchone() == (True,)
