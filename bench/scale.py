"""What grows with the table: a region, a page and an ingestion at 1, 10 and 50 million variants: `python -m bench.scale`.

`--quick` goes from 100,000 to 5 million. Latencies are those of one client at a quiet server; beside them stand the
blocks of the table and its indexes that a request touches, which no noise reaches: they grow with the depth of a tree.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any

import psycopg

import bench.own_database  # noqa: F401
from bench import results
from bench.database import ANALYSES, OPTIONS, ORGANIZATION, SAMPLES, VARIANTS, VARIANTS_EACH
from bench.environment import end_on_signals
from bench.processes import cpu_seconds, family, postmaster_of
from bench.rows import postgres_seconds

SECTION = "scale"


@dataclass(frozen=True)
class Size:
    """Variants at each step, requests at each, records of the files that are ingested."""

    steps: tuple[int, ...]
    requests: int
    records: int


FULL = Size((1_000_000, 10_000_000, 50_000_000), 2_000, 1_000_000)
QUICK = Size((100_000, 1_000_000, 5_000_000), 300, 100_000)
CHECK = Size((10_000, 20_000), 20, 1_000)


class Grown:
    """A table that grows, and a server that reads it."""

    def __init__(self, url: str, server: Any, most: int) -> None:
        self.url, self.server, self.postmaster = url, server, postmaster_of(url)
        self._analyses: list[str] = []
        self._run(SAMPLES, {"organization": ORGANIZATION, "rows": most // VARIANTS_EACH})

    def to(self, variants: int) -> None:
        there = len(self._analyses)
        step = {"rows": variants // VARIANTS_EACH - there, "each": VARIANTS_EACH, "there": there}
        made = self._run(f"{ANALYSES} OFFSET %(there)s RETURNING id", step)
        new = [str(row[0]) for row in made]
        self._run(f"{VARIANTS} WHERE a.id = ANY(%(new)s)", {"each": VARIANTS_EACH, "new": new})
        self._analyses += new
        for statement in ("VACUUM (ANALYZE, FREEZE)", "CHECKPOINT"):
            self._run(statement, {})

    def _run(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            # Without history, which is not what is read here.
            connection.execute("SET session_replication_role = replica")
            found = connection.execute(statement.encode(), values or None)
            return found.fetchall() if found.description else []

    def paths(self, work: str, count: int) -> list[str]:
        """Of analyses all over the table; the same places at each step."""
        chosen = random.Random(1)
        found = []
        for _ in range(count):
            variants = f"/genomics/v1/analyses/{chosen.choice(self._analyses)}/variants"
            start = 10_000 + chosen.randrange(300) * 1000
            place = f"region={chosen.randrange(1, 23)}:{start}-{start + 99_000}&limit=100"
            found.append(f"{variants}?{place if work == 'region-100' else 'limit=50'}")
        return found

    def asked(self, work: str, count: int) -> dict[str, float]:
        """What a request takes: milliseconds, processor time of the workers and of PostgreSQL, blocks that it touches."""
        from tests.api import token

        headers = {"Authorization": f"Bearer {token(organization=ORGANIZATION)}"}
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        paths = self.paths(work, count)
        for path in paths[:20]:  # statements are prepared, and plans cached, from the fifth on
            self._get(connection, path, headers)
        blocks, workers, postgres = self._blocks(), self._workers(), postgres_seconds(self.postmaster)
        taken = [self._get(connection, path, headers) for path in paths]
        workers, postgres = self._workers() - workers, postgres_seconds(self.postmaster) - postgres
        connection.close()
        return {
            "p50_ms": round(median(taken), 2),
            "p95_ms": round(quantiles(taken, n=20)[-1], 2),
            "app_ms": round(workers / count * 1000, 2),
            "postgres_ms": round(postgres / count * 1000, 2),
            "blocks": round((self._blocks() - blocks) / count, 1),
        }

    def _workers(self) -> float:
        return cpu_seconds(family(self.server.process.pid))

    @staticmethod
    def _get(connection: HTTPConnection, path: str, headers: dict[str, str]) -> float:
        started = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - started) * 1000
        if answer.status != 200 or b'"results":[{' not in body.replace(b" ", b""):
            raise SystemExit(f"bench: {path} was answered with {answer.status}: {body[:300].decode()}")
        return taken

    def _blocks(self) -> int:
        """Of variants and their indexes, so far. A connection tells at most once a second, and when it works again."""
        time.sleep(1.2)
        self.server.api.get("/readyz")
        time.sleep(0.1)
        counters = "heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read"
        (found,) = self._run(f"SELECT {counters} FROM pg_statio_user_tables WHERE relname = 'genomics_variant'", {})
        return int(found[0])


def reads(grown: Grown, size: Size) -> Iterator[dict[str, Any]]:
    """Ratios are to the smallest table: 1 is no growth, and with log n it falls by little."""
    smallest: dict[str, float] = {}
    for variants in size.steps:
        grown.to(variants)
        for work in ("region-100", "list-50"):
            taken = grown.asked(work, size.requests)
            base = smallest.setdefault(work, taken["p50_ms"])
            ratio = round(base / taken["p50_ms"], 3)
            named = {"work": f"{work}-of-{variants}", "stack": "careway", "ratio_to_floor": ratio}
            yield {**named, "variants": variants, **taken}


def ingested(server: Any, records: int, at_once: int = 1) -> float:
    """Rows per second of so many files, put at the same moment."""
    from bench.generate_vcf import vcf
    from bench.upload import put

    files = [list(vcf(records, seed=number)) for number in range(at_once)]
    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(partial(put, server), files))
    return records * at_once / (time.perf_counter() - started)


def measured(url: str, server: Any, size: Size) -> list[dict[str, Any]]:
    """The rows of the results; `server` reads and writes the database at `url`, which is empty."""
    ingested(server, 1_000)  # a worker's first request also imports
    rates = {"ingest-into-empty": ingested(server, size.records)}
    found = list(reads(Grown(url, server, size.steps[-1]), size))
    rates[f"ingest-into-{size.steps[-1]}"] = ingested(server, size.records)
    rates["ingest-two-at-once"] = ingested(server, size.records, at_once=2)
    first = rates["ingest-into-empty"]
    for work, rate in rates.items():
        found.append({
            "work": work,
            "stack": "careway",
            "ratio_to_floor": round(rate / first, 3),
            "records": size.records,
            "rows_per_second": round(rate),
        })  # fmt: skip
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.partition("\n")[0])
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--quick", action="store_true", help="5 million variants at most")
    kinds.add_argument("--check", action="store_true", help="20,000, which shows that it works")
    asked = parser.parse_args(arguments)
    end_on_signals()
    import django

    django.setup()
    from tests.postgres import Postgres
    from tests.servers import Server, migrate

    with Postgres(options=OPTIONS) as postgres:
        url = postgres.create_database("careway")
        migrate(url)
        server = Server(url, {"CAREWAY_WORKERS": "2"}, "genomics").start()
        try:
            found = measured(url, server, CHECK if asked.check else QUICK if asked.quick else FULL)
        finally:
            server.stop()
    if asked.check:
        sys.stdout.write(results.table(SECTION, found) + "\n")
    else:
        results.add(SECTION, found, quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
