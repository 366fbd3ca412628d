"""The stage on which faults are made: two services with their databases, the servers that watch them, and who is woken."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from observability.rules import rendered
from observability.stack import Stack, free_ports
from observability.webhook import Webhook
from tests.postgres import Postgres
from tests.relay import Relay
from tests.servers import Server, migrate
from tests.telemetry.load import PER_SECOND, Load
from tests.telemetry.lookout import Drill, Lookout
from tests.telemetry.stores import Prometheus, eventually

# The least that the chart takes: an hour of a month is six minutes of it, and five minutes are 30 s.
PERIOD_DAYS = 3
SHORTEST = "30s"
# Of both objectives. 26 s of nothing but failures page by the fast pair of windows (14.4 times 0.5 % of six minutes), 65 s
# would by the slow one, and 130 s write a ticket (six times that of 36 min, and once that of 7.2 h); each rings 15 s
# later, for what is recorded of the shortest window is half a window late. So there is time between one and the next, also
# on a busy machine; with 99.9 % all three would lie within 26 s.
OBJECTIVE = 99.5
LATENCY_SECONDS = 0.25
EXPORT_SECONDS = 2
EVALUATION_SECONDS = 2
# So that twelve times it, which is how long a link may wait, is two minutes.
PATIENCE_SECONDS = 10
_OBJECTIVE = {"period": PERIOD_DAYS, "objective": OBJECTIVE}
VALUES: dict[str, Any] = {
    "telemetry": {"exportSeconds": EXPORT_SECONDS},
    "slo": {"availability": _OBJECTIVE, "latency": {**_OBJECTIVE, "threshold": LATENCY_SECONDS}},
    "monitoring": {"patienceSeconds": PATIENCE_SECONDS},
}
NAMESPACES = {"genomics": "analyses", "clinical": "consultations"}
# Longer than the longest window of an alert.
HISTORY_SECONDS = 8 * 3600
# Alerts are made of metrics: nothing is sent to Loki and Jaeger, which the other tests of this folder ask.
SERVERS = ("alertmanager", "prometheus", "collector")
BINARIES = ("alertmanager", "prometheus", "promtool", "otelcol")


class Slow(Relay):
    """A relay that may take its time over each piece that goes through it, in both directions."""

    delay = 0.0

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                self._flows.wait()
                time.sleep(self.delay)
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@dataclass(kw_only=True)
class Stage(Drill):
    """All of it."""

    stack: Stack
    databases: dict[str, Postgres]
    lines: dict[str, Slow]
    peer: Relay
    servers: dict[str, Server]
    loads: dict[str, Load]


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Both services on their databases behind relays, with load, and history behind them. Takes half a minute."""
    with ExitStack() as held:
        databases = {service: held.enter_context(Postgres()) for service in NAMESPACES}
        urls = {service: _furnished(databases[service], service) for service in NAMESPACES}
        lines = {service: held.enter_context(Slow(databases[service].port)) for service in NAMESPACES}
        stack = Stack(
            folder, ports=free_ports(), rules=_rules(folder), interval=f"{EVALUATION_SECONDS}s", quick_alerts=True
        )
        webhook = held.enter_context(Webhook(stack.ports["webhook"]))
        past(folder, NAMESPACES)
        held.callback(stack.stop)
        stack.start(*SERVERS)
        servers = {}
        for service in NAMESPACES:
            behind = urls[service].replace(f":{databases[service].port}/", f":{lines[service].port}/")
            output = folder / service
            output.mkdir()
            servers[service] = Server(behind, _variables(service, stack), service=service, output=output)
        peer = held.enter_context(Relay(servers["genomics"].port))
        servers["clinical"].environment["CAREWAY_GENOMICS_URL"] = f"http://127.0.0.1:{peer.port}"
        for server in servers.values():
            server.start()
            held.callback(server.stop)
        loads = {service: held.enter_context(Load(server.api)) for service, server in servers.items()}
        lookout = held.enter_context(Lookout(stack.url("prometheus"), webhook))
        arrived = Prometheus(stack.url("prometheus"))
        eventually(lambda: len(arrived.query("count by (k8s_deployment_name) (careway_requests_total)")) == 2)
        yield Stage(
            lookout=lookout, stack=stack, databases=databases, lines=lines, peer=peer, servers=servers, loads=loads
        )


def _furnished(postgres: Postgres, service: str) -> str:
    """A role and a database of the service's own, with its tables; answers the URL."""
    postgres.execute(f"CREATE ROLE {service} LOGIN")
    postgres.create_database(service, owner=service)
    url = postgres.url(service, user=service)
    migrate(url, services=service)
    return url


def _rules(folder: Path) -> list[Path]:
    """Of both releases, as their charts render them."""
    places = []
    for service, namespace in NAMESPACES.items():
        place = folder / f"{service}.yaml"
        place.write_text(rendered(service, release=service, namespace=namespace, values=VALUES), encoding="utf-8")
        places.append(place)
    return places


def past(folder: Path, namespaces: Mapping[str, str]) -> None:
    """Hours in which all was well, written as they would have been recorded where a Prometheus will begin.

    Without them the longest windows would hold the fault and little else, and an outage of seconds would look like one
    of half the period. As many requests as the load makes, and a tenth of the errors that the budget allows.
    """
    times = [time.time() - seconds for seconds in range(HISTORY_SECONDS, 0, -EVALUATION_SECONDS)]
    rates = {"requests": PER_SECOND, "errors": PER_SECOND * (100 - OBJECTIVE) / 100 / 10}
    written = folder / "past.txt"
    with written.open("w", encoding="utf-8") as file:
        for kind, rate in rates.items():
            file.write(f"# TYPE careway:slo_{kind}:rate{SHORTEST} gauge\n")
            for service, namespace in namespaces.items():
                for slo in ("availability", "latency"):
                    labels = f'slo="{slo}",service="{service}",namespace="{namespace}",release="{service}"'
                    series = f"careway:slo_{kind}:rate{SHORTEST}{{{labels}}}"
                    file.writelines(f"{series} {rate} {at:.3f}\n" for at in times)
        file.write("# EOF\n")
    promtool = shutil.which("promtool")
    assert promtool
    data = folder / "data" / "prometheus"
    data.mkdir(parents=True)
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(written), str(data)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _variables(service: str, stack: Stack) -> dict[str, str]:
    whose = {"k8s.namespace.name": NAMESPACES[service], "k8s.deployment.name": service}
    return {
        "CAREWAY_SERVICES": service,
        "CAREWAY_WORKERS": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("collector"),
        "OTEL_METRIC_EXPORT_INTERVAL": str(EXPORT_SECONDS * 1000),
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={value}" for name, value in whose.items()),
        "OTEL_TRACES_EXPORTER": "none",
    }
