"""Releases whose rules are tried, and the alerts and the series that are theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from observability.rules import rendered
from tests.telemetry.promtool import Alert, counter, gauge, selector

RUNBOOKS = "https://runbooks.example.org"
# What the alerts say after "<service> in <namespace>".
SUMMARIES = {
    ("CarewayAvailabilityBudgetBurn", "page"): "fails requests so often that its budget of errors will be spent in a few days",
    ("CarewayAvailabilityBudgetBurn", "ticket"): "fails requests more often than its objective allows",
    ("CarewayLatencyBudgetBurn", "page"): "answers so slowly that its budget of slow requests will be spent in a few days",
    ("CarewayLatencyBudgetBurn", "ticket"): "answers slowly more often than its objective allows",
    ("CarewayDatabaseUnreachable", "page"): "reaches its database from no pod",
    ("CarewayTelemetryAbsent", "page"): "has sent no metrics, so that none of its other alerts can ring",
    ("CarewayEverybodyRefused", "page"): "refuses nearly everybody",
    ("CarewayDatabaseConnectionsNearLimit", "ticket"): "has more than four fifths of the connections that the database allows it",
    ("CarewayMigrationsPending", "ticket"): "waits for migrations of its database",
    ("CarewayKeySetStale", "ticket"): "has an old key set of the issuer {issuer}, since it cannot be read",
    ("CarewayCertificateExpiring", "ticket"): "trusts an authority of its database whose certificate expires within 30 days",
    ("CarewayIngestionFailing", "ticket"): "fails to store a tenth of the files that it is given, or turns most of them away",
    ("CarewayLinksPending", "ticket"): "has links to findings that wait to be verified for too long",
}  # fmt: skip
# Of each service, a route whose requests are quick, and those that take what their file or document takes.
ROUTES = {
    "genomics": (
        "genomics/v1/analyses/<uuid:pk>",
        [
            "genomics/v1/analyses/<uuid:pk>/vcf",
            "genomics/v1/analyses/<uuid:analysis>/variants.vcf",
            "genomics/v1/analyses/<uuid:analysis>/variants.ndjson",
            "genomics/v1/openapi.json",
        ],
    ),
    "clinical": ("clinical/v1/patients/<uuid:pk>", ["clinical/v1/consultations/<uuid:pk>/fhir", "clinical/v1/docs"]),
}
# What a release says of itself while all is well; ages and times are in seconds.
WELL = {
    "careway_database_reachable": 1,
    "careway_database_connections": 20,
    "careway_database_connections_limit": 100,
    "careway_migrations_pending": 0,
    "careway_certificate_expiry_seconds": 10 * 365 * 86400,
}
# With the objectives that the chart begins with, it refuses one less (tests/chart/test_refusals.py).
LEAST_TRAFFIC = {"availability": 105, "latency": 11}
# Exports in the time that the chart calls its patience; and where an export is as long as a minute of 30 days.
PATIENCE, MINUTES = 20, 10
LINKS = "careway_links_pending_age_seconds"


@dataclass(frozen=True)
class Phase:
    """So many steps with so many requests at each: of these so many fail, are limited, refused or slow; `patient` are more."""

    steps: int
    requests: float = 60
    failed: float = 0
    limited: float = 0
    # Those whose token is none, or who ask too much at once.
    refused: float = 0
    slow: float = 0
    # Slow ones too, of each route that may be.
    patient: float = 0


@dataclass(frozen=True)
class Release:
    """One release of the chart: its period in days, how often it exports, and how many exports are its patience."""

    service: str
    namespace: str
    name: str
    period: int = 30
    export: int = 15
    exports: int = PATIENCE
    # Whether so little traffic counts as it is that the chart would refuse less.
    at_bound: bool = False

    @property
    def minute(self) -> int:
        """Seconds that are to this period as a minute is to 30 days: the shortest window has five of them."""
        return self.period * 2

    @property
    def by_minutes(self) -> Release:
        """The same, and an export is such a minute: timelines of days have fewer values, and what is due is there."""
        return replace(self, export=self.minute, exports=MINUTES)

    @property
    def patience(self) -> int:
        return self.export * self.exports

    @property
    def rules(self) -> str:
        return _rules(self)

    def alert(self, name: str, severity: str, **more: str) -> Alert:
        labels = {"severity": severity, "team": self.namespace, "service": self.service}
        labels |= {"namespace": self.namespace, "release": self.name, **more}
        summary = f"{self.service} in {self.namespace} {SUMMARIES[name, severity].format(**more)}"
        return Alert(name, labels, {"summary": summary, "runbook_url": f"{RUNBOOKS}/{name}.md"})

    def series(self, name: str, **labels: str) -> str:
        of_release = {"k8s_namespace_name": self.namespace, "k8s_deployment_name": self.name}
        return selector(name, **of_release, **labels)

    def ill(self, steps: int) -> dict[str, str]:
        """The same when nothing is well. A certificate of 1970 has expired: promtool's clock begins there."""
        found = dict.fromkeys(self.well(steps), gauge([(steps, 0)]))
        for name, value in {"connections": 99, "connections_limit": 100}.items():
            found[self.series(f"careway_database_{name}", instance="a")] = gauge([(steps, value)])
        found[self.series("careway_migrations_pending", instance="a")] = gauge([(steps, 2)])
        for series in found:
            if "_age_seconds" in series:
                found[series] = gauge([(steps, 86400)])
            elif "ingestions" in series:
                found[series] = counter([(steps, 1)])
        return found

    def well(self, steps: int) -> dict[str, str]:
        """What it says of itself, beside its traffic, while all is well."""
        found = {self.series(name, instance="a"): gauge([(steps, value)]) for name, value in WELL.items()}
        found[self.series("careway_key_set_age_seconds", instance="a", issuer="st-elsewhere")] = gauge([(steps, 60)])
        if self.service == "clinical":
            return found | {self.series(LINKS, instance="a"): gauge([(steps, 0)])}
        for outcome in ("stored", "repeated", "refused", "failed"):
            more = counter([(steps, float(outcome == "stored"))])
            found[self.series("careway_ingestions_total", outcome=outcome, instance="a")] = more
        return found

    def traffic(self, phases: Sequence[Phase], instance: str = "a", begins: int = 0) -> dict[str, str]:
        """Its requests as it counts them. What fails or is limited is slow as well, and must not count as that, too."""
        found = {}
        for outcome, of in OUTCOMES.items():
            series = self.series("careway_requests_total", api=self.service, outcome=outcome, instance=instance)
            found[series] = counter([(each.steps, of(each)) for each in phases], begins)
        for labels, took, slow in self._durations(instance):
            name = "http_server_request_duration_seconds"
            all_of_them = counter([(each.steps, took(each)) for each in phases], begins)
            quick = counter([(each.steps, took(each) - slow(each)) for each in phases], begins)
            found[self.series(f"{name}_count", **labels)] = all_of_them
            found[self.series(f"{name}_bucket", **labels, le="0.5")] = quick
            found[self.series(f"{name}_bucket", **labels, le="+Inf")] = all_of_them
        return found

    def _durations(self, instance: str) -> Iterator[tuple[dict[str, str], Count, Count]]:
        """Labels of a histogram, how many it has counted, and how many of them were slow."""
        quick, patient = ROUTES[self.service]
        for route, status, took, slow in (
            (quick, "200", _answered, lambda each: each.slow),
            (quick, "401", lambda each: each.refused, lambda each: 0),
            # By its own limits, or as the client is slow: however long that takes.
            *((quick, status, lambda each: each.refused, lambda each: each.refused) for status in ("408", "429")),
            (quick, "500", lambda each: each.failed, lambda each: each.failed),
            (patient[0], "503", lambda each: each.limited, lambda each: each.limited),
            *((route, "200", lambda each: each.patient, lambda each: each.patient) for route in patient),
        ):
            yield {"http_route": route, "http_response_status_code": status, "instance": instance}, took, slow


Count = Callable[[Phase], float]


def _answered(each: Phase) -> float:
    return each.requests - each.failed - each.limited - each.refused


OUTCOMES: dict[str, Count] = {
    "answered": lambda each: _answered(each) + each.patient,
    "failed": lambda each: each.failed,
    "limited": lambda each: each.limited,
    "refused": lambda each: each.refused,
}


@cache
def _rules(release: Release) -> str:
    promised = {slo: {"period": release.period} for slo in LEAST_TRAFFIC}
    if release.at_bound:
        promised = {slo: {**days, "minimumTraffic": LEAST_TRAFFIC[slo]} for slo, days in promised.items()}
    values = {
        "slo": promised,
        "monitoring": {"patienceSeconds": release.patience, "runbooks": RUNBOOKS},
        "telemetry": {"exportSeconds": release.export},
    }
    return rendered(release.service, release=release.name, namespace=release.namespace, values=values)
