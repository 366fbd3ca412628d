"""Where the processor time of a request is, in this process and without a server: `python -m bench.profile`.

The operating system interrupts it each millisecond of processor time, and the innermost frame of Python says whose that
millisecond was; what C does counts for who called it. What a served request takes beyond `in_process_us` is the server's,
and what threads cost each other.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import FrameType
from typing import Any

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)
from bench import results
from bench.direct import Request, prepared, request
from bench.environment import end_on_signals

SECTION = "profile"
ROOT = str(results.FILE.parent.parent)
INTERVAL_SECONDS = 0.001
AREAS = ("django", "rest_framework", "psycopg", "psycopg_pool", "opentelemetry")


def area(frame: FrameType | None) -> str:
    """Whose code that is: a package's, ours, or Python's own."""
    if not frame:
        return "python"
    path = frame.f_code.co_filename
    for name in AREAS:
        if f"/site-packages/{name}/" in path:
            return name.removesuffix("_pool")
    return "careway" if path.startswith(ROOT) and "site-packages" not in path else "python"


def profiled(ask: Request, seconds: float) -> dict[str, Any]:
    """Microseconds of a request, in all and by area."""
    samples: Counter[str] = Counter()
    for _ in range(100):
        ask()
    signal.signal(signal.SIGPROF, lambda number, frame: samples.update([area(frame)]))
    asked, begun = 0, time.process_time()
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    while time.process_time() - begun < seconds:
        ask()
        asked += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    each = (time.process_time() - begun) / asked * 1e6
    shares = {name: round(each * samples[name] / samples.total()) for name in sorted({*samples, "careway"})}
    return {"in_process_us": round(each), **{f"{name}_us": share for name, share in shares.items()}}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a second for each kind of request, not ten")
    asked = parser.parse_args(arguments)
    end_on_signals()
    authorization, samples = prepared(60)
    from bench.works import SENT

    path = "/genomics/v1/samples"
    works = {
        "get-one": request("GET", f"{path}/{samples[0]}", authorization),
        "list-50": request("GET", path, authorization),
        "post-one": request("POST", path, authorization, SENT),
    }
    rows = []
    for work, ask in works.items():
        found = profiled(ask, 1 if asked.quick else 10)
        rows.append({"work": work, "stack": "careway", "ratio_to_floor": None, **found})
    results.add(SECTION, rows, quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
