"""What Careway wants to reach, and what the results say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.works import NAMES as WORKS

# At least so much of the floor: with production's features off, and on.
RATIOS = {
    "get-one": (0.70, 0.50),
    "list-50": (0.55, 0.45),
    "region-100": (0.65, 0.55),
    "post-one": (0.40, 0.30),
    "readyz": (0.50, 0.50),
    "livez": (0.50, 0.50),
}
RIVALS = ("fastapi", "ninja")
OURS = ("careway-bare", "careway")
UNKNOWN = "not measured yet"


class Goal(NamedTuple):
    """One line of the table: what was wanted, what was reached, and what is missing."""

    name: str
    wanted: str
    reached: str
    verdict: str


class Measured:
    """The rows of the results, by work and stack."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        # Another section may measure the same work for its own ends.
        ordered = sorted(rows, key=lambda row: bool(row.get("section") == "reads"))
        self._rows = {(row["work"], row["stack"]): row for row in ordered}

    def value(self, work: str, stack: str, name: str = "ratio_to_floor") -> float | None:
        """None where it was not measured."""
        found = self._rows.get((work, stack), {}).get(name)
        return None if found is None else float(found)


def goals(measured: Measured) -> Iterator[Goal]:
    for work, wanted in RATIOS.items():
        for stack, least in zip(OURS, wanted, strict=True):
            yield at_least(f"`{work}`, {stack}", least, measured.value(work, stack))
    yield at_most("last page to page 1, careway", 1.2, measured.value("page-last", "careway", "cost_to_first_page"))
    for rival in RIVALS:
        yield ahead(measured, rival)
    yield at_least("ingestion to `psql \\copy` of the same rows", 0.8, measured.value("ingest", "careway"))
    records = measured.value("ingest", "careway", "records") or 0
    grown = measured.value("ingest", "careway", "rss_growth_mib") if records >= 10_000_000 else None
    yield at_most("growth of a worker's memory up to 10 M records, MiB", 64, grown)
    # Of those, the floor is the same stack with tracing off.
    for share, most in ((100, 20), (10, 8)):
        left = measured.value(f"tracing-{share}", "careway")
        cost = None if left is None else (1 - left) * 100
        yield at_most(f"tracing at {share} % sampled, of GET one's capacity, %", most, cost)
    start = measured.value("start", "careway")
    yield at_most("start to first 200, to plain Django", 1.3, None if start is None else 1 / start)


def at_least(name: str, wanted: float, reached: float | None) -> Goal:
    return _goal(name, f"≥ {wanted:g}", reached, 0 if reached is None else wanted - reached, wanted)


def at_most(name: str, wanted: float, reached: float | None) -> Goal:
    return _goal(name, f"≤ {wanted:g}", reached, 0 if reached is None else reached - wanted, wanted)


def _goal(name: str, wanted: str, reached: float | None, short: float, of: float) -> Goal:
    if reached is None:
        return Goal(name, wanted, UNKNOWN, "")
    missed = f"missed by {short:.2f} ({short / of:.0%})"
    return Goal(name, wanted, f"{reached:.2f}", missed if short > 0 else "reached")


def ahead(measured: Measured, rival: str) -> Goal:
    """On every work, with production's features on."""
    factors = {}
    for work in WORKS:
        mine, theirs = measured.value(work, "careway"), measured.value(work, rival)
        if mine is not None and theirs:
            factors[work] = mine / theirs
    name, wanted = f"careway to {rival}, on every work", "> 1"
    if not factors:
        return Goal(name, wanted, UNKNOWN, "")
    behind = [f"`{work}` {factor:.2f}" for work, factor in factors.items() if factor <= 1]
    reached = f"{min(factors.values()):.2f} to {max(factors.values()):.2f}"
    return Goal(name, wanted, reached, f"missed on {', '.join(behind)}" if behind else "reached")
