"""What production's features cost a read of one record: `python -m bench.telemetry`.

Careway with one feature more from row to row: nothing, then the token, then the log lines, then metrics and traces of
which none, a tenth or all are sampled, to a receiver that takes them. All run at once on the same database and are loaded
in turn, a window each, in changing order. A ratio is of capacities, to the server with token and log lines and without
telemetry in the same round; `app_ms` is the processor time of a request. `--quick` takes fewer rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import bench.own_database  # noqa: F401  (before settings load)
from bench import results
from bench.contenders import ours
from bench.database import ORGANIZATION, database, some
from bench.environment import end_on_signals
from bench.load import Load, Window, check_generator
from bench.serving import Stack, half_of_the_cores, running
from bench.works import COLLECTION, Target, Work

SECTION = "telemetry"
FLOOR = "no-telemetry"
SHARES = (0, 10, 100)
# Long enough for several batches of spans: what is sampled is exported within the window.
SECONDS = 2.0
ROUNDS, QUICK_ROUNDS = 15, 3
RECORDS = 2000


def stacks(collector: str, token: str) -> list[Stack]:
    """One feature more from one to the next; `contenders.py` has those of the bench's other tables."""
    bare, full = ours(collector, token)
    silent = {name: text for name, text in full.environment.items() if not name.startswith("OTEL_")}
    return [
        bare,
        replace(full, name="token", environment={**silent, "CAREWAY_LOG_LEVEL": "WARNING"}),
        replace(full, name=FLOOR, environment=silent),
        *(
            replace(
                full,
                name=f"tracing-{share}",
                environment={**full.environment, "OTEL_TRACES_SAMPLER_ARG": str(share / 100)},
            )
            for share in SHARES
        ),
    ]


def measure(found: Sequence[Stack], load: Load, url: str, rounds: int) -> dict[str, list[Window]]:
    """The windows of each stack, in the order of the rounds."""
    ones = [Target(f"{COLLECTION}/{each}") for each in some(url, "genomics_sample", RECORDS)]
    work = Work("get-one", {stack.name: ones for stack in found})
    for stack in found:
        load.window(stack, work, SECONDS)
    windows: dict[str, list[Window]] = {stack.name: [] for stack in found}
    for number in range(rounds):
        at = number % len(found)
        for stack in [*found[at:], *found[:at]]:
            windows[stack.name].append(load.window(stack, work, SECONDS))
    return windows


def rows(windows: dict[str, list[Window]]) -> list[results.Row]:
    found: list[results.Row] = []
    for name, mine in windows.items():
        pairs = zip(mine, windows[FLOOR], strict=True)
        ratios = [floor.app / window.app for window, floor in pairs]
        found.append(
            {
                # A name of `work` and `stack` as bench/goals.py looks for it.
                "work": name,
                "stack": "careway",
                "ratio_to_floor": round(median(ratios), 3),
                "lowest": round(min(ratios), 3),
                "highest": round(max(ratios), 3),
                "app_ms": round(median(window.app for window in mine) * 1000, 3),
            }
        )
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds in place of {ROUNDS}")
    asked = parser.parse_args(arguments)
    end_on_signals()
    check_generator()
    import django

    django.setup()
    from tests.api import token
    from tests.broken_collector import failing, serving

    cores, others = half_of_the_cores()
    with (
        database(RECORDS, 0) as filled,
        serving(failing(b"200 OK")) as collector,
        TemporaryDirectory(prefix="careway-bench-") as folder,
    ):
        found = stacks(collector, token(organization=ORGANIZATION))
        with running(found, {"DATABASE_URL": filled.url, "BENCH_ORGANIZATION": ORGANIZATION}, cores):
            load = Load(Path(folder), filled.postmaster, others)
            windows = measure(found, load, filled.url, QUICK_ROUNDS if asked.quick else ROUNDS)
    results.add(SECTION, rows(windows), quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
