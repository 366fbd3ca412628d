"""bench/results.json: what was measured, a row for each work and stack, with the machine it was measured on.

A module of the bench measures one section and adds its rows once, at its end:

    results.add("reads", rows, quick=quick)

A row is a dictionary. It must have

- `work`: what was done, such as `get-one`, `ingest`, `start`;
- `stack`: by whom, such as `careway`, `careway-bare`, `drf`; a pair of work and stack occurs once in a section;
- `ratio_to_floor`: 1.0 is the floor itself, more is better for every work (so rates and capacities are divided by the
  floor's, times and costs divide the floor's); None where there is no floor. What the floor is, a work may choose: bare
  WSGI for requests, `psql \\copy` for rows, plain Django for the start. It was measured in the same round.

and should have `lowest` and `highest`, the spread of that ratio over the rounds. Anything else is a measure of this row
alone: a number or a short text whose name ends in its unit (`app_ms`, `rows_per_second`, `rss_mib`), or a list of numbers.

`add` replaces all rows of the section, keeps the other sections', and prints a table. A quick run writes a file of its
own (`.careway/bench-quick.json`), so that the committed one always tells of full runs.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")
QUICK_FILE = FILE.parent.parent / ".careway" / "bench-quick.json"
KEYS = ("work", "stack", "ratio_to_floor")

Row = Mapping[str, Any]


def add(section: str, rows: Sequence[Row], *, quick: bool = False, file: Path | None = None) -> None:
    """Writes the rows of a section in place of its old ones, and prints them. Raises SystemExit for a row that is none.

    `file` is for tests.
    """
    check(rows)
    target = file or (QUICK_FILE if quick else FILE)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two programs may end at the same moment.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        flock(folder, LOCK_EX)
        found = read(target)
        others = [row for row in found["rows"] if row["section"] != section]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        measured = {"on": today, "size": "quick" if quick else "full", "machine": machine()}
        whole = {
            "machine": machine(),
            "sections": {**found["sections"], section: measured},
            "rows": [*others, *({"section": section, **row} for row in rows)],
        }
        # Whole or not at all: an interrupted run leaves what was there.
        new = target.with_suffix(".new")
        new.write_text(encoded(whole), encoding="utf-8")
        new.replace(target)
    finally:
        os.close(folder)
    sys.stdout.write(table(section, rows) + f"\nWritten to {target}.\n")


def read(file: Path = FILE) -> dict[str, Any]:
    """The whole file; one without rows where there is none yet."""
    if not file.exists():
        return {"machine": {}, "sections": {}, "rows": []}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def check(rows: Sequence[Row]) -> None:
    """Raises SystemExit unless each row has its keys, occurs once, and holds nothing that JSON has no word for."""
    seen = set()
    for row in rows:
        if not set(KEYS) <= set(row):
            raise SystemExit(f"bench: a row has to have {', '.join(KEYS)}; this one has not: {dict(row)}")
        if (pair := (row["work"], row["stack"])) in seen:
            raise SystemExit(f"bench: two rows tell of {pair}")
        seen.add(pair)
        if any(isinstance(value, float) and not math.isfinite(value) for value in row.values()):
            raise SystemExit(f"bench: a row holds a number that is none: {dict(row)}")


def missing(rows: Iterable[Row], works: Iterable[str], stacks: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of work and stack that have no row."""
    there = {(row["work"], row["stack"]) for row in rows}
    stacks = list(stacks)
    return [(work, stack) for work in works for stack in stacks if (work, stack) not in there]


def encoded(whole: Mapping[str, Any]) -> str:
    """One row a line, so that a change of the file can be read."""
    rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in whole["rows"])
    head = json.dumps({key: value for key, value in whole.items() if key != "rows"}, indent=1, ensure_ascii=False)
    return f'{head[:-2]},\n "rows": [\n{rows}\n ]\n}}\n'


def machine() -> dict[str, Any]:
    """What the numbers depend on, and nothing that names the machine."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": f"Linux {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def table(section: str, rows: Sequence[Row]) -> str:
    """For people at a terminal."""
    lines = [f"\n{section}\n{'-' * len(section)}"]
    width = max((len(row["work"]) for row in rows), default=0)
    for row in rows:
        ratio = f"{row['ratio_to_floor']:7.3f}" if row["ratio_to_floor"] is not None else "      –"
        spread = f"({row['lowest']:.2f}–{row['highest']:.2f})" if row.get("lowest") is not None else ""
        others = (f"{name} {value}" for name, value in row.items() if name not in {*KEYS, "lowest", "highest"})
        lines.append(f"{row['work']:{width}}  {row['stack']:14}{ratio} {spread:13} {'  '.join(others)}")
    return "\n".join(lines)
