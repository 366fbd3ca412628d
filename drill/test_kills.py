"""A hundred kills, of workers, of whole servers and of PostgreSQL: no acknowledged write is lost, none is made twice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from urllib.error import URLError

import psycopg
from django.conf import settings

from drill.conftest import Row
from tests.api import Answer, RemoteApi
from tests.postgres import Postgres
from tests.servers import Server, migrate
from tests.worlds import World, world_of

WRITERS = 3  # for each service
KILLS = 100
# Between two kills; writes need time to be acknowledged, or the drill would prove nothing.
SECONDS = 0.4
BROKEN = (URLError, HTTPException, OSError)


@dataclass
class Record:
    """What its one writer knows of a record: nobody else writes it."""

    unique: str
    id: str
    version: int
    # The version that an unanswered change may have made.
    perhaps: int


@dataclass
class Writer:
    """Creates records with keys and changes them, and repeats what was not answered."""

    service: str
    name: int
    port: int
    over: threading.Event
    records: dict[str, Record] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return world_of(self.service)

    @property
    def api(self) -> RemoteApi:
        return RemoteApi(service=self.service, url=f"http://127.0.0.1:{self.port}", timeout=30)

    def run(self) -> None:
        for number in itertools.count(self.name * 100_000):
            if self.over.is_set():
                return
            record = self._create(number)
            if record:
                self._change(record)

    def _create(self, number: int) -> Record | None:
        collection, body = self.world.plain(number)
        unique = str(body[self.world.unique])
        self.attempted.add(unique)
        answer = self._insist(lambda: self.api.post(collection, body, Idempotency_Key=f"kill-{number}"))
        if answer is None:
            return None
        if answer.status != 201:
            self.faults.append(f"create {number}: {answer.status} {answer.content[:200]!r}")
            return None
        version = int(answer.etag.strip('"'))
        record = Record(unique, answer.json["id"], version, version)
        self.records[unique] = record
        return record

    def _change(self, record: Record) -> None:
        """One PATCH, sent once: it has no key, so whether an unanswered one was made is read afterwards."""
        collection, _ = self.world.plain(0)
        path = f"{collection}/{record.id}"
        record.perhaps = record.version + 1
        with suppress(*BROKEN):
            answer = self.api.patch(path, self.world.edits[0], If_Match=f'"{record.version}"')
            self.heard[f"PATCH {answer.status}"] += 1
            if answer.status == 200:
                record.version = record.perhaps
            elif answer.status != 503:
                self.faults.append(f"change: {answer.status} {answer.content[:200]!r}")

    def _insist(self, call: Callable[[], Answer]) -> Answer | None:
        """Repeats until there is an answer that is none of an outage; None when the drill is over first."""
        while not self.over.is_set():
            try:
                answer = call()
            except BROKEN:
                self.heard["broken"] += 1
            else:
                self.heard[f"POST {answer.status}"] += 1
                if answer.status != 503:
                    return answer
            time.sleep(0.02)
        return None


@contextmanager
def serving(**options: str) -> Iterator[tuple[Server, Postgres]]:
    """A PostgreSQL of its own, and a server of both services on it."""
    with Postgres(options=options) as postgres:
        url = postgres.create_database("careway")
        migrate(url)
        server = Server(url).start()
        try:
            yield server, postgres
        finally:
            server.stop(signal.SIGKILL)


def a_worker(server: Server) -> None:
    with suppress(ProcessLookupError):
        os.kill(min(server.workers), signal.SIGKILL)


def the_server(server: Server) -> None:
    server.stop(signal.SIGKILL)
    server.start()


def the_database(postgres: Postgres) -> None:
    postgres.kill()
    postgres.start()


def the_database_at_once(postgres: Postgres) -> None:
    postgres.stop("immediate")
    postgres.start()


def written_under(server: Server, kills: Callable[[], None]) -> list[Writer]:
    """Lets writers of every service write while `kills` are made, and a while longer."""
    over = threading.Event()
    writers = [Writer(name, number, server.port, over) for name in settings.SERVICES for number in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    kills()
    time.sleep(3)
    over.set()
    for thread in threads:
        thread.join()
    return writers


def test_a_hundred_kills_lose_nothing_and_double_nothing(row: Row) -> None:
    made: Counter[str] = Counter()
    with serving() as (server, postgres):
        kinds: list[tuple[str, Callable[[], None]]] = [
            ("workers killed", partial(a_worker, server)),
            ("databases killed", partial(the_database, postgres)),
            ("workers killed", partial(a_worker, server)),
            ("servers killed", partial(the_server, server)),
            ("databases stopped at once", partial(the_database_at_once, postgres)),
        ]

        def kills() -> None:
            for name, kill in itertools.islice(itertools.cycle(kinds), KILLS):
                time.sleep(SECONDS)
                kill()
                made[name] += 1

        writers = written_under(server, kills)
        assert [fault for writer in writers for fault in writer.faults] == []
        for service in settings.SERVICES:
            mine = [writer for writer in writers if writer.service == service]
            records = [record for writer in mine for record in writer.records.values()]
            changed = sum(record.version > 1 for record in records)
            heard = sum((writer.heard for writer in mine), Counter[str]())
            assert differences(server.database, service, mine) == []
            assert min(len(records), changed) > KILLS
            row(
                f"{service}: {', '.join(f'{count} {kind}' for kind, count in made.items())}",
                f"{len(records)} creations and {changed} changes acknowledged, 0 lost, 0 doubled;"
                f" {heard['POST 503'] + heard['PATCH 503']} answers 503, {heard['broken']} connections broken",
            )


def test_the_drill_would_see_a_lost_write(row: Row) -> None:
    """The control: a database that acknowledges before it has written loses some when it is killed."""
    with serving(synchronous_commit="off", wal_writer_delay="10s") as (server, postgres):

        def kills() -> None:
            for _ in range(5):
                time.sleep(2 * SECONDS)
                the_database(postgres)

        writers = written_under(server, kills)
        found = [
            each
            for service in settings.SERVICES
            for each in differences(server.database, service, [one for one in writers if one.service == service])
        ]
    assert any(each.startswith("lost") for each in found)
    row(
        "control: PostgreSQL with synchronous_commit=off, killed 5 times", f"{len(found)} differences, as there must be"
    )


def differences(database: str, service: str, writers: list[Writer]) -> list[str]:
    """Where the database differs from what was acknowledged."""
    records = {name: record for writer in writers for name, record in writer.records.items()}
    attempted = {name for writer in writers for name in writer.attempted}
    table, unique = world_of(service).table, world_of(service).unique
    with psycopg.connect(database) as connection:
        rows = connection.execute(f"SELECT {unique}::text, id::text, version FROM {table}").fetchall()
        events = f"SELECT pgh_obj_id::text, array_agg(version ORDER BY pgh_id) FROM {table}event GROUP BY 1"
        history: dict[str, list[int]] = dict(connection.execute(events).fetchall())
    stored = {name: (identifier, version) for name, identifier, version in rows}
    found = [f"doubled: {name}" for name, count in Counter(name for name, *_ in rows).items() if count > 1]
    found += [f"nobody's: {name}" for name in stored if name not in attempted]
    for name, record in records.items():
        identifier, version = stored.get(name, ("", 0))
        if identifier != record.id or not record.version <= version <= record.perhaps:
            found.append(f"lost: {name}, version {record.version} acknowledged, {version} stored")
    for _, identifier, version in rows:
        if history.get(identifier) != list(range(1, version + 1)):
            found.append(f"history of {identifier}: {history.get(identifier)} for version {version}")
    return found
