"""Restarts under constant load, behind a proxy that never retries: with a drain nothing fails, without one something does."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from drill.conftest import Row
from drill.load import answered, failures, load
from drill.proxy import Proxy
from tests.servers import Server, make_database

RESTARTS = 20
# Longer than the proxy takes to learn of it, on a busy machine too.
DRAIN_SECONDS = 2
CLIENTS = 2  # for each service


@pytest.fixture(scope="module")
def database() -> str:
    return make_database("careway_rolling")


@contextmanager
def instances(database: str, drain: int) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        servers = [Server(database, {"CAREWAY_DRAIN_SECONDS": str(drain)}) for _ in range(2)]
        for server in servers:
            server.start()
            stack.callback(server.stop, signal.SIGKILL)
        yield servers


def restart(server: Server) -> float:
    """As Kubernetes does: SIGTERM to the master alone. Answers how long the end took."""
    assert server.process
    since = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=40) == 0
    took = time.monotonic() - since
    server.start()
    return took


def test_rolling_restarts_fail_no_request(database: str, row: Row) -> None:
    with instances(database, drain=DRAIN_SECONDS) as servers, Proxy([server.port for server in servers]) as proxy:
        proxy.wait_until_all_ready()
        with load(proxy.port, settings.SERVICES, CLIENTS, first=1) as clients:
            ends = []
            for number in range(RESTARTS):
                ends.append(restart(servers[number % 2]))
                proxy.wait_until_all_ready()
        counts, failed = answered(clients), failures(clients)
        words = ", ".join(f"{count} {method}" for method, count in counts.items())
        row(
            f"{RESTARTS} restarts, drain of {DRAIN_SECONDS} s",
            f"{words}; {len(failed)} failed; ends took {max(ends):.1f} s at most",
        )
        assert Counter(proxy.failures) + Counter(failed) == Counter()
        assert min(instance.answered for instance in proxy.instances) > 10 * RESTARTS
        assert min(counts.values()) > RESTARTS


def test_restarts_without_a_drain_do_fail_some(database: str, row: Row) -> None:
    """Otherwise the drill above would prove nothing."""
    with instances(database, drain=0) as servers, Proxy([server.port for server in servers]) as proxy:
        proxy.wait_until_all_ready()
        with load(proxy.port, settings.SERVICES, CLIENTS, first=100) as clients:
            for number in range(4):
                restart(servers[number % 2])
                proxy.wait_until_all_ready()
        failed = failures(clients)
        row(
            "4 restarts, no drain (for comparison)", f"{sum(answered(clients).values())} answered; {len(failed)} failed"
        )
        assert failed


def test_a_killed_worker_fails_at_most_the_connections_it_held(database: str, row: Row) -> None:
    with instances(database, drain=0) as (server, _), load(server.port, settings.SERVICES, 4, first=200) as clients:
        time.sleep(2)
        before = server.workers
        victim = max(before, key=lambda pid: len(held(pid, server.port)))
        connections = held(victim, server.port)
        os.kill(victim, signal.SIGKILL)
        since = time.monotonic()
        while len(server.workers - {victim}) < 2:
            assert time.monotonic() < since + 10, "it was not replaced"
            time.sleep(0.02)
        replaced = time.monotonic() - since
        time.sleep(2)
        failed = failures(clients)
        row(
            f"SIGKILL of a worker that held {len(connections)} of {len(clients)} connections",
            f"{len(failed)} requests failed; replaced after {replaced:.1f} s",
        )
        assert connections
        assert len(failed) <= len(connections)
        counts = answered(clients)
        time.sleep(1)
        assert failures(clients) == failed
        assert answered(clients).total() > counts.total() + 20


def held(pid: int, port: int) -> set[str]:
    """The established connections of a process on that port of its own, by inode."""
    table = Path(f"/proc/{pid}/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    lines = [line.split() for line in table]
    established = {line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "01"}
    mine = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with_inode = os.readlink(each) if each.is_symlink() else ""
        mine.add(with_inode.removeprefix("socket:[").removesuffix("]"))
    return established & mine
