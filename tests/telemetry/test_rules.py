"""The rules that the real helm renders, tried by promtool: what fires, what does not, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from tests.telemetry import promtool
from tests.telemetry.promtool import Alert, Timeline, Trial, alerts_of
from tests.telemetry.rules.burns import AVAILABILITY, LATENCY, OBJECTIVES, alone, burns, calm, few, none_of_it, refused
from tests.telemetry.rules.conditions import Faults, conditions
from tests.telemetry.rules.mutants import mutants, only
from tests.telemetry.rules.refusals import everybody, morning
from tests.telemetry.rules.releases import RUNBOOKS, SUMMARIES, Phase, Release

pytestmark = [promtool.needed, pytest.mark.xdist_group("rules")]

GENOMICS = Release("genomics", "analyses", "genomics")
CLINICAL = Release("clinical", "consultations", "clinical")
# The shortest windows that there are: those of the live proof, which has no hours to wait.
QUICK = [Release(each.service, each.namespace, each.name, period=3, export=5) for each in (GENOMICS, CLINICAL)]
RELEASES = [GENOMICS, CLINICAL, *QUICK]
# As quiet as the chart allows; and of the fewest exports, whose windows hold four.
QUIET = [replace(GENOMICS, at_bound=True, export=export, exports=300 // export) for export in (15, 75)]
# Half of the five exports that its patience holds is no whole number.
SLOW = replace(GENOMICS, export=60, exports=5)
# Releases beside one another: of two teams, of one service in one namespace, with a name that begins as another one.
NEIGHBOURS = [
    GENOMICS,
    CLINICAL,
    Release("genomics", "analyses", "genomics-next"),
    Release("clinical", "analyses", "clinical"),
]
OWN = {"CarewayIngestionFailing": "genomics", "CarewayLinksPending": "clinical"}


def trials() -> Iterator[Trial]:
    """The long ones first: some run at a time."""
    for release in (each.by_minutes for each in RELEASES):
        for objective in OBJECTIVES:
            about = f"{release.name}, {release.period} d, {objective.name}"
            yield Trial(
                about,
                [release.rules],
                release.minute,
                [*burns(release, objective), *few(release, objective), *calm(release, objective)],
            )
    for release in RELEASES:
        about = f"{release.name}, {release.period} d"
        yield Trial(f"{about}, conditions", [release.rules], release.export, [*conditions(release)])
        quiet = [*none_of_it(release.by_minutes), *refused(release.by_minutes), *everybody(release.by_minutes)]
        yield Trial(f"{about}, no fault", [release.by_minutes.rules], release.minute, quiet)
    for release in (GENOMICS, CLINICAL):
        yield Trial(
            f"{release.name}, dead database", [release.rules], release.export, [*Faults(release).dead_database()]
        )
    for release in QUIET:
        bound = [timeline for objective in OBJECTIVES for timeline in alone(release, objective)]
        yield Trial(f"one bad request, exports of {release.export} s", [release.rules], release.export, bound)
    # The other alerts would be computed at each of ten thousand minutes.
    minutes = GENOMICS.by_minutes
    refusing = yaml.safe_dump(only(minutes.rules, "CarewayEverybodyRefused"))
    yield Trial("a week", [refusing], minutes.minute, [morning(minutes)])
    yield Trial("slow exports", [SLOW.rules], SLOW.export, [*Faults(SLOW).crash()])
    for ill in NEIGHBOURS:
        rules = [release.by_minutes.rules for release in NEIGHBOURS]
        yield Trial(f"{ill.service} {ill.name} of {ill.namespace} is ill", rules, ill.minute, [illness(ill)])


def illness(ill: Release) -> Timeline:
    """Everything is bad in one release, and well in all others."""
    # Who is refused was let in twelve patiences before.
    before, steps = 160, 100
    series: dict[str, str] = {}
    for release in NEIGHBOURS:
        bad = Phase(steps, failed=2, refused=56, slow=2) if release == ill else Phase(steps)
        series |= release.well(before + steps) | release.traffic([Phase(before), bad])
    series |= {name: f"{well} {bad}" for name, well, bad in _turns(ill, before, steps)}
    return Timeline("one of them is ill", series, {before: [], before + steps: [*all_alerts(ill)]})


def _turns(ill: Release, before: int, steps: int) -> Iterator[tuple[str, str, str]]:
    """Each series of a release, and its values before and after it has fallen ill."""
    bad = ill.ill(steps - 1)
    return ((name, well, bad[name]) for name, well in ill.well(before).items())


def all_alerts(release: Release) -> Iterator[Alert]:
    """All that a release can have at once: where its telemetry is absent, the others cannot know."""
    objectives = {objective.alert: {"slo": objective.name} for objective in OBJECTIVES}
    more = {"CarewayKeySetStale": {"issuer": "st-elsewhere"}, **objectives}
    for name, severity in SUMMARIES:
        if name != "CarewayTelemetryAbsent" and OWN.get(name, release.service) == release.service:
            yield release.alert(name, severity, **more.get(name, {}))


NAMES = [
    *(f"{release.name}, {release.period} d, {objective.name}" for release in RELEASES for objective in OBJECTIVES),
    *(f"{release.name}, {release.period} d, {what}" for release in RELEASES for what in ("conditions", "no fault")),
    *(f"{release.name}, dead database" for release in (GENOMICS, CLINICAL)),
    *(f"one bad request, exports of {release.export} s" for release in QUIET),
    "a week",
    "slow exports",
    *(f"{release.service} {release.name} of {release.namespace} is ill" for release in NEIGHBOURS),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What promtool says of all trials."""
    return promtool.run([*trials()], tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("name", NAMES)
def test_the_right_alerts_fire_and_clear_and_no_others(told: dict[str, str], name: str) -> None:
    assert told[name] == ""


def test_every_alert_of_the_rules_is_tried() -> None:
    tried = {
        alert.name
        for trial in trials()
        for timeline in trial.timelines
        for alerts in timeline.fires.values()
        for alert in alerts
    }
    assert tried == {rule["alert"] for release in RELEASES for rule in alerts_of(release.rules)}


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"{release.name}-{release.period}d")
def test_every_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on(release: Release) -> None:
    for rule in alerts_of(release.rules):
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}/{rule['alert']}.md"
        assert rule["annotations"]["summary"].startswith(f"{release.service} in {release.namespace} ")


