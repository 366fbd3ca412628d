"""Timelines of the alerts beside those of the objectives. A step is an export, and twenty are the chart's patience."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.telemetry.promtool import Alert, Timeline, counter, gauge
from tests.telemetry.rules.burns import AVAILABILITY, Fires
from tests.telemetry.rules.releases import LINKS, PATIENCE, Phase, Release

BEFORE = 20
Values = list[tuple[int, float | None]]


class Faults:
    """Each is a release that is well, but for one thing."""

    def __init__(self, release: Release) -> None:
        self.release = release

    def timeline(self, name: str, series: dict[str, str], steps: int, fires: Fires) -> Timeline:
        well = self.release.well(steps) | self.release.traffic([Phase(steps, requests=5)])
        about = f"{self.release.name}, {self.release.period} d: {name}"
        return Timeline(about, well | series, fires)

    def held(
        self, alert: str, metric: str, values: Values, *, fires: tuple[int, ...], silent: tuple[int, ...]
    ) -> Timeline:
        """One gauge of one instance, and when its alert fires."""
        series = {self.release.series(metric, instance="a"): gauge(values)}
        told = self.release.alert(alert, "page" if alert == "CarewayDatabaseUnreachable" else "ticket")
        steps = sum(each for each, _ in values)
        return self.timeline(
            f"{alert}: {values}", series, steps, {at: [told] for at in fires} | {at: [] for at in silent}
        )

    def database(self) -> Iterator[Timeline]:
        release, name = self.release, "careway_database_reachable"
        one, other = (release.series(name, instance=instance) for instance in "ab")
        # After the repair for as long as the shortest window remembers what failed.
        again = 61 + 10 * release.period // release.export
        yield self.held(
            "CarewayDatabaseUnreachable", name, [(BEFORE, 1), (40, 0), (40, 1)],
            fires=(27, 60, 61, again - 1), silent=(20, 21, 22, again, 100),
        )  # fmt: skip
        # A failover: one export of each process, and not the same one.
        seconds = {one: gauge([(BEFORE, 1), (1, 0), (40, 1)]), other: gauge([(BEFORE + 1, 1), (1, 0), (39, 1)])}
        yield self.timeline("a failover of seconds", seconds, 61, {at: [] for at in range(BEFORE, 61)})
        alone = {one: gauge([(BEFORE, 1), (80, 0)]), other: gauge([(100, 1)])}
        yield self.timeline("one pod alone does not reach it", alone, 100, {at: [] for at in (30, 60, 100)})

    def dead_database(self) -> Iterator[Timeline]:
        """The cause rings before the consequences, or it could not silence them."""
        release, dies, steps = self.release, 1500, 40
        told = release.alert("CarewayDatabaseUnreachable", "page")
        burn = [release.alert(AVAILABILITY.alert, severity, slo="availability") for severity in ("page", "ticket")]
        series = release.traffic([Phase(dies, requests=5), Phase(steps, requests=5, failed=5)])
        series |= {release.series("careway_database_reachable", instance="a"): gauge([(dies, 1), (steps, 0)])}
        fires: Fires = {dies: [], dies + 6: [told], dies + steps: [told, *burn]}
        about = f"{release.name}: a dead database is named before what it does"
        yield Timeline(about, release.well(dies + steps) | series, fires)

    def connections(self) -> Iterator[Timeline]:
        alert, name = "CarewayDatabaseConnectionsNearLimit", "careway_database_connections"
        yield self.held(alert, name, [(BEFORE, 20), (40, 81), (40, 80)], fires=(45, 60), silent=(20, 30, 66, 100))
        yield self.held(alert, name, [(BEFORE, 20), (8, 99), (40, 20)], fires=(), silent=(22, 28, 40, 45, 60))
        # A pod that ends says so in its last export, while the one after it is there already.
        yield self.held(alert, name, [(BEFORE, 20), (10, 90), (60, None)], fires=(), silent=tuple(range(BEFORE, 90, 5)))
        # The server's limit and the role's are near in turn: 146 of 487, then 6 of 20.
        used, limit = (self.release.series(each, instance="a") for each in (name, f"{name}_limit"))
        turns = {used: " ".join(["146 6"] * 40), limit: " ".join(["487 20"] * 40)}
        yield self.timeline(f"{alert}: two limits in turn", turns, 79, {at: [] for at in range(BEFORE, 80)})

    def migrations(self) -> Iterator[Timeline]:
        alert, name = "CarewayMigrationsPending", "careway_migrations_pending"
        yield self.held(alert, name, [(BEFORE, 0), (40, 1), (40, 0)], fires=(45, 60), silent=(20, 30, 66, 100))
        yield self.held(alert, name, [(BEFORE, 0), (8, 3), (40, 0)], fires=(), silent=(22, 28, 40, 45, 60))

    def key_set(self) -> Iterator[Timeline]:
        release, longest = self.release, 6 * self.release.patience
        told = release.alert("CarewayKeySetStale", "ticket", issuer="st-elsewhere")
        ages = {
            "st-elsewhere": [(BEFORE, 60), (20, longest), (20, longest + 1), (20, 5)],
            "general": [(BEFORE, 60), (60, 30)],
        }
        series = {
            release.series("careway_key_set_age_seconds", instance="a", issuer=issuer): gauge(values)
            for issuer, values in ages.items()
        }
        fires: Fires = {20: [], 40: [], 41: [told], 60: [told], 66: [], 80: []}
        yield self.timeline("CarewayKeySetStale: of one issuer, which it names", series, 80, fires)

    def certificate(self) -> Iterator[Timeline]:
        """promtool's clock begins with 1970."""
        soon = 30 * 86400 + 50 * self.release.export
        yield self.held(
            "CarewayCertificateExpiring", "careway_certificate_expiry_seconds", [(60, soon), (40, 2 * soon)],
            fires=(51, 60), silent=(0, 50, 66, 100),
        )  # fmt: skip

    def telemetry(self) -> Iterator[Timeline]:
        """It rings when one and a half times the patience is over: until half of what is due is missing, and then all of it."""
        told, nothing = [self.release.alert("CarewayTelemetryAbsent", "page")], list[Alert]()
        last = 2 * PATIENCE
        rings = last + PATIENCE // 2 + PATIENCE + 1
        ever = dict.fromkeys(range(rings), nothing)
        well = self.release.well(last) | self.release.traffic([Phase(last, requests=5)])
        silence = {
            name: f"{values} _x{2 * PATIENCE} {'7x40' if 'answered' in name else ''}" for name, values in well.items()
        }
        # The first of the half that has to be there again is counted.
        over = last + 2 * PATIENCE + PATIENCE // 2
        fires = dict.fromkeys(range(rings, over), told) | dict.fromkeys((over, over + 30), nothing)
        yield self.sent("silence, and it is back", silence, ever | fires)
        yield from self.crash()
        yield from self.loop()
        for later in (0, 1, 4, 15):
            series = self.processes({"a": [(last, 0)], "b": [(last + later, None), (60, 0)]})
            yield self.sent(f"a process takes the place of another, {later} exports later", series, ever)
        yield self.sent("a release begins", self.processes({"a": [(8, None), (rings, 0)]}), ever)
        never = dict.fromkeys(range(PATIENCE), nothing) | dict.fromkeys((PATIENCE, rings), told)
        yield self.sent("a release does not begin", {}, never)

    def crash(self) -> Iterator[Timeline]:
        """A process that ends as it starts, again and again: it has sent something in every patience."""
        told, nothing = [self.release.alert("CarewayTelemetryAbsent", "page")], list[Alert]()
        patience = self.release.exports
        last = 2 * patience
        rings = last + patience // 2 + patience + 1
        for exports in (1, 2):
            loop: dict[str, Values] = {
                f"{place}": [(last + place * patience, None), (exports, 0)] for place in range(6)
            }
            name = f"a process dies after {exports} exports, and another one begins when the patience is over"
            fires = dict.fromkeys(range(rings), nothing) | dict.fromkeys(range(rings, last + 6 * patience), told)
            yield self.sent(name, self.processes({"a": [(last, 0)], **loop}), fires)

    def loop(self) -> Iterator[Timeline]:
        """Lives of twelve exports, and a patience between them: half of what is due is never missing for a whole patience."""
        told, nothing = [self.release.alert("CarewayTelemetryAbsent", "page")], list[Alert]()
        first, life = 2 * PATIENCE, 12
        again = life + PATIENCE
        ends = first + 6 * again
        loop: dict[str, Values] = {
            f"{place}": [(first + PATIENCE + place * again, None), (life, 0)] for place in range(6)
        }
        stays: Values = [(ends + PATIENCE, None), (60, 0)]
        # Three patiences after the last process that was well, and the one that it waits.
        rings, over = first + 4 * PATIENCE + 6, ends + PATIENCE + 16
        silent = dict.fromkeys((*range(rings - 2), *range(over, over + 40)), nothing)
        fires = silent | dict.fromkeys(range(rings, over), told)
        series = self.processes({"a": [(first, 0)], **loop, "b": stays})
        yield self.sent("processes die after twelve exports, each a patience after the other", series, fires)

    def processes(self, lives: Mapping[str, Values]) -> dict[str, str]:
        """What each has answered; a process is a series of its own."""
        of = {"api": self.release.service, "outcome": "answered"}
        return {
            self.release.series("careway_requests_total", instance=process, **of): gauge(values)
            for process, values in lives.items()
        }

    def sent(self, name: str, series: dict[str, str], fires: Fires) -> Timeline:
        return Timeline(f"{self.release.name}, {self.release.period} d: CarewayTelemetryAbsent: {name}", series, fires)

    def ingestions(self) -> Iterator[Timeline]:
        """Three of an hour and a tenth of all, or ten turned away for each; an hour is twelve times the patience."""
        release, hour = self.release, 12 * PATIENCE
        told = release.alert("CarewayIngestionFailing", "ticket")

        def given(stored: float, failed: int) -> dict[str, str]:
            """So many fail in the second quarter of an hour, one an export."""
            later = 2 * hour - BEFORE - failed
            return {
                release.series("careway_ingestions_total", outcome="stored", instance="a"): counter(
                    [(2 * hour, stored)]
                ),
                release.series("careway_ingestions_total", outcome="failed", instance="a"): counter(
                    [(BEFORE, 0), (failed, 1), (later, 0)]
                ),
            }

        often = (BEFORE, BEFORE + 2, BEFORE + 10, hour, hour + BEFORE - 5)
        never: Fires = {at: [] for at in often}
        after: Fires = {BEFORE: [], BEFORE + PATIENCE: [], BEFORE + PATIENCE + 5: [told], hour: [told]}
        after = {**after, hour + BEFORE + 5: []}
        yield self.timeline("CarewayIngestionFailing: three of eighteen", given(1 / 16, 3), 2 * hour, after)
        yield self.timeline("two files are a spike", given(0, 2), 2 * hour, never)
        yield self.timeline("three of hundreds of files are few", given(1, 3), 2 * hour, {**never, BEFORE + 10: []})
        yield from self.turned_away()

    def turned_away(self) -> Iterator[Timeline]:
        """Files for which there is no room, beside those that are stored; each so often at an export."""
        release, steps = self.release, 24 * PATIENCE
        told = release.alert("CarewayIngestionFailing", "ticket")
        never: Fires = {at: [] for at in range(0, steps, 10)}
        of = {"api": release.service, "outcome": "limited", "instance": "a"}
        for name, limited, stored, fires in (
            (
                "none is stored",
                [(BEFORE, 0), (100, 1 / 4), (steps - BEFORE - 100, 0)],
                None,
                {BEFORE + 55: [], BEFORE + 90: [told], BEFORE + 200: [told], steps: []},
            ),
            ("one of seventeen is stored", [(steps, 1 / 4)], 1 / 64, {steps: [told]}),
            ("a third is stored", [(steps, 1 / 2)], 1 / 4, never),
            ("eight in a row", [(BEFORE, 0), (8, 1), (steps - BEFORE - 8, 0)], 0, never),
        ):
            ingested = release.series("careway_ingestions_total", outcome="stored", instance="a")
            series = {
                release.series("careway_requests_total", **of): counter(limited),
                ingested: gauge([(steps, None)]) if stored is None else counter([(steps, stored)]),
            }
            yield self.timeline(f"CarewayIngestionFailing: files are turned away, {name}", series, steps, fires)

    def links(self) -> Iterator[Timeline]:
        longest = 12 * self.release.patience
        yield self.held(
            "CarewayLinksPending", LINKS, [(BEFORE, 30), (20, longest), (20, longest + 1), (20, 0)],
            fires=(41, 60), silent=(20, 40, 66, 80),
        )  # fmt: skip


def conditions(release: Release) -> Iterator[Timeline]:
    """Of every service, and of this one."""
    faults = Faults(release)
    own = faults.ingestions if release.service == "genomics" else faults.links
    for fault in (faults.database, faults.connections, faults.migrations, faults.key_set, faults.certificate):
        yield from fault()
    yield from faults.telemetry()
    yield from own()
