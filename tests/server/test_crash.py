"""SIGKILL in the middle: what was answered 201 is there, once; what was not is there whole or not at all."""

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

from tests.genomics import factories
from tests.servers import Server, make_database

WRITERS = 8
KILLS = 5
BROKEN = (URLError, HTTPException, OSError)


@dataclass
class Writer:
    """Posts samples one after the other, each with a key, and repeats what was not answered."""

    server: Server
    name: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def run(self, until: threading.Event) -> None:
        number = 0
        while not until.is_set():
            accession = f"CRASH-{self.name}-{number:05}"
            body = {"accession": accession, "patient_id": factories.PATIENT, "kind": "dna", "origin": "unknown"}
            self.attempted.add(accession)
            try:
                answer = self.server.api.post("samples", body, Idempotency_Key=accession)
            except BROKEN:
                time.sleep(0.05)
                continue
            if answer.status == 201:
                self.acknowledged[accession] = answer.json["id"]
                number += 1
            elif answer.status != 503:
                self.faults.append(f"{accession}: {answer.status} {answer.content[:200]!r}")
                number += 1


@pytest.fixture(scope="class")
def database() -> str:
    return make_database("careway_crash")


@pytest.fixture
def server(database: str) -> Iterator[Server]:
    running = Server(database).start()
    yield running
    running.stop()


class TestAKilledServer:
    def test_it_has_every_acknowledged_write_once(self, server: Server, database: str) -> None:
        over = threading.Event()
        writers = [Writer(server, name) for name in range(WRITERS)]
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

        assert [fault for writer in writers for fault in writer.faults] == []
        acknowledged = {name: row for writer in writers for name, row in writer.acknowledged.items()}
        attempted = {name for writer in writers for name in writer.attempted}
        assert len(acknowledged) > KILLS * WRITERS
        with psycopg.connect(database) as connection:
            rows = connection.execute(
                "SELECT accession, id::text FROM genomics_sample WHERE accession LIKE 'CRASH-%'"
            ).fetchall()
            events = connection.execute(
                "SELECT count(*), count(DISTINCT pgh_obj_id) FROM genomics_sampleevent WHERE accession LIKE 'CRASH-%'"
            ).fetchone()
            answers = connection.execute(
                "SELECT count(*) FROM chassis_idempotentanswer WHERE status IS NULL"
            ).fetchone()
        stored: dict[str, str] = dict(rows)
        assert len(stored) == len(rows)
        assert {name: stored.get(name) for name in acknowledged} == acknowledged
        assert set(stored) <= attempted
        assert events == (len(rows), len(rows))
        assert answers == (0,)

    def test_it_has_no_half_ingested_file(self, server: Server, database: str) -> None:
        analysis = factories.analysis(server.api)
        line = factories.PIK3CA
        rows = "".join(line.replace("179218303", str(1_000_000 + number)) for number in range(150_000))
        vcf = (factories.HEADER + rows).encode()

        def put() -> None:
            with pytest.raises(BROKEN):
                server.api.call("PUT", f"analyses/{analysis['id']}/vcf", vcf, content_type="text/vcf")

        upload = threading.Thread(target=put)
        upload.start()
        time.sleep(1.0)
        server.stop(signal.SIGKILL)
        upload.join()
        server.start()
        until = time.monotonic() + 20
        with psycopg.connect(database, autocommit=True) as connection:
            # PostgreSQL notices the dead client when it next reads from it; until then it holds the lock.
            while connection.execute(
                "SELECT count(*) FROM pg_locks WHERE relation = 'genomics_variant'::regclass"
            ).fetchone() != (0,):
                assert time.monotonic() < until
                time.sleep(0.1)
            found = connection.execute(
                "SELECT count(*) FROM genomics_variant WHERE analysis_id = %s", [analysis["id"]]
            ).fetchone()
        assert found == (0,)
        assert server.api.get(f"analyses/{analysis['id']}").json["status"] == "registered"
        answer = server.api.call("PUT", f"analyses/{analysis['id']}/vcf", vcf, content_type="text/vcf")
        assert (answer.status, answer.json["stored"]) == (201, 150_000)
