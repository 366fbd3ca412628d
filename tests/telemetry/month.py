"""A month of a release as its counters tell it: a rhythm of days and weeks, and the spikes that no one should be woken for.

The same seed makes the same month. A step is a minute, and the month begins on a Monday at midnight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from random import Random

from tests.telemetry.promtool import gauge
from tests.telemetry.rules.releases import ROUTES, WELL, Release

DAY = 1440
MINUTES = 30 * DAY
SEED = 9
# Requests a minute in the busiest hour, and how busy each hour of a working day is.
PEAK = 120
HOURS = (0, 0, 0, 0, 0, 0, 0.03, 0.25, 0.7, 1, 1, 0.95, 0.8, 0.85, 1, 0.95, 0.8, 0.5, 0.25, 0.12, 0.06, 0.03, 0, 0)
WEEKEND = 0.15
# At night there are a few requests an hour, and one of them may fail as well as any other.
QUIET = 5 / 60
FAILING, SLOW, LIMITED = 0.0002, 0.002, 0.0005


def at(day: int, hour: int, minute: int = 0) -> int:
    return day * DAY + hour * 60 + minute


DEPLOYMENTS = [at(day, 14, 7 * day % 60) for day in (1, 3, 8, 10, 15, 17, 22, 24, 29)]
# A worker that died is another one under the same name: its counters begin again.
RESTARTS = [at(4, 11, 20), at(12, 3), at(19, 15, 41), at(26, 9, 2)]
# Two minutes in which a few percent fail.
BLIPS = {at(2, 10, 15): 0.05, at(9, 15, 3): 0.03, at(16, 9, 44): 0.06, at(20, 23, 30): 0.05, at(25, 11, 58): 0.04}
# A minute in which most requests are slow.
SLOW_MINUTES = [at(0, 9, 30), at(5, 12), at(11, 16, 20), at(18, 10, 2), at(18, 14, 33), at(23, 8, 15)]
# The database is another one: for 20 s nothing can be answered. At the busiest hour, early, and at night.
FAILOVERS = [at(7, 10, 30), at(14, 7, 12), at(21, 3, 5)]
FAILOVER_SECONDS = 20
# Over a weekend a client asks twice a minute with an old token, while hardly anybody else asks.
OLD_TOKEN = range(at(11, 12), at(14, 9))
# What would be a reason to wake somebody.
OUTAGE = range(at(16, 10), at(16, 10, 10))


@dataclass
class Minute:
    requests: int
    failed: int
    slow: int
    limited: int
    # Beside the requests.
    refused: int = 0


@dataclass
class Month:
    """Its minutes; with an outage, that much of it fails."""

    outage: range = range(0)
    minutes: list[Minute] = field(init=False)

    def __post_init__(self) -> None:
        random = Random(SEED)
        self.minutes = [self._minute(random, minute) for minute in range(MINUTES)]

    def _minute(self, random: Random, minute: int) -> Minute:
        requests = _poisson(random, usual(minute))
        failing = FAILING + sum(share for begins, share in BLIPS.items() if begins <= minute < begins + 2)
        if minute in FAILOVERS:
            failing = FAILOVER_SECONDS / 60
        # Processes that have just begun have nothing at hand yet.
        cold = any(begins < minute <= begins + 2 for begins in DEPLOYMENTS)
        slow = 0.6 if minute in SLOW_MINUTES else 0.1 if cold else SLOW
        found = Minute(requests, *(_of(random, requests, share) for share in (failing, slow, LIMITED)))
        found.refused = 2 * (minute in OLD_TOKEN)
        found.failed = requests if minute in self.outage else min(found.failed, requests)
        found.limited = min(found.limited, requests - found.failed)
        found.slow = min(found.slow, requests - found.failed - found.limited)
        return found

    @property
    def requests(self) -> int:
        return sum(minute.requests - minute.limited for minute in self.minutes)

    @property
    def failed(self) -> int:
        return sum(minute.failed for minute in self.minutes)

    @property
    def hurried(self) -> int:
        """Requests that latency counts, of which `slow` are."""
        return sum(minute.requests - minute.failed - minute.limited for minute in self.minutes)

    @property
    def slow(self) -> int:
        return sum(minute.slow for minute in self.minutes)

    def series(self, release: Release, first: int = 0, last: int = MINUTES) -> dict[str, str]:
        """As two processes of the release count it between two minutes; each deployment makes others."""
        found: dict[str, str] = {}
        lives = pairwise([0, *DEPLOYMENTS, MINUTES])
        for generation, (begins, ends) in enumerate(lives):
            if ends <= first or begins >= last:
                continue
            for process in (0, 1):
                life = _Life(self.minutes, process, begins, ends)
                for name, labels, of in _counters(release):
                    series = release.series(name, instance=f"{generation}-{process}", **labels)
                    found[series] = life.written(of, first, last)
        return found | _gauges(release, first, last)


Count = Callable[[Minute], int]


@dataclass
class _Life:
    """A process from one minute to another, which gets every other request."""

    minutes: Sequence[Minute]
    process: int
    begins: int
    ends: int

    def written(self, of: Count, first: int, last: int) -> str:
        """The values of a counter; what was before or will be after is missing."""
        total, values = 0, [0]
        for minute in range(self.begins, self.ends):
            if minute in RESTARTS and self.process == 0:
                total = 0
            total += (of(self.minutes[minute]) + self.process) // 2
            values.append(total)
        before = max(self.begins - first, 0)
        words = [f"_x{before}"] if before else []
        return " ".join([*words, *_runs(values[max(first - self.begins, 0) : last - self.begins + 1])])


def _runs(values: Iterable[int]) -> Iterable[str]:
    """promtool's notation: the same value again and again is written once."""
    for value, group in groupby(values):
        yield f"{value}x{len(list(group)) - 1}"


