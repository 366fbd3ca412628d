"""Instruments of the chassis: name, unit, description, in one place. Attributes have few values, which the code names."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

meter = metrics.get_meter("careway.chassis")

authentication_refusals = meter.create_counter(
    "careway.authentication.refusals", unit="{token}", description="Bearer tokens refused, by reason."
)
idempotent_replays = meter.create_counter(
    "careway.idempotent.replays",
    unit="{request}",
    description="Requests answered with the stored answer of an earlier one.",
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
