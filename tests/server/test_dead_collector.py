"""A collector that accepts and never answers: requests are served, the log stays readable, SIGTERM ends the process."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broken_collector import KINDS
from tests.servers import Server, make_database
from tests.worlds import world_of

# Small queues, so that they are full after a few requests, as the usual ones are after a few minutes; and a time-out
# that alone would keep the process: what ends it is ours.
PENDING = {
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_BLRP_SCHEDULE_DELAY": "100",
    **{f"OTEL_{kind}_MAX_QUEUE_SIZE": "64" for kind in ("BSP", "BLRP")},
    **{f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE": "16" for kind in ("BSP", "BLRP")},
    "CAREWAY_LOG_LEVEL": "INFO",
    "CAREWAY_DRAIN_SECONDS": "0",
}
READS = 200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with KINDS["black-holed"]() as url:
        environment = {**PENDING, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        running = Server(make_database("careway_dead_collector"), environment, output=tmp_path).start()
        yield running
        running.stop(signal.SIGKILL)


def test_every_request_is_served_and_sigterm_ends_the_process(server: Server) -> None:
    collection, _ = world_of(server.service).plain(0)
    assert [server.api.get(collection).status for _ in range(READS)] == [200] * READS
    assert server.process
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(timeout=40) == 0
    lines = [json.loads(line) for name in ("stdout", "stderr") for line in read(server, name)]
    exporters = [line for line in lines if line["logger"].startswith("opentelemetry.")]
    assert len(exporters) <= 12, "of two workers, three signals and two levels one each in the first minute"
    assert any(line["logger"] == "chassis.flush" for line in lines), "the collector took nothing, so something was lost"


def read(server: Server, name: str) -> list[str]:
    assert server.output
    return (server.output / name).read_text().splitlines()
