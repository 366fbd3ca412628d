"""A minute of load beside each kind of useless collector: all is served, memory stays, SIGTERM ends the process."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from drill.conftest import Row
from tests.broken_collector import KINDS
from tests.postgres import Postgres
from tests.servers import Server, migrate
from tests.worlds import world_of

MINUTE = 60.0
MIB = 1_048_576
# Of both workers together, in the second half: by then every queue is full.
MOST_GROWTH = 8 * MIB
# All three signals; queues a sixteenth of the usual ones, full after seconds as those are after minutes.
TELEMETRY = {
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    **{f"OTEL_{kind}_MAX_QUEUE_SIZE": "128" for kind in ("BSP", "BLRP")},
    **{f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE": "32" for kind in ("BSP", "BLRP")},
}
# Two workers, three signals, two levels; in each of the minutes that a run takes.
MOST_LINES = 2 * 3 * 2 * 3


@dataclass
class Run:
    """A server, what was asked of it, and what it took."""

    kind: str
    server: Server
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    ending: float = 0.0
    pause: float = 0.02

    def load(self, over: threading.Event) -> None:
        """Reads one after the other, and each tenth time a write."""
        for number in itertools.count():
            if over.is_set():
                return
            collection, body = world_of(self.server.service).plain(abs(hash(self.kind)) % 10**6 * 10**4 + number)
            started = time.perf_counter()
            answer = self.server.api.get(collection) if number % 10 else self.server.api.post(collection, body)
            self.seconds.append(time.perf_counter() - started)
            self.statuses[answer.status] += 1
            time.sleep(self.pause)

    def measure(self) -> None:
        assert self.server.process
        workers = psutil.Process(self.server.process.pid).children()
        self.memory.append(sum(worker.memory_info().rss for worker in workers))

    def end(self) -> None:
        """From SIGTERM to the master's exit, which is to be 0."""
        assert self.server.process
        started = time.monotonic()
        os.kill(self.server.process.pid, signal.SIGTERM)
        assert self.server.process.wait(timeout=60) == 0
        self.ending = time.monotonic() - started

    def lines(self) -> list[str]:
        """What the exporters said; every line is JSON."""
        assert self.server.output
        found = [line for name in ("stdout", "stderr") for line in (self.server.output / name).read_text().splitlines()]
        return [line for line in found if json.loads(line)["logger"].startswith("opentelemetry.")]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[Run]]:
    with Postgres() as postgres, ExitStack() as stack:
        url = postgres.create_database("careway")
        migrate(url)
        found = []
        for number, kind in enumerate(("none", *KINDS)):
            output = tmp_path / str(number)
            output.mkdir()
            environment = {"CAREWAY_LOG_LEVEL": "INFO", "CAREWAY_DRAIN_SECONDS": "0"}
            if kind in KINDS:
                environment |= {**TELEMETRY, "OTEL_EXPORTER_OTLP_ENDPOINT": stack.enter_context(KINDS[kind]())}
            server = Server(url, environment, output=output).start()
            stack.callback(server.stop, signal.SIGKILL)
            found.append(Run(kind, server))
        yield found


def loaded(runs: list[Run]) -> None:
    """A minute of load on all; memory at its half and at its end."""
    over = threading.Event()
    threads = [threading.Thread(target=run.load, args=(over,)) for run in runs]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(MINUTE / 2)
        for run in runs:
            run.measure()
    over.set()
    for thread in threads:
        thread.join()


def test_a_useless_collector_costs_nothing(runs: list[Run], row: Row) -> None:
    loaded(runs)
    for run in reversed(runs):  # one that is busy with its collector makes the others slow to end
        run.end()
    for run in runs:
        lines = run.lines()
        half, whole = run.memory
        row(
            f"collector: {run.kind}",
            f"{run.statuses.total()} requests, {run.statuses[200] + run.statuses[201]} served,"
            f" median {statistics.median(run.seconds) * 1000:.0f} ms; both workers {half / MIB:.0f} MiB after half a"
            f" minute, {(whole - half) / MIB:+.1f} after one; {len(lines)} lines of exporters;"
            f" ended {run.ending:.1f} s after SIGTERM",
        )
    for run in runs:
        assert set(run.statuses) == {200, 201}, run.kind
        assert run.statuses.total() > 100, run.kind
        half, whole = run.memory
        assert whole - half < MOST_GROWTH, run.kind
        assert run.ending < 5, run.kind
        check_lines(run)


def check_lines(run: Run) -> None:
    """Few, and with nothing of what they could not send."""
    lines = run.lines()
    assert len(lines) <= MOST_LINES, run.kind
    assert bool(lines) == (run.kind not in {"none", "healthy"}), run.kind
    collection, body = world_of(run.server.service).plain(0)
    for secret in (collection, *body, "SELECT", "Bearer"):
        assert not any(secret in line for line in lines), run.kind


def test_what_cannot_be_sent_is_dropped_and_not_kept(row: Row) -> None:
    """A minute at full speed before a black hole; beside it the control, whose queue has no end in this time."""
    growth = {}
    with Postgres() as postgres, ExitStack() as stack:
        url = postgres.create_database("careway")
        migrate(url)
        variables = {"CAREWAY_WORKERS": "1", "CAREWAY_LOG_LEVEL": "WARNING", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}
        queues = {"as it is": {}, "control: a queue without end": {"OTEL_BSP_MAX_QUEUE_SIZE": "1000000"}}
        runs = []
        for kind, queue in queues.items():
            endpoint = stack.enter_context(KINDS["black-holed"]())
            server = Server(url, {**variables, **queue, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}).start()
            stack.callback(server.stop, signal.SIGKILL)
            runs.append(Run(kind, server, pause=0))
        loaded(runs)
        for run in runs:
            half, whole = run.memory
            growth[run.kind] = whole - half
            row(
                f"black-holed collector, full speed, {run.kind}",
                f"{run.statuses.total()} requests; {half / MIB:.0f} MiB after half a minute, {growth[run.kind] / MIB:+.1f}"
                " after one",
            )
    assert growth["as it is"] < MOST_GROWTH < growth["control: a queue without end"]
