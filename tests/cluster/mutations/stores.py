"""How the promise of promises/stores.py is broken."""

from __future__ import annotations

from collections.abc import Iterator

from tests.cluster.promises.stores import OBSERVED
from tests.cluster.world import World

from . import mutation


@mutation("stores: logs stay in the pods", breaks=("stores.arrived",))
def logs_stay(world: World) -> Iterator[None]:
    telemetry = OBSERVED["telemetry"]
    telemetry["logs"] = False
    try:
        yield
    finally:
        telemetry["logs"] = True


@mutation("stores: pods make no traces", breaks=("stores.arrived",))
def traces_stay(world: World) -> Iterator[None]:
    settings = OBSERVED.setdefault("settings", {})
    settings["OTEL_TRACES_EXPORTER"] = "none"
    try:
        yield
    finally:
        del settings["OTEL_TRACES_EXPORTER"]
