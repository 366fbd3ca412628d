"""What is seen while something changes: how few pods were ready, and whether every request was answered."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from .kubectl import PROGRAM, eventually
from .releases import servers
from .world import NAMESPACES, World

# A line for each change of a pod: its name, since when it ends, and whether it is ready.
COLUMNS = 'NAME:.metadata.name,ENDS:.metadata.deletionTimestamp,READY:.status.conditions[?(@.type=="Ready")].status'
# What the load of each service makes.
TABLES = {"genomics": "genomics_sample", "clinical": "clinical_patient"}
# Every other request is a write.
WRITES = 510


class Readiness:
    """How many pods of a service are ready: now, and when they were fewest."""

    def __init__(self) -> None:
        self.pods: dict[str, bool] = {}
        self.least = 1_000
        self.most = 0

    @property
    def now(self) -> int:
        return sum(self.pods.values())

    def learn(self, line: str) -> None:
        name, ends, ready = line.split()
        self.pods[name] = ends == "<none>" and ready == "True"


@contextmanager
def watched(service: str) -> Iterator[Readiness]:
    """Follows the pods for as long as the block lasts; polling would miss a moment."""
    labels = f"app.kubernetes.io/instance={service},app.kubernetes.io/component=server"
    where = ["--namespace", NAMESPACES[service], "get", "pods", "--selector", labels]
    shown = ["--watch", "--no-headers", "--output", f"custom-columns={COLUMNS}"]
    seen = Readiness()

    def follow(lines: Iterable[str], started: threading.Event) -> None:
        for line in lines:
            seen.learn(line)
            seen.most = max(seen.most, seen.now)
            if started.is_set():
                seen.least = min(seen.least, seen.now)

    with subprocess.Popen([PROGRAM, *where, *shown], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        started = threading.Event()
        thread = threading.Thread(target=follow, args=(running.stdout, started), daemon=True)
        thread.start()
        try:
            eventually(lambda: seen.now >= len(servers(service)), 60, f"the pods of {service} are ready")
            started.set()
            seen.least = min(seen.least, seen.now)
            yield seen
        finally:
            running.terminate()
            thread.join(10)


def written(world: World, service: str) -> int:
    ((count,),) = world.database.rows(service, f"SELECT count(*) FROM {TABLES[service]}")
    assert isinstance(count, int)
    return count


def _has_written(world: World, service: str, enough: int) -> bool:
    return written(world, service) >= enough


@contextmanager
def under_load(world: World, told: list[str], services: Sequence[str] = tuple(NAMESPACES)) -> Iterator[None]:
    """Reads and writes from before the block begins to after it has ended, a thousand of each service at the least.

    Adds to `told` what they came to. Raises AssertionError when one failed.
    """
    before = {service: written(world, service) for service in services}

    def until(more: int, seconds: float) -> None:
        for service in services:
            enough = partial(_has_written, world, service, before[service] + more)
            eventually(enough, seconds, f"{more} writes to {service}")

    with ExitStack() as stack:
        loads = {
            service: stack.enter_context(world.load(*world.reads_and_writes(service), clients=3))
            for service in services
        }
        until(1, 60)
        yield
        until(WRITES, 180)
    told += [f"{service}: {load.must_be_whole()}" for service, load in loads.items()]
