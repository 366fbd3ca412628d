"""How the promises of promises/telemetry.py are broken."""

from __future__ import annotations

from collections.abc import Iterator

from tests.cluster.kubectl import get
from tests.cluster.releases import install
from tests.cluster.world import PLATFORM, World

from . import mutation


@mutation("telemetry: genomics sends to a port where nobody listens", breaks=("telemetry.traced",))
def endpoint(world: World) -> Iterator[None]:
    try:
        install(world, "genomics", changed={"telemetry": {"endpoint": f"http://collector.{PLATFORM}.svc:4319"}})
        yield
    finally:
        install(world, "genomics")


@mutation("telemetry: metrics carry no exemplars", breaks=("telemetry.traced",))
def exemplars(world: World) -> Iterator[None]:
    try:
        install(world, "clinical", changed={"settings": {"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}})
        yield
    finally:
        install(world, "clinical")


@mutation("telemetry: no policy lets genomics reach the collector", breaks=("telemetry.traced",))
def unreachable(world: World) -> Iterator[None]:
    try:
        install(world, "genomics", changed={"networkPolicy": {"egress": {"telemetry": []}}})
        yield
    finally:
        install(world, "genomics")


@mutation("telemetry: a pod is ready only while the collector answers", breaks=("telemetry.missing",))
def needed(world: World) -> Iterator[None]:
    address = get(PLATFORM, "service", "collector")["spec"]["clusterIP"]
    probe = {"httpGet": {"host": address, "path": "/", "port": 4318}, "failureThreshold": 1}
    try:
        install(world, "clinical", changed={"readinessProbe": probe})
        yield
    finally:
        install(world, "clinical")
