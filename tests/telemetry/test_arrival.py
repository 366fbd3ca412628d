"""All that two real processes tell arrives in the three stores, and says there what was done.

Each row is one service, one signal and one operation. What is counted is compared with what the walk did, and not looked
for alone; counts are added up over worker processes, each of which is an `instance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest

from chassis.issuers import DEVELOPMENT_NAME, DEVELOPMENT_SERVICES_NAME
from tests.servers import Server
from tests.telemetry.services import ENDS, RELEASES, WORKERS, Release
from tests.telemetry.stores import Jaeger, Line, Loki, Prometheus, Span
from tests.telemetry.walk import (
    ANALYSIS_ROUTE,
    CALLER,
    LINK_ROUTE,
    PAGE_ROUTE,
    SLOW_SECONDS,
    VCF_ROUTE,
    VISIT_ROUTE,
    Call,
    Walk,
    requests_counted,
)

# The servers are started once, in one process.
pytestmark = pytest.mark.xdist_group("stores")


@dataclass
class Arrived:
    """What one service told of the walk, as the stores have it."""

    release: Release
    walk: Walk
    server: Server
    prometheus: Prometheus
    loki: Loki
    jaeger: Jaeger

    # --- Metrics --------------------------------------------------------------------------------------------------------

    def by(self, label: str, name: str, **labels: str) -> dict[str, int]:
        """What a counter has grown by in the walk, by the values of a label."""
        expr = f"sum by ({label}) ({self._series(name, labels)})"
        before = Counter(
            {each.labels.get(label, ""): each.value for each in self.prometheus.query(expr, at=self.walk.began)}
        )
        after = self.prometheus.query(expr, at=self.walk.ended)
        return {key.labels.get(label, ""): round(key.value - before[key.labels.get(label, "")]) for key in after}

    def grown(self, name: str, **labels: str) -> int:
        """The same in all. A series that is not there is no zero."""
        (total,) = self.by("service_name", name, **labels).values()
        return total

    def gauge(self, how: str, name: str, **labels: str) -> float:
        """A gauge at the walk's end, over all workers: `max`, `sum`, `count`."""
        (sample,) = self.prometheus.query(f"{how}({self._series(name, labels)})", at=self.walk.ended)
        return sample.value

    def _series(self, name: str, labels: dict[str, str]) -> str:
        chosen = [self.release.series, *(f'{label}="{value}"' for label, value in labels.items())]
        return f"{name}{{{','.join(chosen)}}}"

    # --- Logs -----------------------------------------------------------------------------------------------------------

    def lines(self, logger: str) -> list[Line]:
        query = f'{self.release.stream} | scope_name="{logger}"'
        return self.loki.lines(query, start=self.walk.began, end=self.walk.ended)

    def line_of(self, call: Call) -> Line:
        (line,) = [line for line in self.lines("careway.request") if line.metadata["request_id"] == call.request_id]
        return line

    # --- Traces ---------------------------------------------------------------------------------------------------------

    def kept(self, method: str, route: str, status: int) -> list[Span]:
        """The spans of a trace that was kept, of the many such requests."""
        calls = self.walk.of(self.release.service, method, route, status)
        found = self.jaeger.kept([call.trace_id for call in calls], self.release.name)
        assert found, f"of {len(calls)} traces none was kept"
        return self.jaeger.trace(min(found))

    def served(self, spans: list[Span]) -> Span:
        """The server span of this service."""
        (span,) = [span for span in spans if span.kind == "server" and span.service == self.release.name]
        return span


# --- What was done, as a count -----------------------------------------------------------------------------------------


def outcomes(it: Arrived) -> dict[str, int]:
    found = Counter(str(call.status) for call in it.walk.of("genomics", "PUT", VCF_ROUTE))
    return {"stored": found["201"], "repeated": found["200"], "refused": found["422"], "failed": 0}


def connections_for_all(it: Arrived) -> int:
    """Those of PostgreSQL without what it reserves for its superusers."""
    names = "max_connections", "superuser_reserved_connections", "reserved_connections"
    with psycopg.connect(it.server.database) as connection:
        most, *kept = (int(connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0]) for name in names)
    return most - sum(kept)


def granted(it: Arrived) -> int:
    """Accesses that were granted: the walk's, and those of clinical as a service."""
    own = sum(call.status < 400 for call in it.walk.of(it.release.service))
    return own + (it.walk.kinds("genomics") - Counter(c.kind for c in it.walk.of("genomics")))[
        "GET", ANALYSIS_ROUTE, 200
    ] * (it.release.service == "genomics")


# --- What a store tells ------------------------------------------------------------------------------------------------


def requests(it: Arrived) -> Any:
    counted = requests_counted(it.prometheus, it.release, at=it.walk.ended)
    return counted - requests_counted(it.prometheus, it.release, at=it.walk.began)


def slower_than(it: Arrived, seconds: str) -> int:
    """Uploads of the file that took longer, by the buckets."""
    name = "http_server_request_duration_seconds_bucket"
    found = it.by("le", name, http_route=VCF_ROUTE, http_response_status_code="201")
    return found["+Inf"] - found[seconds]


