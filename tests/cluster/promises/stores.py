"""What the installed chart tells arrives where people look: in real stores, through the collector of observability/."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, cast

from observability.stack import Stack, free_ports
from tests.cluster.forwarding import forwarded
from tests.cluster.kubectl import apply, eventually, get, kubectl, rolled_out
from tests.cluster.objects import otel_collector
from tests.cluster.releases import install, must_be_installed
from tests.cluster.world import COLLECTOR_IMAGE, ISSUER, NAMESPACES, PLATFORM, World
from tests.telemetry.services import Release
from tests.telemetry.slowness import linked_slowly
from tests.telemetry.stores import Jaeger, Loki, Prometheus
from tests.telemetry.test_arrival import ROWS, Arrived, Row
from tests.telemetry.walk import LINK_ROUTE, Call, NotingApi, Walk, arrived

from . import NotTried, promise

RELEASES = {service: Release(service, namespace) for service, namespace in NAMESPACES.items()}
# Rows that say what is true of the two processes of `make prove-telemetry` alone: how many workers, which database.
OF_PROCESSES = (
    "process_memory_usage_bytes",
    "db_client_connection_max",
    "db_client_operation_duration_seconds",
    "careway_database_reachable",
    "careway_database_connections_limit",
    "careway_certificate_expiry_seconds",
    "careway_key_set_age_seconds",
)
LEAST_ROWS = 12
FIRING = 'ALERTS{alertstate="firing",alertname=~"Careway.*",severity!="none"}'
OBSERVED: dict[str, Any] = {
    # port-forward leads here by this name.
    "hosts": ["127.0.0.1"],
    "telemetry": {
        "endpoint": f"http://otel-collector.{PLATFORM}.svc:4318",
        "tailSampled": True,
        "exportSeconds": 2,
        "logs": True,
    },
    "networkPolicy": {
        "egress": {"telemetry": [{"namespace": PLATFORM, "podLabels": {"careway.test/proof": "otel-collector"}}]}
    },
    "slo": {"availability": {"period": 3}, "latency": {"period": 3}},
    "monitoring": {"rules": "configmap", "runbooks": "https://docs.example.org/runbooks", "dashboards": True},
}


@promise(
    "stores.arrived",
    "What the chart's pods tell arrives in Prometheus, Loki and Jaeger, one trace id in all three, and its rules are taken",
    tried="helm upgrade with telemetry.tailSampled, .logs and monitoring; the walkthrough; the query APIs of the stores",
)
def stores_have_it(world: World) -> str:
    if not COLLECTOR_IMAGE:
        raise NotTried("CAREWAY_PROOF_COLLECTOR_IMAGE names no image of the collector")
    must_be_installed(world)
    with observed(world) as stack:
        prometheus, loki = Prometheus(stack.url("prometheus")), Loki(stack.url("loki"))
        jaeger = Jaeger(stack.url("jaeger"))
        walk, call = walked(world, prometheus, loki, jaeger)
        rows = [row for row in ROWS if not row.operation.startswith(OF_PROCESSES)]
        for row in rows:
            _has_arrived(row, Arrived(RELEASES[row.service], walk, cast("Any", None), prometheus, loki, jaeger))
        _is_one_trace(call, prometheus, loki, jaeger)
        recorded = eventually(lambda: _recorded(prometheus), 60, "the objectives of both releases")
        firing = {each.labels["alertname"] for each in prometheus.query(FIRING)}
        # The authority of the proof's database ends within days: the right alert, and no other.
        assert firing == {"CarewayCertificateExpiring"}, firing
    assert len(rows) >= LEAST_ROWS
    told = f"{len(rows)} rows as they were done; {call.trace_id} in all three; {recorded} objectives recorded, none of them burns"
    return f"{told}; {', '.join(firing)} rings, and nothing else"


@contextmanager
def observed(world: World) -> Iterator[Stack]:
    """The stores on this machine, the collector in the cluster, and both releases telling it; as it was afterwards."""
    folder = world.folder / "stores"
    rules = [folder / f"{service}.yaml" for service in NAMESPACES]
    stack = Stack(folder, ports=free_ports(), host=world.address, rules=rules, interval="2s", quick_alerts=True)
    if missing := [name for name in stack.missing() if name != "otelcol"]:
        raise NotTried(f"{', '.join(missing)}: not on PATH")
    with ExitStack() as opened:
        opened.callback(_unobserved, world)
        for service in NAMESPACES:
            install(world, service, changed=OBSERVED)
        folder.mkdir(parents=True, exist_ok=True)
        for service, file in zip(NAMESPACES, rules, strict=True):
            file.write_text(_rules(service), encoding="utf-8")
        opened.callback(stack.stop)
        stack.start("alertmanager", "prometheus", "loki", "jaeger")
        urls = {
            "PROMETHEUS_URL": stack.url("prometheus"),
            "LOKI_URL": stack.url("loki"),
            "JAEGER_URL": stack.url("jaeger-otlp"),
        }
        apply(otel_collector(PLATFORM, COLLECTOR_IMAGE, urls))
        opened.callback(kubectl, "--namespace", PLATFORM, "delete", "deployment", "otel-collector")
        rolled_out(PLATFORM, "otel-collector")
        yield stack


def _unobserved(world: World) -> None:
    for service in NAMESPACES:
        install(world, service)


def _rules(service: str) -> str:
    """As the platform's Prometheus would find them."""
    (found,) = [
        each for each in get(NAMESPACES[service], "configmaps") if each["metadata"]["name"] == f"{service}-rules"
    ]
    return str(found["data"]["rules.yaml"])


