"""A file is ingested onto a disk that is full: nothing of it stays, and it may be sent again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.genomics import factories
from tests.postgres import Postgres
from tests.servers import Server, migrate

TABLE = "genomics_variant"
FILL = "INSERT INTO filling SELECT repeat('x', 900) FROM generate_series(1, 1000)"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def small(postgres: Postgres) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = postgres.folder / "small"
    place.mkdir()
    owner = (postgres.folder / "data").stat().st_uid
    options = f"size=8m,uid={owner},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("to mount a small file system takes a superuser")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Server]:
    url = postgres.create_database("careway")
    migrate(url)
    running = Server(url, service="genomics").start()
    yield running
    running.stop(signal.SIGKILL)


def test_an_ingestion_onto_a_full_disk_is_answered_503_and_leaves_nothing(
    server: Server, postgres: Postgres, small: Path
) -> None:
    analysis = factories.analysis(server.api)
    path = f"analyses/{analysis['id']}"
    lines = "".join(f"chr7\t{position}\t.\tA\tC\t50\tPASS\t.\tGT\t0/1\n" for position in range(1, 20_001))
    vcf = (factories.HEADER + lines).encode()
    postgres.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
    postgres.execute(f"ALTER TABLE {TABLE} SET TABLESPACE small", "careway")
    postgres.execute("CREATE TABLE filling (line text) TABLESPACE small", "careway")
    with suppress(psycopg.errors.DiskFull):
        while True:
            postgres.execute(FILL, "careway")

    refused = server.api.call("PUT", f"{path}/vcf", vcf, content_type="text/vcf")
    assert (refused.status, refused.json["code"], refused.header("Retry-After")) == (503, "unavailable", "2")
    assert postgres.execute(f"SELECT count(*) FROM {TABLE}", "careway") == [(0,)]
    assert server.api.get(path).json["status"] == "registered"
    assert server.api.get("/readyz").status == 200

    postgres.execute("DROP TABLE filling", "careway")
    assert server.api.call("PUT", f"{path}/vcf", vcf, content_type="text/vcf").status == 201