def of_uploads(it: Arrived) -> list[float]:
    """How long those of the file took, without what the client dawdled at the last one."""
    *others, slow = (call.seconds for call in it.walk.of("genomics", "PUT", VCF_ROUTE, 201))
    return [*others, slow - SLOW_SECONDS]


def request_lines(it: Arrived) -> Any:
    found = (line.metadata for line in it.lines("careway.request"))
    return Counter((each["method"], each["route"], int(each["status"])) for each in found)


def upload_line(it: Arrived) -> Any:
    """The line of the slow upload: what it says, and that it names the trace."""
    call = it.walk.of("genomics", "PUT", VCF_ROUTE)[-1]
    line = it.line_of(call)
    (level,) = {line.metadata.get("severity_text")}
    return line.text, level, line.metadata["status"], line.metadata["trace_id"] == call.trace_id, (
        float(line.metadata["duration_ms"]) > SLOW_SECONDS * 1000
    )  # fmt: skip


def ingestion(it: Arrived) -> Any:
    """Name, parent and rows of the spans of the slow upload, from the request to the copy."""
    call = it.walk.of("genomics", "PUT", VCF_ROUTE)[-1]
    spans = it.jaeger.trace(call.trace_id)
    names = {span.span_id: span.name for span in spans}
    chain = [
        it.served(spans),
        *(next(s for s in spans if s.name == name) for name in ("ingest", "COPY genomics_variant")),
    ]
    return (
        [(span.name, names.get(span.parent_id, span.parent_id)) for span in chain],
        chain[1].tags["careway.ingestion.outcome"],
        int(chain[2].tags["careway.rows"]),
    )


def statements(it: Arrived, kind: tuple[str, str, int]) -> Any:
    """Of a request that was kept: its server span's parent, and whether all statements are below it and name the database."""
    spans = it.kept(*kind)
    server = it.served(spans)
    below = [span for span in spans if "db.system.name" in span.tags and span.service == it.release.name]
    named = {(span.parent_id == server.span_id, span.tags["db.system.name"], span.kind) for span in below}
    return server.parent_id, server.name, int(server.tags["http.response.status_code"]), named


def across(it: Arrived) -> Any:
    """Of a link that was kept: who is below whom."""
    spans = it.kept("POST", LINK_ROUTE, 201)
    (asked,) = [span for span in spans if span.kind == "server" and span.service == "careway-genomics"]
    (call,) = [span for span in spans if span.span_id == asked.parent_id]
    return asked.name, call.kind, call.service, call.parent_id == it.served(spans).span_id


class Row(NamedTuple):
    """`told` is what a store says, `done` what the walk did."""

    service: str
    signal: str
    operation: str
    told: Callable[[Arrived], Any]
    done: Callable[[Arrived], Any]


def metric(service: str, operation: str, told: Callable[[Arrived], Any], done: Callable[[Arrived], Any]) -> Row:
    return Row(service, "metric", operation, told, done)


