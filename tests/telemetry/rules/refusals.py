"""Timelines of a release that refuses everybody, or one client alone. Steps are minutes of a period of 30 days."""

from __future__ import annotations

from collections.abc import Iterator

from tests.telemetry.promtool import Timeline
from tests.telemetry.rules.burns import Fires
from tests.telemetry.rules.releases import Phase, Release

WEEK = 7 * 1440
# The windows of the alert are full, and so they were twelve patiences before.
BEFORE = 160
# 120 requests in three patiences, of which twelve may be let in before it rings.
USUAL = Phase(BEFORE, requests=4)
LASTS = 100


def everybody(release: Release) -> Iterator[Timeline]:
    """Hardly anybody is let in of those who were."""
    told = [release.alert("CarewayEverybodyRefused", "page")]

    def timeline(name: str, phases: list[Phase], fires: Fires) -> Timeline:
        series = release.traffic(phases) | release.well(sum(phase.steps for phase in phases))
        return Timeline(f"{release.name}, {release.period} d: CarewayEverybodyRefused: {name}", series, fires)

    over = BEFORE + LASTS
    yield timeline(
        "one of nine is let in, and then all again",
        [USUAL, Phase(LASTS, requests=2.25, refused=2), Phase(60, requests=4)],
        {BEFORE: [], BEFORE + 20: [], BEFORE + 30: told, BEFORE + 60: told, over: told, over + 4: [], over + 60: []},
    )
    silent: Fires = {at: [] for at in (BEFORE, *range(BEFORE + 5, over, 5), over)}
    for name, phase in {
        "a client with an old token asks far more often than all others": Phase(LASTS, requests=103, refused=100),
        "the day is over, and such a client asks on": Phase(LASTS, requests=0.75, refused=0.5),
        "nobody is let in, for everything fails": Phase(LASTS, requests=2, failed=2),
        "nobody asks": Phase(LASTS, requests=0),
    }.items():
        # What fails is told by its own alert.
        yield timeline(name, [USUAL, phase], {} if phase.failed else silent)
    known = [Phase(BEFORE, requests=6, refused=2), Phase(LASTS, requests=2.25, refused=2)]
    yield timeline("the day is over, and a client asks on whose token was old before", known, silent)
    yield timeline("some minutes", [USUAL, Phase(10, requests=4, refused=4), Phase(90, requests=4)], silent)
    little = [Phase(BEFORE, requests=0.5), Phase(LASTS, requests=2, refused=2)]
    yield timeline("so few asked that one client may have been all of them", little, silent)


def morning(release: Release) -> Timeline:
    """It is compared with a week ago, since an hour ago nobody asked; and so it rings for as long as it lasts."""
    begins, lasts = WEEK + BEFORE, 400
    phases = [Phase(BEFORE + lasts, requests=4), Phase(WEEK - lasts, requests=0), Phase(lasts, requests=2, refused=2)]
    told = [release.alert("CarewayEverybodyRefused", "page")]
    fires: Fires = {begins: []} | dict.fromkeys(range(begins + 30, begins + lasts, 30), told)
    return Timeline(f"{release.name}: CarewayEverybodyRefused: on a morning", release.traffic(phases), fires)
