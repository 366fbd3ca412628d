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

SECONDS = 60
MIB = 1_048_576
# From the lowest of the first half, without its start, to the lowest of the second: by then every queue is full.
MOST_GROWTH = 8 * MIB
STARTING = 10
# Each attempt makes a TLS context of its own, a MiB that only a collection of garbage frees: memory goes up and down by
# tens of MiB, within a minute at full speed, and more slowly otherwise. Kept, it would be hundreds in this time.
SAWTOOTH = "of untrusted certificate"
MOST_SAWTOOTH_GROWTH = 32 * MIB
LONG_SECONDS = 150
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

    @property
    def lows(self) -> tuple[int, int]:
        """The least memory of all workers in each half of the time."""
        half = len(self.memory) // 2
        return min(self.memory[STARTING:half]), min(self.memory[half:])

    @property
    def growth(self) -> int:
        first, second = self.lows
        return second - first

    @property
    def words(self) -> str:
        return f"{self.lows[0] / MIB:.0f} MiB in the first half, {self.growth / MIB:+.1f} in the second"

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


def loaded(runs: list[Run], seconds: int = SECONDS) -> None:
    """Load on all, and their memory in each second of it."""
    over = threading.Event()
    threads = [threading.Thread(target=run.load, args=(over,)) for run in runs]
    for thread in threads:
        thread.start()
    for _ in range(seconds):
        time.sleep(1)
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
        row(
            f"collector: {run.kind}",
            f"{run.statuses.total()} requests, {run.statuses[200] + run.statuses[201]} served,"
            f" median {statistics.median(run.seconds) * 1000:.0f} ms; both workers {run.words};"
            f" {len(lines)} lines of exporters; ended {run.ending:.1f} s after SIGTERM",
        )
    for run in runs:
        assert set(run.statuses) == {200, 201}, run.kind
        assert run.statuses.total() > 100, run.kind
        assert run.growth < MOST_GROWTH or run.kind == SAWTOOTH, run.kind
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
    """Minutes at full speed, one worker each; beside them the control, whose queue has no end in this time."""
    settings = {"CAREWAY_WORKERS": "1", "CAREWAY_LOG_LEVEL": "ERROR", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}
    endless = "black-holed, a queue without end"
    with Postgres() as postgres, ExitStack() as stack:
        url = postgres.create_database("careway")
        migrate(url)
        runs = []
        for kind in ("black-holed", SAWTOOTH, endless):
            endpoint = stack.enter_context(KINDS[kind.partition(",")[0]]())
            variables = {**settings, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
            variables |= {"OTEL_BSP_MAX_QUEUE_SIZE": "1000000"} if kind == endless else {}
            server = Server(url, variables).start()
            stack.callback(server.stop, signal.SIGKILL)
            runs.append(Run(kind, server, pause=0))
        loaded(runs, LONG_SECONDS)
    for run in runs:
        last = f"{run.memory[-1] / MIB:.0f} at its end"
        row(f"at full speed: {run.kind}", f"{run.statuses.total()} requests; {run.words}, {last}")
    dropping, sawtooth, control = runs
    assert dropping.growth < MOST_GROWTH
    assert sawtooth.growth < MOST_SAWTOOTH_GROWTH
    # It grows to the end, and its lowest of the second half is at the beginning of that.
    assert control.memory[-1] - control.lows[0] > 1.5 * MOST_GROWTH