def _counters(release: Release) -> Iterable[tuple[str, dict[str, str], Count]]:
    name, api = "careway_requests_total", release.service
    yield name, {"api": api, "outcome": "answered"}, _answered
    yield name, {"api": api, "outcome": "failed"}, lambda each: each.failed
    yield name, {"api": api, "outcome": "limited"}, lambda each: each.limited
    yield name, {"api": api, "outcome": "refused"}, lambda each: each.refused
    took, route = "http_server_request_duration_seconds", {"http_route": ROUTES[api][0]}
    well, bad = (route | {"http_response_status_code": status} for status in ("200", "500"))
    yield f"{took}_count", well, _answered
    yield f"{took}_bucket", well | {"le": "0.5"}, lambda each: _answered(each) - each.slow
    yield f"{took}_count", bad, lambda each: each.failed
    yield f"{took}_bucket", bad | {"le": "0.5"}, lambda each: 0


def _answered(minute: Minute) -> int:
    return minute.requests - minute.failed - minute.limited


def _gauges(release: Release, first: int, last: int) -> dict[str, str]:
    """What the release says of itself: well, but for deployments and failovers."""

    def when(minutes: set[int], then: int, otherwise: int) -> str:
        return " ".join(_runs(then if minute in minutes else otherwise for minute in range(first, last + 1)))

    found = {release.series(name, instance="0"): gauge([(last - first, value)]) for name, value in WELL.items()}
    found |= {release.series("careway_ingestions_total", outcome="stored"): f"0+1x{last - first}"}
    for process in (0, 1):
        # Each asks its database at another time.
        down = {minute + process for minute in FAILOVERS}
        found[release.series("careway_database_reachable", instance=str(process))] = when(down, 0, 1)
    # While old processes and new ones are both there, and a migration runs.
    rolling = {begins + more for begins in DEPLOYMENTS for more in range(3)}
    found[release.series("careway_database_connections", instance="0")] = when(rolling, 90, 20)
    found[release.series("careway_migrations_pending", instance="0")] = when(rolling, 1, 0)
    return found


def usual(minute: int) -> float:
    """Requests that are usual in a minute."""
    day, hour = minute // DAY, minute % DAY // 60
    return max(PEAK * HOURS[hour] * (WEEKEND if day % 7 >= 5 else 1), QUIET)


def _poisson(random: Random, mean: float) -> int:
    """How many come where so many are usual. Above thirty it cannot be told from a normal distribution."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count, product = count + 1, product * random.random()
    return count


def _of(random: Random, requests: int, share: float) -> int:
    return sum(random.random() < share for _ in range(requests))