OF_BOTH = [
    row
    for service in RELEASES
    for row in (
        metric(service, "every request, by method, route and status", requests, lambda it: it.walk.kinds(it.release.service)),
        metric(
            service, "careway_requests_total: what counts for the objective",
            lambda it: it.by("outcome", "careway_requests_total", api=it.release.service),
            lambda it: {"answered": it.walk.kinds(it.release.service).total() - len(it.walk.of(it.release.service, status=401)),
                        "failed": 0, "limited": 0, "refused": len(it.walk.of(it.release.service, status=401))},
        ),
        metric(
            service, "careway_authentication_refusals_total: a token that is none",
            lambda it: sum(it.by("reason", "careway_authentication_refusals_total").values()),
            lambda it: len(it.walk.of(it.release.service, status=401)),
        ),
        metric(
            service, "process_memory_usage_bytes: every worker",
            lambda it: it.gauge("count", "process_memory_usage_bytes"), lambda it: WORKERS[it.release.service],
        ),
        metric(
            service, "db_client_connection_max: the pool of every worker",
            lambda it: it.gauge("count", "db_client_connection_max"), lambda it: WORKERS[it.release.service],
        ),
        metric(
            service, "db_client_operation_duration_seconds: statements of this database alone",
            lambda it: {name for name, number in it.by("db_namespace", "db_client_operation_duration_seconds_count").items() if number},
            lambda it: {urlsplit(it.server.database).path.removeprefix("/")},
        ),
        metric(
            service, "careway_database_reachable: by every worker",
            lambda it: it.gauge("sum", "careway_database_reachable"), lambda it: WORKERS[it.release.service],
        ),
        metric(
            service, "careway_database_connections_limit: what PostgreSQL has for all",
            lambda it: it.gauge("min", "careway_database_connections_limit"), connections_for_all,
        ),
        metric(
            service, "careway_certificate_expiry_seconds: of the authority of its database",
            lambda it: it.gauge("min", "careway_certificate_expiry_seconds"), lambda _: ENDS.timestamp(),
        ),
        metric(
            service, "careway_key_set_age_seconds: of every issuer that is trusted",
            lambda it: {issuer for issuer, age in it.by("issuer", "careway_key_set_age_seconds").items() if age < 60},
            lambda _: {DEVELOPMENT_NAME, DEVELOPMENT_SERVICES_NAME},
        ),
        metric(
            service, "careway_migrations_pending: none",
            lambda it: it.gauge("max", "careway_migrations_pending"), lambda _: 0,
        ),
        Row(service, "log", "a request line for every request", request_lines, lambda it: it.walk.kinds(it.release.service)),
        Row(service, "log", "an access line for every access granted", lambda it: len(it.lines("careway.access")), granted),
    )
]  # fmt: skip
OF_GENOMICS = [
    metric("genomics", "PUT of a file: uploads by status",
           lambda it: it.by("http_response_status_code", "http_server_request_duration_seconds_count", http_route=VCF_ROUTE),
           lambda it: Counter(str(call.status) for call in it.walk.of("genomics", "PUT", VCF_ROUTE))),
    metric("genomics", "an upload is above its bucket by what the service took, and not its client", lambda it: slower_than(it, "0.75"),
           lambda it: sum(seconds > 0.75 for seconds in of_uploads(it))),
    metric("genomics", "careway_variants_ingested_total", lambda it: it.grown("careway_variants_ingested_total"),
           lambda it: sum(it.walk.variants)),
    metric("genomics", "careway_ingestions_total", lambda it: it.by("outcome", "careway_ingestions_total"), outcomes),
    metric("genomics", "careway_ingestion_duration_seconds",
           lambda it: Counter(it.by("outcome", "careway_ingestion_duration_seconds_count")),
           lambda it: Counter(outcomes(it))),
    metric("genomics", "careway_reports_signed_total", lambda it: it.by("status", "careway_reports_signed_total")["final"],
           lambda _: 1),
    Row("genomics", "log", "PUT of a file, slowly", upload_line, lambda _: ("request", "INFO", "201", True, True)),
    Row("genomics", "trace", "PUT of a file, slowly: request, ingestion, copy", ingestion,
        lambda it: ([(f"PUT {VCF_ROUTE}", CALLER), ("ingest", f"PUT {VCF_ROUTE}"), ("COPY genomics_variant", "ingest")],
                    "stored", it.walk.variants[-1])),
    Row("genomics", "trace", "GET of a page of variants", lambda it: statements(it, ("GET", PAGE_ROUTE, 200)),
        lambda _: (CALLER, f"GET {PAGE_ROUTE}", 200, {(True, "postgresql", "client")})),
]  # fmt: skip
OF_CLINICAL = [
    metric("clinical", "careway_link_verifications_total",
           lambda it: Counter(it.by("outcome", "careway_link_verifications_total")),
           lambda it: Counter(verified=len(it.walk.of("clinical", "POST", LINK_ROUTE, 201)),
                              gone=len(it.walk.of("clinical", "POST", LINK_ROUTE, 409)))),
    metric("clinical", "http_client_request_duration_seconds: questions to genomics",
           lambda it: it.grown("http_client_request_duration_seconds_count"), lambda it: it.walk.asked),
    metric("clinical", "careway_idempotent_replays_total", lambda it: it.grown("careway_idempotent_replays_total"),
           lambda _: 1),
    metric("clinical", "careway_links_pending: none", lambda it: it.gauge("max", "careway_links_pending"), lambda _: 0),
    metric("clinical", "careway_links_pending_age_seconds: none",
           lambda it: it.gauge("max", "careway_links_pending_age_seconds"), lambda _: 0),
    Row("clinical", "trace", "POST of a consultation", lambda it: statements(it, ("POST", VISIT_ROUTE, 201)),
        lambda _: (CALLER, f"POST {VISIT_ROUTE}", 201, {(True, "postgresql", "client")})),
    Row("clinical", "trace", "POST of a link: the question to genomics, and its answer there", across,
        lambda _: (f"GET {ANALYSIS_ROUTE}", "client", "careway-clinical", True)),
]  # fmt: skip
ROWS = [*OF_BOTH, *OF_GENOMICS, *OF_CLINICAL]


@pytest.fixture(params=ROWS, ids=lambda row: f"{row.service}-{row.signal}-{row.operation}")
def row(request: pytest.FixtureRequest) -> Row:
    return request.param  # type: ignore[no-any-return]  # a Row


@pytest.fixture
def it(
    row: Row, walkthrough: Walk, genomics: Server, clinical: Server, prometheus: Prometheus, loki: Loki, jaeger: Jaeger
) -> Arrived:
    server = {"genomics": genomics, "clinical": clinical}[row.service]
    return Arrived(RELEASES[row.service], walkthrough, server, prometheus, loki, jaeger)


def test_what_was_done_has_arrived(row: Row, it: Arrived) -> None:
    assert row.told(it) == row.done(it)


def test_the_rows_are_of_both_services_and_all_signals() -> None:
    assert {(row.service, row.signal) for row in ROWS} == {
        (service, signal) for service in RELEASES for signal in ("metric", "log", "trace")
    }
    assert len(ROWS) >= 12
