"""The cost of a read with telemetry off, on, and beside each kind of useless collector: `python -m bench.collectors`.

All servers run at once, and the same record is read from each in turn, so that what disturbs one round disturbs all
alike. A ratio is to the server without telemetry, in the same round. Traces and metrics are sent, as by default; logs
stand on stdout in every case.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)

if TYPE_CHECKING:
    from tests.servers import Server

ROUNDS = 21
READS = 40
# Before the first round: a batch of spans is tried every 5 seconds, and then the useless collectors are at work.
WARM_UP_SECONDS = 12
FIRST = "telemetry off"


class Reader:
    """One kept-alive connection that asks for one record again and again."""

    def __init__(self, server: Server, path: str) -> None:
        from tests.api import token

        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._path, self._headers = path, {"Authorization": f"Bearer {token()}"}

    def seconds(self) -> float:
        """Of the median read out of some."""
        return statistics.median(self._once() for _ in range(READS))

    def _once(self) -> float:
        started = time.perf_counter()
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        return time.perf_counter() - started


def main() -> None:
    import django

    django.setup()
    from tests.broken_collector import KINDS
    from tests.servers import Server, make_database
    from tests.worlds import world_of

    url = make_database("careway_bench")
    with ExitStack() as stack:
        output = Path(stack.enter_context(TemporaryDirectory()))
        readers: dict[str, Reader] = {}
        path = ""
        for number, kind in enumerate((None, *KINDS)):
            environment = {"CAREWAY_WORKERS": "1", "CAREWAY_LOG_LEVEL": "INFO", "CAREWAY_DRAIN_SECONDS": "0"}
            if kind:
                environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = stack.enter_context(KINDS[kind]())
            (output / str(number)).mkdir()
            server = Server(url, environment, output=output / str(number)).start()
            stack.callback(server.stop)
            if not path:
                collection, body = world_of(server.service).plain(0)
                record = server.api.post(collection, body).json
                path = server.api.url_of(f"{collection}/{record['id']}")
            readers[f"collector {kind}" if kind else FIRST] = Reader(server, path)
        report(measure(readers))


def measure(readers: dict[str, Reader]) -> dict[str, list[float]]:
    """Seconds of a read, by server and round; the order turns with each round."""
    until = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < until:
        for reader in readers.values():
            reader.seconds()
    times: dict[str, list[float]] = {name: [] for name in readers}
    names = list(readers)
    for number in range(ROUNDS):
        at = number % len(names)
        for name in names[at:] + names[:at]:
            times[name].append(readers[name].seconds())
    return times


def report(times: dict[str, list[float]]) -> None:
    base = times[FIRST]
    print(f"{READS} reads a round, {ROUNDS} rounds; telemetry off: {statistics.median(base) * 1000:.2f} ms a read\n")
    print("| server | time of a read, ratio (min–max) |\n|---|---|")
    for name, seconds in times.items():
        ratios = [mine / theirs for mine, theirs in zip(seconds, base, strict=True)]
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")


if __name__ == "__main__":
    main()
