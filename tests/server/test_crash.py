"""SIGKILL in the middle, in every service: what was answered 201 is there, once; what was not is there whole or not at all."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import URLError

import psycopg
import pytest

from tests.api import RemoteApi
from tests.servers import Server, make_database
from tests.worlds import World

WRITERS = 8
KILLS = 5
BROKEN = (URLError, HTTPException, OSError)


@dataclass
class Writer:
    """Posts one record after the other, each with a key, and repeats what was not answered."""

    api: RemoteApi
    world: World
    name: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def run(self, until: threading.Event) -> None:
        number = self.name * 100_000
        while not until.is_set():
            collection, body = self.world.plain(number)
            unique = str(body[self.world.unique])
            self.attempted.add(unique)
            try:
                answer = self.api.post(collection, body, Idempotency_Key=f"crash-{number}")
            except BROKEN:
                time.sleep(0.05)
                continue
            if answer.status == 201:
                self.acknowledged[unique] = answer.json["id"]
                number += 1
            elif answer.status != 503:
                self.faults.append(f"{number}: {answer.status} {answer.content[:200]!r}")
                number += 1


@pytest.fixture
def database(service: str) -> str:
    return make_database(f"careway_crash_{service}")


@pytest.fixture
def server(database: str, service: str) -> Iterator[Server]:
    running = Server(database, service=service).start()
    yield running
    running.stop()


def interrupted(server: Server, writers: list[Writer]) -> None:
    """Lets the writers write while the server is killed and started again."""
    over = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(over,)) for writer in writers]
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        time.sleep(0.7)
        server.stop(signal.SIGKILL)
        server.start()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()


def test_a_killed_server_has_every_acknowledged_write_once(server: Server, database: str, world: World) -> None:
    writers = [Writer(server.api, world, name) for name in range(WRITERS)]
    interrupted(server, writers)
    assert [fault for writer in writers for fault in writer.faults] == []
    acknowledged = {name: row for writer in writers for name, row in writer.acknowledged.items()}
    attempted = {name for writer in writers for name in writer.attempted}
    assert len(acknowledged) > KILLS * WRITERS
    table, unique = world.table, world.unique
    with psycopg.connect(database) as connection:
        rows = connection.execute(f"SELECT {unique}::text, id::text FROM {table}").fetchall()
        events = connection.execute(f"SELECT count(*), count(DISTINCT pgh_obj_id) FROM {table}event").fetchone()
        unanswered = "SELECT count(*) FROM chassis_idempotentanswer WHERE status IS NULL"
        assert connection.execute(unanswered).fetchone() == (0,)
    stored: dict[str, str] = dict(rows)
    assert len(stored) == len(rows)
    assert {name: stored.get(name) for name in acknowledged} == acknowledged
    assert set(stored) <= attempted
    assert events == (len(rows), len(rows))
