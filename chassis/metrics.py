"""Instruments of the chassis: name, unit, description, in one place. Attributes have few values, which the code names."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from .instruments import Counter as Counted
from .instruments import Gauge

meter = metrics.get_meter("careway.chassis")

# Their series of each service begin where it is served: a command that counts zero requests would seem to serve.
requests = Counted(
    meter, "careway.requests", unit="{request}", description="Requests to a service, by outcome.", api=(), outcome=()
)
# Its reasons stand in chassis/tokens.py.
authentication_refusals = Counted(
    meter, "careway.authentication.refusals", unit="{token}", description="Bearer tokens refused, by reason.", reason=()
)
idempotent_replays = Counted(
    meter,
    "careway.idempotent.replays",
    unit="{request}",
    description="Requests answered with the stored answer of an earlier one.",
)

# What chassis/vitals.py looks up.
database_reachable = Gauge(
    meter, "careway.database.reachable", unit="{database}", description="1 while the database can be reached, else 0."
)
database_connections = Gauge(
    meter,
    "careway.database.connections",
    unit="{connection}",
    description="Connections under the limit that will be met first: the server's, the database's or the role's.",
)
database_connections_limit = Gauge(
    meter,
    "careway.database.connections.limit",
    unit="{connection}",
    description="Connections that this limit allows.",
)
migrations_pending = Gauge(
    meter, "careway.migrations.pending", unit="{migration}", description="Migrations of the code that are not applied."
)
key_set_age = Gauge(
    meter, "careway.key_set.age", "issuer", unit="s", description="Time since an issuer's keys were last good."
)
certificate_expiry = Gauge(
    meter,
    "careway.certificate.expiry",
    unit="s",
    description="When the first authority in the database's CA file expires, in Unix time.",
)


class ActiveRequests:
    """Counted here, and told when somebody collects: the SDK's own counter costs 12 µs a request, up and down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Counter[tuple[str, str]] = Counter()

    def enter(self, method: str, scheme: str) -> None:
        with self._lock:
            self._running[method, scheme] += 1

    def leave(self, method: str, scheme: str) -> None:
        with self._lock:
            self._running[method, scheme] -= 1

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            running = [*self._running.items()]
        for (method, scheme), number in running:
            yield Observation(number, {"http.request.method": method, "url.scheme": scheme})


active_requests = ActiveRequests()
requests_running = meter.create_observable_up_down_counter(
    "http.server.active_requests",
    [active_requests.observe],
    unit="{request}",
    description="Requests that run, by method.",
)


def _of_pool(
    *states: tuple[str, Callable[[dict[str, int]], float]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Observes the pool of this process, once there is one: asking for it in any other way would open it."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        from django.db.backends.postgresql.base import (
            DatabaseWrapper,
        )  # the chassis is imported before Django is set up

        pools: dict[str, Any] = getattr(DatabaseWrapper, "_connection_pools")  # noqa: B009  (its stubs do not know it)
        for alias, pool in list(pools.items()):
            stats = pool.get_stats()
            for state, measure in states:
                named = {"db.client.connection.pool.name": alias}
                yield Observation(measure(stats), {**named, "db.client.connection.state": state} if state else named)

    return observe


# Names and units of the semantic conventions for database clients, where they have one.
pool_connections = meter.create_observable_up_down_counter(
    "db.client.connection.count",
    [_of_pool(("idle", lambda s: s["pool_available"]), ("used", lambda s: s["pool_size"] - s["pool_available"]))],
    unit="{connection}",
    description="Connections of the pool, by state.",
)
pool_limit = meter.create_observable_up_down_counter(
    "db.client.connection.max",
    [_of_pool(("", lambda s: s["pool_max"]))],
    unit="{connection}",
    description="Connections that the pool may have.",
)
pool_waiting = meter.create_observable_up_down_counter(
    "db.client.connection.pending_requests",
    [_of_pool(("", lambda s: s.get("requests_waiting", 0)))],
    unit="{request}",
    description="Threads that wait for a connection.",
)
pool_timeouts = meter.create_observable_counter(
    "db.client.connection.timeouts",
    [_of_pool(("", lambda s: s.get("requests_errors", 0)))],
    unit="{timeout}",
    description="Threads that got no connection in time.",
)
pool_wait = meter.create_observable_counter(
    "careway.pool.wait",
    [_of_pool(("", lambda s: s.get("requests_wait_ms", 0) / 1000))],
    unit="s",
    description="Time that threads have waited for a connection, in all.",
)
