"""Telling the history triggers who writes: once a transaction, with prepared statements, or before every statement.

django-pghistory puts a SELECT set_config(...) in front of each statement, which then cannot be prepared. Both ways
run here in turn, on the same rows and triggers: one read and one write in a transaction. `python -m bench.history_context`
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)

ROUNDS = 9
WRITES = 400
CONTEXT = '{"actor": "development:dr-okafor", "organization": "st-elsewhere", "request_id": "0b3bd8a4"}'
READ = "SELECT version, status, accession FROM genomics_sample WHERE id = %s FOR UPDATE"
WRITE = "UPDATE genomics_sample SET version = version + 1, updated_at = now(), updated_by = %s WHERE id = %s"
SET = "SELECT set_config('pghistory.context_metadata', %s, true)"


def main() -> None:
    import django
    import psycopg

    django.setup()
    from tests.genomics import factories
    from tests.servers import Server, make_database

    url = make_database("careway_bench")
    server = Server(url, {"CAREWAY_WORKERS": "1"}).start()
    sample = factories.sample(server.api)["id"]
    server.stop()
    with (
        psycopg.connect(url, prepare_threshold=5) as ours,
        psycopg.connect(url, prepare_threshold=None, cursor_factory=psycopg.ClientCursor) as theirs,
    ):
        report(
            measure(
                {
                    "set_config once a transaction, prepared": lambda: once(ours, sample),
                    "set_config before each write, as shipped": lambda: each(theirs, sample),
                }
            )
        )


def measure(ways: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds a transaction, by way and round; the order changes each round."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name in list(ways) if number % 2 else list(reversed(ways)):
            started = time.perf_counter()
            for _ in range(WRITES):
                ways[name]()
            times[name].append((time.perf_counter() - started) / WRITES)
    return times


def report(times: dict[str, list[float]]) -> None:
    first, *others = times
    print(f"{WRITES} transactions a round, {ROUNDS} rounds\n\n| way | ratio (min–max) |\n|---|---|\n| {first} | 1.00 |")
    for name in others:
        ratios = [mine / base for mine, base in zip(times[name], times[first], strict=True)]
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")


def once(connection: Any, sample: str) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SET, [CONTEXT])
        cursor.execute(READ, [sample])
        cursor.execute(WRITE, ["development:dr-okafor", sample])


def each(connection: Any, sample: str) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(READ, [sample])
        cursor.execute(f"{SET}; {WRITE}", [CONTEXT, "development:dr-okafor", sample])


if __name__ == "__main__":
    main()
