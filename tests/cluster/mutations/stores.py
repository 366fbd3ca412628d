"""How the promises of promises/stores.py are broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.observing import OBSERVED
from tests.cluster.world import World
from tests.telemetry.walk import FAMILY

from . import mutation


@contextmanager
def changed(group: str, **values: Any) -> Iterator[None]:
    """What the releases are told when their telemetry is looked at."""
    before = OBSERVED.get(group, {})
    try:
        OBSERVED[group] = {**before, **values}
        yield
    finally:
        OBSERVED[group] = before


@mutation("stores: logs stay in the pods", breaks=("stores.arrived",))
def logs_stay(world: World) -> Iterator[None]:
    with changed("telemetry", logs=False):
        yield


@mutation("stores: pods make no traces", breaks=("stores.arrived",))
def traces_stay(world: World) -> Iterator[None]:
    with changed("settings", OTEL_TRACES_EXPORTER="none"):
        yield


@mutation("stores: a name is told where nothing looks through it", breaks=("stores.silent",))
def name_is_told(world: World) -> Iterator[None]:
    with changed("telemetry", attributes={"k8s.cluster.name": FAMILY}):
        yield


@mutation("stores: rules look at somebody else's release", breaks=("stores.woken",))
def elsewhere(world: World) -> Iterator[None]:
    with changed("monitoring", selector={"k8s_namespace_name": "elsewhere"}):
        yield
