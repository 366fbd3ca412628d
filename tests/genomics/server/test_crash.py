"""SIGKILL in the middle of a file: it is there whole or not at all."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import URLError

import psycopg
import pytest

from tests.genomics import factories
from tests.servers import Server, make_database

BROKEN = (URLError, HTTPException, OSError)


@pytest.fixture(scope="module")
def database() -> str:
    return make_database("careway_crash_file")


@pytest.fixture
def server(database: str) -> Iterator[Server]:
    running = Server(database, service="genomics").start()
    yield running
    running.stop()


def test_a_killed_server_has_no_half_ingested_file(server: Server, database: str) -> None:
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
