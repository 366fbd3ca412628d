"""A month of healthy traffic with ordinary spikes wakes nobody, and ten minutes of outage in the same month do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.telemetry import promtool
from tests.telemetry.conftest import Cells, Line
from tests.telemetry.month import DAY, MINUTES, OUTAGE, Month
from tests.telemetry.promtool import Timeline, Trial
from tests.telemetry.rules.releases import Release

pytestmark = [promtool.needed, pytest.mark.xdist_group("month")]

RELEASE = Release("genomics", "analyses", "genomics").by_minutes
SECONDS = MINUTES * 60
FIRING = 'count_over_time(ALERTS{alertstate="firing"}[30d])'
"""Minutes in which an alert fired, by its labels: promtool keeps what Prometheus would."""


def parts() -> dict[str, list[dict[str, Any]]]:
    """The groups of the rules, without what is only ever looked at.

    What is left of a month's budget is read anew from all of the month in each of its 43,200 minutes, and no alert asks for
    it; nor does promtool read more than 10,000 values at a time.
    """
    groups = yaml.safe_load(RELEASE.rules)["groups"]
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if not is_of_the_period(rule)]
    (availability,), (latency,), (alerts,) = (
        [group for group in groups if group["name"].endswith(f":{name}")]
        for name in ("availability", "latency", "alerts")
    )
    return {"availability": [availability, alerts], "latency": [latency]}


def is_of_the_period(rule: dict[str, Any]) -> bool:
    return str(rule.get("record", "")).endswith(("rate30d", "error_budget_remaining:ratio"))


def whole(slo: str, what: str, until: int = MINUTES) -> str:
    """Requests or errors a second as the rules have seen them: the mean of their windows of three days, side by side."""
    recorded = promtool.selector(f"careway:slo_{what}:rate3d", slo=slo)
    windows = [f"{recorded} offset {days}d" if days else recorded for days in range(0, until // DAY, 3)]
    return f"({' + '.join(windows)}) / {len(windows)}"


def is_near(expression: str, wanted: float, within: float) -> str:
    """1 where it is."""
    return f"abs({expression} / {wanted!r} - 1) < bool {within}"


@pytest.fixture(scope="module")
def month() -> Month:
    return Month()


def test_a_month_of_ordinary_traffic_wakes_nobody(month: Month, tmp_path: Path, line: Line) -> None:
    counted = {"availability": (month.requests, month.failed, 0.001), "latency": (month.hurried, month.slow, 0.01)}
    series = month.series(RELEASE)
    trials = []
    for slo, groups in parts().items():
        near = promtool.selector("", slo=slo, service="genomics", namespace="analyses", release="genomics")
        requests, bad, _ = counted[slo]
        values = [
            (MINUTES, FIRING, {}),
            # As the rules see it: they were there, and nothing was lost.
            (MINUTES, is_near(whole(slo, "requests"), requests / SECONDS, 0.02), {near: 1}),
            # What comes in spikes is told less exactly: of five values a minute apart a rate sees four differences.
            (MINUTES, is_near(whole(slo, "errors"), bad / SECONDS, 0.2), {near: 1}),
        ]
        trials.append(
            Trial(slo, [yaml.safe_dump({"groups": groups})], 60, [Timeline("a month", series, values=values)])
        )
    assert promtool.run(trials, tmp_path) == {"availability": "", "latency": ""}
    for slo, (requests, bad, budget) in counted.items():
        share = f"{bad / requests / budget:.0%}"
        told: Cells = {"requests": requests, "bad": bad, "of the budget": share, "pages": 0, "tickets": 0}
        line("a month of ordinary traffic", {"objective": slo, **told})


def test_ten_minutes_of_outage_in_the_same_month_do(month: Month, tmp_path: Path) -> None:
    """The three days before it are there, since the ticket looks back as far."""
    bad = Month(outage=OUTAGE)
    first, last = OUTAGE.start - 3 * DAY, OUTAGE.stop + DAY // 2
    page, ticket = (
        RELEASE.alert("CarewayAvailabilityBudgetBurn", each, slo="availability") for each in ("page", "ticket")
    )
    begins, ends = OUTAGE.start - first, OUTAGE.stop - first
    fires = {begins: [], begins + 1: [], begins + 5: [page, ticket], ends: [page, ticket], ends + 36: [ticket]}
    fires |= {ends + 365: []}
    # What is asked of the healthy month can be answered with something.
    pages = FIRING.replace("}", ',severity="page"}')
    values = [(ends, f"count({pages} > 5)", {"{}": 1.0})]
    outage = Timeline("an outage", bad.series(RELEASE, first, last), fires, values)
    rules = yaml.safe_dump({"groups": parts()["availability"]})
    assert Trial("outage", [rules], 60, [outage]).run(tmp_path) == ""
