"""Both releases, as they tell the collector of observability/ everything, and the stores of this machine that hold it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from observability.stack import Stack, free_ports
from tests.api import RemoteApi
from tests.chart.rendering import merged
from tests.telemetry.faults import EVALUATION_SECONDS, EXPORT_SECONDS, VALUES, past
from tests.telemetry.stores import Jaeger, Loki, Prometheus

from .forwarding import forwarded
from .kubectl import apply, get, kubectl, patch, pods, rolled_out
from .kubectl import eventually as soon
from .objects import otel_collector
from .promises import NotTried
from .releases import install, must_be_installed
from .world import COLLECTOR_IMAGE, NAMESPACES, PLATFORM, World

COLLECTOR = "otel-collector"
Kind = TypeVar("Kind", bound=RemoteApi)
OBSERVED: dict[str, Any] = merged(
    VALUES,
    {
        # port-forward leads here by this name.
        "hosts": ["127.0.0.1"],
        "telemetry": {
            "endpoint": f"http://{COLLECTOR}.{PLATFORM}.svc:4318",
            "tailSampled": True,
            "exportSeconds": EXPORT_SECONDS,
            "logs": True,
        },
        "networkPolicy": {
            "egress": {"telemetry": [{"namespace": PLATFORM, "podLabels": {"careway.test/proof": COLLECTOR}}]}
        },
        # Sooner than the collector here decides on a trace (objects.py).
        "settings": {"OTEL_BSP_SCHEDULE_DELAY": "500"},
        "monitoring": {"rules": "configmap", "runbooks": "https://docs.example.org/runbooks", "dashboards": True},
    },
)


@dataclass
class Observed:
    """The stores, and the way to the services; `organization` is one that nobody has used before."""

    world: World
    stack: Stack
    ports: Mapping[str, int]
    organization: str

    @property
    def prometheus(self) -> Prometheus:
        return Prometheus(self.stack.url("prometheus"))

    @property
    def loki(self) -> Loki:
        return Loki(self.stack.url("loki"))

    @property
    def jaeger(self) -> Jaeger:
        return Jaeger(self.stack.url("jaeger"))

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def client(self, kind: type[Kind]) -> Callable[..., Kind]:
        """Makes clients of this kind, with tokens of the issuer that the releases trust, who work for the organization."""

        def bearer(api: RemoteApi) -> str:
            return self.world.token(api.subject, " ".join(api.scopes), api.organization)

        known = cast("type[Kind]", type(kind.__name__, (kind,), {"bearer": bearer}))

        def made(service: str, **about: Any) -> Kind:
            return known(**{"service": service, "url": self.url(service), "organization": self.organization, **about})

        return made


@contextmanager
def observed(world: World, *, history: bool = False) -> Iterator[Observed]:
    """The stores on this machine, the collector in the cluster, both releases telling it; as it was afterwards.

    With `history` Prometheus begins with hours in which all was well.
    """
    if not COLLECTOR_IMAGE:
        raise NotTried("CAREWAY_PROOF_COLLECTOR_IMAGE names no image of the collector")
    must_be_installed(world)
    name = f"stores-{secrets.token_hex(3)}"
    folder = world.folder / name
    rules = [folder / f"{service}.yaml" for service in NAMESPACES]
    stack = Stack(
        folder,
        ports=free_ports(),
        host=world.address,
        rules=rules,
        interval=f"{EVALUATION_SECONDS}s",
        quick_alerts=True,
    )
    if missing := [name for name in stack.missing() if name != "otelcol"]:
        raise NotTried(f"{', '.join(missing)}: not on PATH")
    folder.mkdir()
    with ExitStack() as opened:
        opened.callback(_unobserved, world)
        for service, file in zip(NAMESPACES, rules, strict=True):
            install(world, service, changed=OBSERVED)
            file.write_text(_rules(service), encoding="utf-8")
        if history:
            past(folder, NAMESPACES)
        opened.callback(stack.stop)
        stack.start("alertmanager", "prometheus", "loki", "jaeger")
        stores = {"PROMETHEUS_URL": "prometheus", "LOKI_URL": "loki", "JAEGER_URL": "jaeger-otlp"}
        urls = {variable: stack.url(store) for variable, store in stores.items()}
        apply(otel_collector(PLATFORM, COLLECTOR_IMAGE, urls))
        opened.callback(kubectl, "--namespace", PLATFORM, "delete", "deployment", COLLECTOR)
        rolled_out(PLATFORM, COLLECTOR)
        ports = {service: opened.enter_context(forwarded(service)) for service in NAMESPACES}
        yield Observed(world, stack, ports, name)


def _unobserved(world: World) -> None:
    for service in NAMESPACES:
        install(world, service)


def _rules(service: str) -> str:
    """As the platform's Prometheus would find them."""
    found = {each["metadata"]["name"]: each for each in get(NAMESPACES[service], "configmaps")}
    return str(found[f"{service}-rules"]["data"]["rules.yaml"])


@contextmanager
def led_nowhere(service: str) -> Iterator[None]:
    """Its Service has no pod: who asks it is refused. What is forwarded to a pod goes on."""
    path, team = "/spec/selector", NAMESPACES[service]
    before = get(team, "service", service)["spec"]["selector"]
    try:
        patch(team, "service", service, "replace", path, {"careway.test/nowhere": "yes"})
        yield
    finally:
        patch(team, "service", service, "replace", path, before)


def scale(namespace: str, deployment: str, labels: str, replicas: int) -> None:
    """And waits until so many pods are there."""
    kubectl("--namespace", namespace, "scale", f"deployment/{deployment}", f"--replicas={replicas}")
    rolled_out(namespace, deployment)
    soon(lambda: len(pods(namespace, labels)) == replicas, 60, f"{replicas} pods of {deployment}")
