"""Timelines of a budget that burns, or does not. Steps are minutes of a period of 30 days, and shorter of a shorter one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.telemetry.promtool import Alert, Timeline
from tests.telemetry.rules.releases import Phase, Release

# Half a day: the ticket's window of three days is as short as that at first, and what is bad has to outweigh it.
BEFORE = 720
# 40 requests an hour.
FEW = 2 / 3


@dataclass(frozen=True)
class Objective:
    """What burns its budget: the field of a phase, the alert, and the share of requests that may be bad."""

    name: str
    alert: str
    burnt_by: str
    budget: float

    def bad(self, steps: int, burn: float) -> Phase:
        """So many times as many bad requests as the objective has room for; all of them at most."""
        return self.all_bad(steps, 60 * min(burn * self.budget, 1), 60)

    def all_bad(self, steps: int, bad: float, requests: float | None = None) -> Phase:
        phase = Phase(steps, bad if requests is None else requests)
        return replace(phase, failed=bad) if self.burnt_by == "failed" else replace(phase, slow=bad)


AVAILABILITY = Objective("availability", "CarewayAvailabilityBudgetBurn", "failed", 0.001)
LATENCY = Objective("latency", "CarewayLatencyBudgetBurn", "slow", 0.01)
OBJECTIVES = (AVAILABILITY, LATENCY)

Fires = Mapping[int, list[Alert]]


def _timeline(release: Release, name: str, phases: list[Phase], fires: Fires) -> Timeline:
    series = release.traffic(phases) | release.well(sum(phase.steps for phase in phases))
    return Timeline(f"{release.name}, {release.period} d: {name}", series, fires)


def burns(release: Release, objective: Objective) -> Iterator[Timeline]:
    """What spends the budget of one objective, fast or slowly, and its repair."""
    page, ticket = (release.alert(objective.alert, severity, slo=objective.name) for severity in ("page", "ticket"))

    def timeline(name: str, phases: list[Phase], fires: Fires) -> Timeline:
        return _timeline(release, f"{objective.name}, {name}", phases, fires)

    # Each repair leaves something behind that is less than what rings.
    # 14.4 times for an hour are met after a quarter of it at 60 times; of six hours that is still little.
    bad, over = BEFORE, BEFORE + 20
    yield timeline(
        "a fast burn pages, and clears within the short window of 5 minutes",
        [Phase(BEFORE), objective.bad(20, 60), objective.bad(10, 3), Phase(360)],
        {
            bad: [],
            bad + 8: [],
            over: [page, ticket],
            over + 1: [page, ticket],
            over + 5: [ticket],
            over + 8: [ticket],
            over + 300: [ticket],
            over + 370: [],
        },
    )
    # Never 14.4 times, and six times of six hours after four of them.
    over = BEFORE + 260
    yield timeline(
        "a burn of hours is a ticket, then pages, and clears within the short window of 30 minutes",
        [Phase(BEFORE), objective.bad(260, 10), objective.bad(40, 3)],
        {bad + 60: [], bad + 150: [ticket], bad + 240: [page, ticket], over: [page, ticket], over + 35: [ticket]},
    )
    yield timeline(
        "a slow burn is a ticket and no page, and clears within the short window of 6 hours",
        [objective.bad(400, 2), objective.bad(370, 0.5)],
        {300: [ticket], 400: [ticket], 770: []},
    )


def few(release: Release, objective: Objective) -> Iterator[Timeline]:
    """A quiet night: fewer than 120 requests an hour count as 120."""
    page, ticket = (release.alert(objective.alert, severity, slo=objective.name) for severity in ("page", "ticket"))
    # 40 of the 8,640 of three days are more than one objective allows for a ticket, and less than the other.
    told = [page, ticket] if objective.budget < 40 / 8640 else [page]
    over = BEFORE + 120
    yield _timeline(
        release,
        f"{objective.name}, one bad request of 40 in an hour is none, and 40 of 40 are a page",
        [Phase(BEFORE, FEW), objective.all_bad(1, 1), Phase(59, FEW), objective.all_bad(60, FEW), Phase(10, FEW)],
        {**{BEFORE + later: [] for later in (1, 2, 4, 5, 6, 30, 60)}, over: told},
    )


def alone(release: Release, objective: Objective) -> Iterator[Timeline]:
    """One bad request, and no other, at the least traffic that the chart takes.

    A counter that is not at zero is extrapolated beyond its samples: of 300 s that hold 285 s of samples one counts for more.
    """
    # Some seconds after a whole minute, so that as many of the means' moments see it as can.
    before, after = 3600 // release.export + 2, 4200 // release.export
    phases = [Phase(before, 0), objective.all_bad(1, 1), Phase(after, 0)]
    series = release.traffic(phases, begins=1000) | release.well(before + 1 + after)
    fires: Fires = {at: [] for at in range(before, before + 40)}
    yield Timeline(f"{release.name}: {objective.name}, one bad request alone", series, fires)


def refused(release: Release) -> Iterator[Timeline]:
    """A client that asks again and again with an expired token: it must not hide that all others are failed."""
    told = [release.alert(AVAILABILITY.alert, severity, slo="availability") for severity in ("page", "ticket")]
    yield _timeline(
        release,
        "of a hundred requests a second 99 are refused and one fails",
        [Phase(BEFORE), Phase(20, requests=6000, failed=60, refused=5940)],
        {BEFORE: [], BEFORE + 5: told, BEFORE + 20: told},
    )


def calm(release: Release, objective: Objective) -> Iterator[Timeline]:
    """What is bad for too short a time to be told anybody."""
    ever: Fires = {BEFORE + later: [] for later in (*range(1, 12), 30, 60)}
    yield _timeline(
        release,
        f"{objective.name}, a minute at the worst is a spike",
        [Phase(BEFORE), objective.bad(1, 500), Phase(60)],
        ever,
    )


def none_of_it(release: Release) -> Iterator[Timeline]:
    """What is not the service's fault, or is not there at all."""
    often: Fires = {at: [] for at in (5, 6, 30, 60, 119, 120, 121, 125, 150, 180)}
    yield _timeline(
        release,
        "503 by the limit of ingestions, tokens that are none, and what takes as long as its file, burn nothing",
        [Phase(120), Phase(60, limited=20, refused=20, patient=30)],
        often,
    )
    yield _timeline(release, "nobody asks", [Phase(180, requests=0)], often)
    absent = release.alert("CarewayTelemetryAbsent", "page")
    yield Timeline(
        f"{release.name}, {release.period} d: there are no series",
        {},
        {at: [absent] for at in (2 * release.exports, 180)},
    )
