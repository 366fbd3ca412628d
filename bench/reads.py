"""Reads and writes of all stacks side by side, in ratios to the floor: `python -m bench.reads`.

`--quick` takes a fiftieth of the data and a minute and a half. `--check` measures nothing that counts: it shows that all
stacks answer the same, and that no row of the results is missing. `--database` names a local PostgreSQL in place of
one of its own.

Windows of load take turns, in an order that changes with each round. What counts is processor time for a request, of the
stack and of PostgreSQL, as the operating system counts it: with one core for each, the slower of the two is the capacity.
A ratio is to the floor in the same round.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import bench.own_database  # noqa: F401
from bench import results
from bench.contenders import NAMES as STACKS
from bench.contenders import contenders
from bench.database import ORGANIZATION, database
from bench.environment import check_local, end_on_signals
from bench.load import Load, Window, check_generator, has_generator
from bench.processes import resident_mib
from bench.serving import Stack, half_of_the_cores, running
from bench.works import NAMES as WORKS
from bench.works import Work, check_refusals, check_same, works

SECTION = "reads"
# Well below what the slowest stack can do, so that the latency is not a queue's.
FIXED_RATE = 40.0


@dataclass(frozen=True)
class Size:
    """How much is asked. `pages` is the number of the last page of the list that is read.

    After so many `requests` the memory of a worker is read: it has met every kind of work by then. `calm_seconds` are
    those of a window at the fixed rate; 0 takes the latencies of the last one at full speed.
    """

    samples: int
    variants: int
    pages: int
    rounds: int
    seconds: float
    calm_seconds: float
    requests: int


FULL = Size(samples=1_000_000, variants=10_000_000, pages=10_000, rounds=5, seconds=3, calm_seconds=6, requests=10_000)
QUICK = Size(samples=20_000, variants=200_000, pages=400, rounds=3, seconds=0.3, calm_seconds=0.6, requests=1_000)
CHECK = Size(samples=2_000, variants=20_000, pages=40, rounds=1, seconds=0.2, calm_seconds=0, requests=0)


@dataclass
class Bench:
    """What runs, and what has been measured so far: the windows of each work and stack, in the order of the rounds."""

    size: Size
    stacks: Sequence[Stack]
    works: Sequence[Work]
    load: Load
    windows: dict[tuple[str, str], list[Window]]
    fixed: dict[tuple[str, str], Window]
    at_rest: dict[str, float]
    requests: Counter[str]

    def measure(self) -> None:
        for number in range(self.size.rounds):
            for work in self.works:
                for stack in self.stacks if number % 2 else reversed(self.stacks):
                    self.windows.setdefault((work.name, stack.name), []).append(self.window(stack, work))
        for work in self.works:
            for stack in self.stacks:
                windows = self.windows[work.name, stack.name]
                calm = self.size.calm_seconds
                self.fixed[work.name, stack.name] = (
                    self.window(stack, work, seconds=calm, rate=FIXED_RATE) if calm else windows[-1]
                )

    def window(self, stack: Stack, work: Work, *, seconds: float = 0, rate: float = 0) -> Window:
        found = self.load.window(stack, work, seconds or self.size.seconds, rate=rate)
        self.requests[stack.name] += found.requests
        return found

    def memory(self) -> Iterator[dict[str, object]]:
        """The worker of each stack, before the first request of the load and after thousands."""
        (get_one,) = (work for work in self.works if work.name == "get-one")
        for stack in self.stacks:
            while self.requests[stack.name] < self.size.requests:
                self.window(stack, get_one, seconds=1)
        after = {stack.name: resident_mib(stack.processes()) for stack in self.stacks}
        for name, size in after.items():
            yield {
                "work": "memory",
                "stack": name,
                "ratio_to_floor": round(after["floor"] / size, 3),
                "rest_mib": round(self.at_rest[name], 1),
                "loaded_mib": round(size, 1),
                "requests": self.requests[name],
            }

    def rows(self) -> Iterator[dict[str, object]]:
        for work in self.works:
            for stack in self.stacks:
                yield self._row(work.name, stack.name, self.windows[work.name, stack.name])
        yield from self.memory()

    def _row(self, work: str, stack: str, windows: list[Window]) -> dict[str, object]:
        ratios = ratios_of(windows, self.windows[work, "floor"])
        fixed = self.fixed[work, stack]
        row: dict[str, object] = {
            "work": work,
            "stack": stack,
            "ratio_to_floor": round(median(ratios), 3),
            "lowest": round(min(ratios), 3),
            "highest": round(max(ratios), 3),
            "app_ms": round(median(each.app for each in windows) * 1000, 3),
            "postgres_ms": round(median(each.postgres for each in windows) * 1000, 3),
            "requests_per_second": round(median(each.rate for each in windows)),
            "p50_ms": round(fixed.p50, 2),
            "p99_ms": round(fixed.p99, 2),
        }
        if work.startswith("page-"):
            first = self.windows["list-50", stack]
            row["cost_to_first_page"] = round(median(ratios_of(first, windows)), 3)
        return row


def ratios_of(mine: Sequence[Window], theirs: Sequence[Window]) -> list[float]:
    """Of the capacities, round by round."""
    return [each.capacity / other.capacity for each, other in zip(mine, theirs, strict=True)]


@contextmanager
def prepared(size: Size, given: str) -> Iterator[Bench]:
    """Data, stacks and load; everything is gone afterwards."""
    import django

    django.setup()
    from tests.api import token
    from tests.broken_collector import failing, serving

    ours, theirs = half_of_the_cores()
    with (
        database(size.samples, size.variants, given) as filled,
        serving(failing(b"200 OK")) as collector,
        TemporaryDirectory(prefix="careway-bench-") as folder,
    ):
        stacks = contenders(collector, token(organization=ORGANIZATION))
        with running(stacks, {"DATABASE_URL": filled.url, "BENCH_ORGANIZATION": ORGANIZATION}, ours):
            at_rest = {stack.name: resident_mib(stack.processes()) for stack in stacks}
            asked = works(stacks, filled.url, size.pages)
            load = Load(Path(folder), filled.postmaster, theirs)
            yield Bench(size, stacks, asked, load, {}, {}, at_rest, Counter())


def check_complete(rows: Sequence[results.Row]) -> None:
    """Raises SystemExit where a stack has no row for a work."""
    if missing := results.missing(rows, [*WORKS, "memory"], STACKS):
        (work, stack), *others = missing
        more = f", and {len(others)} rows more" if others else ""
        raise SystemExit(f"bench: the results lack {work} of {stack}{more}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__.partition("\n")[0])
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--quick", action="store_true", help="a fiftieth of the data")
    kinds.add_argument("--check", action="store_true", help="the answers and the results' rows alone")
    parser.add_argument("--database", default="", metavar="URL", help="a local PostgreSQL in place of its own")
    asked = parser.parse_args(arguments)
    end_on_signals()
    check_local(asked.database)
    if not asked.check:
        check_generator()
    with prepared(CHECK if asked.check else QUICK if asked.quick else FULL, asked.database) as bench:
        check_same(bench.works, bench.stacks)
        check_refusals(bench.stacks)
        sys.stdout.write(f"{len(bench.stacks)} stacks answer {len(bench.works)} works alike\n")
        if asked.check and not has_generator():
            sys.stdout.write("No wrk here: the load was not tried.\n")
            rows = None
        else:
            bench.measure()
            rows = list(bench.rows())
            check_complete(rows)
    if asked.check:
        committed = [row for row in results.read()["rows"] if row["section"] == SECTION]
        check_complete(committed)
        sys.stdout.write(f"bench/results.json has all of its {len(committed)} rows\n")
    elif rows:
        results.add(SECTION, rows, quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
