"""How the promises of promises/telemetry.py are broken."""

from __future__ import annotations

from collections.abc import Iterator

from tests.cluster.kubectl import Object, get, patch, rolled_out
from tests.cluster.releases import install
from tests.cluster.world import NAMESPACES, PLATFORM, World

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
        # An address of documentation (RFC 5737): the chart refuses to name none.
        elsewhere = [{"cidr": "192.0.2.1/32"}]
        # Connections that are there go on, so the pods are new ones.
        again = {"podAnnotations": {"careway.test/broken": "yes"}}
        install(world, "genomics", changed={"networkPolicy": {"egress": {"telemetry": elsewhere}}, **again})
        yield
    finally:
        install(world, "genomics")


@mutation("telemetry: a pod is ready only while the collector answers", breaks=("telemetry.missing",))
def needed(world: World) -> Iterator[None]:
    # The chart's values know no such probe.
    ask = f"import socket; socket.create_connection(('collector.{PLATFORM}.svc', 4318), 1)"
    probe = {"exec": {"command": ["python", "-c", ask]}, "periodSeconds": 3, "timeoutSeconds": 3, "failureThreshold": 1}
    (container,) = get(NAMESPACES["clinical"], "deployment", "clinical")["spec"]["template"]["spec"]["containers"]
    try:
        _probe(probe)
        yield
    finally:
        _probe(container["readinessProbe"])


def _probe(probe: Object) -> None:
    team, path = NAMESPACES["clinical"], "/spec/template/spec/containers/0/readinessProbe"
    patch(team, "deployment", "clinical", "replace", path, probe)
    rolled_out(team, "clinical")
