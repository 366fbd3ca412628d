"""Starts of one stack after the other, and what they took to the first 200."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from bench.processes import cpu_seconds
from bench.serving import START_SECONDS, Stack

# Asked so often, the asking takes less than a hundredth of the processor.
PAUSE_SECONDS = 0.005


class Start(NamedTuple):
    """Seconds on the clock, and of processor time of the master and its worker."""

    wall: float
    cpu: float


def start(stack: Stack, folder: Path, variables: dict[str, str]) -> Start:
    """Starts it, waits for its first 200, and ends it."""
    stack.port = 0
    began = time.monotonic()
    try:
        stack.start(folder, variables, sorted(os.sched_getaffinity(0)))
        while not _is_ready(stack):
            if time.monotonic() > began + START_SECONDS or not stack.process or stack.process.poll() is not None:
                raise SystemExit(f"bench: {stack.name} did not start. It said:\n{stack.said()[-2000:]}")
            time.sleep(PAUSE_SECONDS)
        return Start(time.monotonic() - began, cpu_seconds(stack.processes()))
    finally:
        stack.stop()


def _is_ready(stack: Stack) -> bool:
    with suppress(OSError, HTTPException):
        return stack.call("GET", "/readyz").status == 200
    return False


def measure(stacks: Sequence[Stack], folder: Path, variables: dict[str, str], rounds: int) -> dict[str, list[Start]]:
    """Each start of each stack. A first round, which is not counted, writes the bytecode."""
    starts: dict[str, list[Start]] = {stack.name: [] for stack in stacks}
    for number in range(rounds + 1):
        for stack in random.sample(stacks, len(stacks)):
            taken = start(stack, folder, variables)
            if number:
                starts[stack.name].append(taken)
    return starts


def rows(starts: Mapping[str, Sequence[Start]], floor: str, **more: Any) -> Iterator[dict[str, Any]]:
    """A row for each stack; the ratio is that of the time on the clock, to the floor's in the same round."""
    for name, taken in starts.items():
        ratios = [theirs.wall / own.wall for theirs, own in zip(starts[floor], taken, strict=True)]
        cpu = [theirs.cpu / own.cpu for theirs, own in zip(starts[floor], taken, strict=True)]
        yield {
            "work": "start",
            "stack": name,
            "ratio_to_floor": round(statistics.median(ratios), 3),
            "lowest": round(min(ratios), 3),
            "highest": round(max(ratios), 3),
            "cpu_ratio": round(statistics.median(cpu), 3),
            "start_s": round(statistics.median(each.wall for each in taken), 3),
            "cpu_s": round(statistics.median(each.cpu for each in taken), 3),
            "rounds": len(taken),
            **more,
        }