@pytest.mark.parametrize(("one", "other"), [*combinations(NEIGHBOURS, 2)])
def test_two_releases_record_nothing_under_one_name(one: Release, other: Release) -> None:
    assert written(one) & written(other) == set()


def written(release: Release) -> set[str]:
    """Its groups, and every series that its rules write."""
    groups = yaml.safe_load(release.rules)["groups"]
    series = (
        f"{rule.get('record') or rule['alert']}{sorted(rule['labels'].items())}"
        for group in groups
        for rule in group["rules"]
    )
    return {group["name"] for group in groups} | set(series)


# --- The tests can fail ---------------------------------------------------------------------------------------------------


def killers(release: Release, alert: str) -> tuple[int, list[Timeline]]:
    """What an alert is tried on, and the seconds of a step."""
    for objective in (AVAILABILITY, LATENCY):
        if objective.alert == alert:
            release = release.by_minutes
            return release.minute, [*burns(release, objective), *few(release, objective), *calm(release, objective)]
    if alert == "CarewayEverybodyRefused":
        return release.minute, [*everybody(release.by_minutes), morning(release.by_minutes)]
    about = [
        timeline
        for timeline in conditions(release)
        if any(alert == each.name for fired in timeline.fires.values() for each in fired)
    ]
    others = [timeline for timeline in conditions(release) if timeline not in about]
    return release.export, [*about, *others]


@pytest.mark.parametrize("alert", sorted({name for name, _ in SUMMARIES}))
def test_no_mistake_in_a_rule_stays_unseen(alert: str, tmp_path: Path) -> None:
    release = CLINICAL if OWN.get(alert) == "clinical" else GENOMICS
    step, timelines = killers(release, alert)

    def survives(place: int, rules: str) -> bool:
        """Whether promtool finds all as it should be; one timeline after the other, for most need but one."""
        folder = tmp_path / str(place)
        folder.mkdir()
        tried = (Trial(str(each), [rules], step, [timeline]) for each, timeline in enumerate(timelines))
        return not any(trial.run(folder) for trial in tried)

    wrong = [*mutants((release.by_minutes if step == release.minute else release).rules, alert)]
    with ThreadPoolExecutor(promtool.PROCESSES) as pool:
        alive = [*pool.map(survives, range(len(wrong)), (rules for _, rules in wrong))]
    assert len(wrong) > 8
    assert [what for (what, _), lives in zip(wrong, alive, strict=True) if lives] == []
