"""An ingestion that runs when SIGTERM comes: it finishes within the grace time, and leaves nothing behind beyond it."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.api import token
from tests.collector import Collector
from tests.genomics import factories
from tests.servers import Server

LINES = factories.VCF.splitlines(keepends=True)


@pytest.fixture
def own() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def server(server_database: str, tmp_path: Path, own: Collector, request: pytest.FixtureRequest) -> Iterator[Server]:
    variables = {"CAREWAY_GRACEFUL_SECONDS": str(request.param), "CAREWAY_LOG_LEVEL": "INFO"}
    running = Server(server_database, {**own.environment, **variables}, "genomics", output=tmp_path).start()
    yield running
    with suppress(ProcessLookupError):
        running.stop(signal.SIGKILL)


def upload(server: Server, analysis: str) -> socket.socket:
    """A file whose last line has not come yet."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = (
        f"PUT /genomics/v1/analyses/{analysis}/vcf HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
        f"Content-Length: {len(factories.VCF)}\r\n\r\n"
    )
    connection.sendall(head.encode() + b"".join(LINES[:-1]))
    time.sleep(0.5)
    return connection


def terminate(server: Server) -> None:
    assert server.process
    server.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("server", [10], indirect=True)
def test_it_finishes_within_the_grace_time(server: Server, own: Collector) -> None:
    analysis = factories.analysis(server.api)["id"]
    with upload(server, analysis) as connection:
        terminate(server)
        time.sleep(1.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=1)
        connection.sendall(LINES[-1])
        head, _, body = b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 ")
    assert b"Connection: close" in head
    assert json.loads(body)["stored"] == 2
    assert server.process
    assert server.process.wait(timeout=10) == 0
    counted = own.counted_at_last("careway.ingestions", "outcome")
    assert {outcome: number for outcome, number in counted.items() if number} == {"stored": 1}


@pytest.mark.parametrize("server", [2], indirect=True)
def test_beyond_it_it_is_cut_off_and_leaves_nothing(server: Server, own: Collector, tmp_path: Path) -> None:
    analysis = factories.analysis(server.api)["id"]
    with upload(server, analysis) as connection:
        terminate(server)
        since = time.monotonic()
        assert server.process
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - since >= 2
        connection.settimeout(5)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_text(encoding="utf-8").splitlines()]
    (cut,) = [line for line in lines if line["message"] == "connections were cut off"]
    assert cut["connections"] == 1
    counted = own.counted_at_last("careway.ingestions", "outcome")
    assert {outcome: number for outcome, number in counted.items() if number} == {"failed": 1}
    server.start()
    assert server.api.get(f"analyses/{analysis}").json["status"] == "registered"
    answer = server.api.call("PUT", f"analyses/{analysis}/vcf", factories.VCF, content_type="text/vcf")
    assert answer.status == 201
