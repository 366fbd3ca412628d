"""Slow clients beside ordinary ones: 2 workers of 4 threads, with 0, 50 and 200 of them."""

from __future__ import annotations

import signal
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from django.conf import settings

from chassis import lobby, worker
from drill.conftest import Row
from drill.slow_sockets import Kind, SlowSockets
from tests.api import RemoteApi, token
from tests.servers import Server, make_database
from tests.worlds import world_of

SERVICE = settings.SERVICES[0]
CLIENTS = 4
THREADS = 4
SECONDS = 5.0
# What somebody at a screen would bear.
PATIENCE_SECONDS = 5.0
BODY_IDLE_SECONDS = 5
# The limits of the server, and what a busy machine adds.
LIMITS = {
    "nothing sent": lobby.SILENT_SECONDS,
    "half a header": lobby.HEADER_SECONDS,
    "half a body": BODY_IDLE_SECONDS,
    "half a body, no token": lobby.FAREWELL_SECONDS,
    # Most of the 24 wait for a thread first, and one worker may have nearly all of them.
    "answer not taken": 24 / THREADS * worker.STALLED_SECONDS,
}
SLACK_SECONDS = 15
COLLECTION, BODY = world_of(SERVICE).plain(1)


def post(authorization: str) -> bytes:
    head = f"POST /{SERVICE}/v1/{COLLECTION} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
    return f"{head}Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{{".encode()


def kinds() -> list[Kind]:
    bundle = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    authorization = f"Authorization: Bearer {token('mallory')}\r\n"
    return [
        Kind("nothing sent", b""),
        Kind("half a header", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"x"),
        Kind("half a body", post(authorization), b" "),
        Kind("half a body, no token", post(""), b" "),
        Kind("answer not taken", f"GET {bundle} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), reads=False),
    ]


@dataclass
class Ordinary:
    """Asks for a list, again and again, on a new connection each."""

    api: RemoteApi
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def run(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            since = time.monotonic()
            try:
                answered = self.api.get(f"{COLLECTION}?limit=5").status == 200
            except OSError:
                answered = False
            if answered:
                self.seconds.append(time.monotonic() - since)
            else:
                self.failed += 1


def served(server: Server, seconds: float) -> tuple[float, str]:
    """The share of ordinary requests that were answered in time, and words for it."""
    over = threading.Event()
    # Four people, since each has a share of a process's threads only.
    apis = [replace(server.api, subject=f"dr-{number}", timeout=PATIENCE_SECONDS) for number in range(CLIENTS)]
    clients = [Ordinary(api) for api in apis]
    threads = [threading.Thread(target=client.run, args=(over,)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()
    times = sorted(each for client in clients for each in client.seconds)
    whole = len(times) + sum(client.failed for client in clients)
    if len(times) < 2:
        return len(times) / whole, f"{len(times)} of {whole} answered"
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    share = len(times) / whole
    return share, f"{share:.1%} of {whole} answered, p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # As in production: one subject's slow bodies cannot hold all threads.
    variables = {"CAREWAY_THREADS": str(THREADS), "CAREWAY_REQUESTS_PER_SUBJECT": "3"}
    variables["CAREWAY_BODY_IDLE_SECONDS"] = str(BODY_IDLE_SECONDS)
    running = Server(make_database("careway_slow"), variables, service=SERVICE).start()
    yield running
    running.stop(signal.SIGKILL)


def test_without_slow_sockets_everybody_is_served(server: Server, row: Row) -> None:
    share, words = served(server, SECONDS)
    row("0 slow sockets", words)
    assert share == 1


# The least share of ordinary requests that is answered in time. Who takes no answer has a thread until it is cut off.
@pytest.mark.parametrize(
    ("number", "which", "least"),
    [
        (50, slice(0, 4), 1.0),
        (200, slice(0, 4), 1.0),
        (200, slice(1, 2), 1.0),
        (200, slice(2, 3), 1.0),
        (200, slice(3, 4), 1.0),
        (24, slice(4, 5), 0.0),
    ],
)
def test_others_are_served_and_capacity_returns(
    server: Server, row: Row, number: int, which: slice, least: float
) -> None:
    chosen = kinds()[which]
    before = server.workers
    with SlowSockets(server.port, chosen, number) as slow:
        time.sleep(2)
        share, words = served(server, SECONDS)
        ready = server.api.get("/readyz").status
    names = chosen[0].name if len(chosen) == 1 else "all kinds that send"
    all_closed = slow.wait_until_closed(max(LIMITS[kind.name] for kind in chosen) + SLACK_SECONDS)
    after, words_after = served(server, 2)
    held = max(slow.longest.values(), default=0)
    row(f"{number} slow sockets: {names}", f"{words}; /readyz {ready}; the longest was held {held:.0f} s")
    assert all_closed
    for name, seconds in slow.longest.items():
        assert seconds < LIMITS[name] + SLACK_SECONDS, name
    assert share >= least, words
    assert ready == 200
    assert after == 1, words_after
    assert server.workers == before, "a worker was restarted"
