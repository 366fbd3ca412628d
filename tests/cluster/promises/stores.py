"""What the installed chart tells arrives where people look, nothing of a person is in it, and its alerts ring and clear.

In the real stores of this machine, through the collector of observability/ in the cluster: tests/cluster/observing.py.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any, cast

from tests.canaries import Canaries, PlantingApi
from tests.cluster.faults import FAULTS, drilled
from tests.cluster.kubectl import eventually
from tests.cluster.observing import Observed, led_nowhere, observed
from tests.cluster.world import NAMESPACES, World
from tests.server.sweep import Sweep
from tests.telemetry.services import Release
from tests.telemetry.slowness import linked_slowly
from tests.telemetry.test_arrival import ROWS, Arrived, Row
from tests.telemetry.walk import LINK_ROUTE, SECRETS, Call, NotingApi, Walk, arrived, is_steady

from . import promise

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


@promise(
    "stores.arrived",
    "What the chart's pods tell arrives in Prometheus, Loki and Jaeger, one trace id in all three, and its rules are taken",
    tried="helm upgrade with telemetry.tailSampled, .logs and monitoring; the walkthrough; the query APIs of the stores",
)
def stores_have_it(world: World) -> str:
    with observed(world) as stores:
        walk, call = walked(stores)
        rows = [row for row in ROWS if not row.operation.startswith(OF_PROCESSES)]
        for row in rows:
            release = RELEASES[row.service]
            _has_arrived(row, Arrived(release, walk, cast("Any", None), stores.prometheus, stores.loki, stores.jaeger))
        _is_one_trace(call, stores)
        recorded = eventually(lambda: _recorded(stores), 60, "the objectives of both releases")
        firing = {each.labels["alertname"] for each in stores.prometheus.query(FIRING)}
        assert not firing, firing
    assert len(rows) >= LEAST_ROWS
    return (
        f"{len(rows)} rows as they were done; {call.trace_id} in all three; "
        f"{recorded} objectives recorded, none of them burns, and nothing rings"
    )


def walked(stores: Observed) -> tuple[Walk, Call]:
    client = stores.client(NotingApi)
    walk = Walk(stores.url("genomics"), stores.url("clinical"), client)
    walk.go()
    arrived(walk, stores.prometheus, stores.loki, stores.jaeger, RELEASES)
    walk.ended = time.time()
    genomics = stores.world.database.postgres.url("careway_genomics")
    return walk, linked_slowly(walk, client("clinical"), genomics)


def _has_arrived(row: Row, it: Arrived) -> None:
    told, done = row.told(it), row.done(it)
    assert told == done, f"{row.service}, {row.signal}, {row.operation}: {told} and not {done}"


def _is_one_trace(call: Call, stores: Observed) -> None:
    names = {release.name for release in RELEASES.values()}
    series = f'http_server_request_duration_seconds_bucket{{{RELEASES["clinical"].series},http_route="{LINK_ROUTE}"}}'
    spans = lambda: names == {span.service for span in stores.jaeger.trace(call.trace_id)}  # noqa: E731
    eventually(spans, 60, "spans of both services")
    exemplars = lambda: [each for each in stores.prometheus.exemplars(series) if each.trace_id == call.trace_id]  # noqa: E731
    eventually(exemplars, 60, "an exemplar of the link")
    for release in RELEASES.values():
        query = f'{release.stream} | scope_name="careway.request" | trace_id="{call.trace_id}"'
        eventually(partial(stores.loki.lines, query), 60, f"the request line of {release.name}")


def _recorded(stores: Observed) -> int:
    found = stores.prometheus.query("careway:slo_error_budget_remaining:ratio")
    told = {(each.labels["service"], each.labels["slo"]): each.value for each in found}
    assert len(told) == 2 * len(RELEASES), json.dumps(sorted(told))
    return len(told)


@promise(
    "stores.silent",
    "Nothing that a client has written or invented is in any store",
    tried="the walkthrough, then every operation with a canary wherever a client may write; all that the stores answer",
)
def nothing_of_a_person(world: World) -> str:
    canaries = Canaries()
    with observed(world) as stores:
        Walk(stores.url("genomics"), stores.url("clinical"), stores.client(NotingApi)).go()
        made = stores.client(PlantingApi)
        clients = {service: made(service, canaries=canaries) for service in NAMESPACES}
        Sweep(clients["genomics"]).run()
        # A link to what nobody has is stored while nobody can be asked.
        with led_nowhere("genomics"):
            Sweep(clients["clinical"]).run()
        for service, client in clients.items():
            last = client.get("/problems").header("X-Request-Id")
            query = f'{RELEASES[service].stream} | request_id="{last}"'
            eventually(partial(stores.loki.lines, query), 60, f"the last line of {service}")
        eventually(lambda: is_steady(stores.jaeger), 60, "no more traces")
        lines = len(stores.loki.lines('{service_name=~".+"} | scope_name="careway.request"'))
        held = {
            store.__class__.__name__: "\n".join(store.everything())
            for store in (stores.prometheus, stores.loki, stores.jaeger)
        }
    answers = sum(sum(client.answers.values()) for client in clients.values())
    # Some are refused before they are requests.
    assert lines > 0.9 * answers, f"{lines} lines of {answers} answers: too little was searched"
    for store, text in held.items():
        assert all(release.name in text for release in RELEASES.values()), f"{store} has not heard of both"
        told = canaries.told(text) + [secret for secret in SECRETS if secret.lower() in text.lower()]
        assert not told, f"{store} holds {len(told)}: {told[:3]}"
    leaks = [leak for client in clients.values() for leak in client.leaks]
    assert not leaks, leaks[:3]
    size = sum(map(len, held.values())) / 1e6
    return f"{len(canaries.planted)} canaries in {answers} requests, {size:.0f} MB of answers searched: none"


@promise(
    "stores.woken",
    "Of each fault the right alert rings and no other, who is to be told is told, and it clears when the fault is mended",
    tried="; ".join(FAULTS) + "; under load, each with what Prometheus fires and Alertmanager's webhook receives",
)
def the_right_ones_are_woken(world: World) -> str:
    with observed(world, history=True) as stores, drilled(stores) as stage:
        told = [make(stage, name) for name, make in FAULTS.items()]
    return "; ".join(
        f"{line.fault}: {line.alerts} rang after {line.firing:.0f} s, was told after {line.webhook:.0f} s"
        f" and over {line.cleared:.0f} s after the repair"
        for line in told
    )
