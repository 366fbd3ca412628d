"""A read whose SQL was compiled by an earlier one, and one that is compiled for each request: `python -m bench.statements`.

The same requests of the same process, in turn, without an HTTP server; processor time of this process alone.
"""

from __future__ import annotations

import statistics
import time
from unittest.mock import patch

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)
from bench.direct import Request, prepared, request

ROUNDS = 9
READS = 200
SAMPLES = 60
WAYS = ("compiled once", "compiled for each request")


def main() -> None:
    authorization, samples = prepared(SAMPLES)
    from chassis.statements import Question

    print(f"{READS} reads a round, {ROUNDS} rounds\n\n| read | {WAYS[0]}: time of {WAYS[1]} (min–max) |\n|---|---|")
    for name, path in {"one record": f"/samples/{samples[0]}", "a page of 50": "/samples"}.items():
        read = request("GET", f"/genomics/v1{path}", authorization)
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for number in range(ROUNDS):
            for way in WAYS if number % 2 else reversed(WAYS):
                if way == WAYS[0]:
                    times[way].append(seconds(read))
                else:
                    with patch.object(Question, "statement", lambda _: None):
                        times[way].append(seconds(read))
        ratios = [mine / theirs for mine, theirs in zip(*times.values(), strict=True)]
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")


def seconds(read: Request) -> float:
    read()
    begun = time.process_time()
    for _ in range(READS):
        read()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
