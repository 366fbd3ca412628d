"""What each index and the foreign key of the variants' table cost: COPY of the same rows with and without it.

`python -m bench.indexes 200000`. Each round copies into every table in changing order, so that a noisy neighbour
disturbs all alike; the ratio is to the table with the primary key alone, in the same round.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import uuid
from typing import Any

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)

ROUNDS = 5
KEY = "ALTER TABLE {table} ADD PRIMARY KEY (analysis_id, id)"
FOREIGN_KEY = (
    "ALTER TABLE {table} ADD FOREIGN KEY (analysis_id) REFERENCES genomics_analysis DEFERRABLE INITIALLY DEFERRED"
)


def main(rows: int) -> None:
    import django

    django.setup()
    import psycopg

    from tests.servers import make_database

    with psycopg.connect(make_database("careway_bench"), autocommit=True) as connection:
        analysis = registered_analysis()
        named = "tablename = 'genomics_variant' AND indexname NOT LIKE '%pkey'"
        found = connection.execute(f"SELECT indexname, indexdef FROM pg_indexes WHERE {named}").fetchall()
        indexes: dict[str, str] = dict(found)
        tables = {"primary key alone": [KEY]}
        tables |= {
            name.removeprefix("genomics_variant_"): [KEY, _elsewhere(name, text)]
            for name, text in sorted(indexes.items())
        }
        tables["all of these"] = [KEY, *(_elsewhere(name, text) for name, text in indexes.items())]
        tables["a foreign key to the analysis (left out)"] = [KEY, FOREIGN_KEY]
        report(measure(connection, tables, analysis, rows), rows)


def registered_analysis() -> str:
    """An analysis for the foreign key to find; made through the server, as the table's rules ask."""
    from tests.genomics import factories
    from tests.servers import Server, database_url

    server = Server(database_url("careway_bench"), {"CAREWAY_WORKERS": "1"}).start()
    try:
        return str(factories.analysis(server.api)["id"])
    finally:
        server.stop()


def measure(
    connection: Any, tables: dict[str, list[str]], analysis: str, rows: int
) -> dict[str, tuple[list[float], int]]:
    """Seconds of each round, and bytes of indexes, by table."""
    from bench.generate_vcf import vcf
    from genomics import bulk
    from genomics.vcf import Reader

    alleles = list(Reader(vcf(rows), build="GRCh38"))
    results: dict[str, tuple[list[float], int]] = {name: ([], 0) for name in tables}
    for number in range(ROUNDS):
        names = list(tables) if number % 2 else list(reversed(tables))
        for name in names:
            connection.execute("DROP TABLE IF EXISTS trial")
            connection.execute("CREATE TABLE trial (LIKE genomics_variant INCLUDING CONSTRAINTS)")
            for statement in tables[name]:
                connection.execute(statement.format(table="trial"))
            started = time.perf_counter()
            with connection.cursor() as cursor:
                bulk.copy(cursor, "trial", uuid.UUID(analysis), alleles)
            seconds = time.perf_counter() - started
            size = connection.execute("SELECT pg_indexes_size('trial')").fetchone()[0]
            results[name] = ([*results[name][0], seconds], size)
    return results


def report(results: dict[str, tuple[list[float], int]], rows: int) -> None:
    base, base_size = results["primary key alone"]
    print(f"{rows:,} rows, {ROUNDS} rounds, {os.cpu_count()} cores\n")
    print("| with the primary key and | time of COPY, ratio (min–max) | bytes a row in indexes |\n|---|---|---|")
    for name, (seconds, size) in results.items():
        ratios = [mine / theirs for mine, theirs in zip(seconds, base, strict=True)]
        own = size if name in {"primary key alone", "all of these"} else size - base_size
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) | {own / rows:.1f} |")


def _elsewhere(name: str, text: str) -> str:
    """The definition of an index, for the trial table and under a name of its own."""
    return text.replace(f"INDEX {name} ON public.genomics_variant", "INDEX ON {table}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