def walked(world: World, prometheus: Prometheus, loki: Loki, jaeger: Jaeger) -> tuple[Walk, Call]:
    class Client(NotingApi):
        """As clients of the cluster are known there."""

        def bearer(self) -> str:
            said = {"sub": self.subject, "scope": " ".join(self.scopes), "organization": self.organization}
            return world.clients.token(iss=ISSUER, **cast("Any", said))

    with forwarded("genomics") as genomics, forwarded("clinical") as clinical:
        walk = Walk(f"http://127.0.0.1:{genomics}", f"http://127.0.0.1:{clinical}", Client)
        walk.go()
        arrived(walk, prometheus, loki, jaeger, RELEASES)
        walk.ended = time.time()
        api = Client(service="clinical", url=walk.clinical.url)
        return walk, linked_slowly(walk, api, world.database.postgres.url("careway_genomics"))


def _has_arrived(row: Row, it: Arrived) -> None:
    told, done = row.told(it), row.done(it)
    assert told == done, f"{row.service}, {row.signal}, {row.operation}: {told} and not {done}"


def _is_one_trace(call: Call, prometheus: Prometheus, loki: Loki, jaeger: Jaeger) -> None:
    names = {release.name for release in RELEASES.values()}
    series = f'http_server_request_duration_seconds_bucket{{{RELEASES["clinical"].series},http_route="{LINK_ROUTE}"}}'
    eventually(lambda: names == {span.service for span in jaeger.trace(call.trace_id)}, 60, "spans of both services")
    exemplars = lambda: [each for each in prometheus.exemplars(series) if each.trace_id == call.trace_id]  # noqa: E731
    eventually(exemplars, 60, "an exemplar of the link")
    for release in RELEASES.values():
        query = f'{release.stream} | scope_name="careway.request" | trace_id="{call.trace_id}"'
        eventually(partial(loki.lines, query), 60, f"the request line of {release.name}")


def _recorded(prometheus: Prometheus) -> int:
    found = prometheus.query("careway:slo_error_budget_remaining:ratio")
    told = {(each.labels["service"], each.labels["slo"]): each.value for each in found}
    assert len(told) == 2 * len(RELEASES), json.dumps(sorted(told))
    return len(told)
