"""The stage on which faults are made: two services with their databases, the servers that watch them, and who is woken."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from observability.rules import rendered
from observability.stack import Stack, free_ports
from observability.webhook import Webhook
from tests.postgres import Postgres
from tests.relay import Relay
from tests.servers import Server, migrate
from tests.telemetry.load import PER_SECOND, Load
from tests.telemetry.stores import Prometheus, ask, eventually

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
NAMESPACES = {"genomics": "analyses", "clinical": "consultations"}
# The longest that any of these alerts may last when its cause is mended.
CLEARED_SECONDS = 300
# So long has to be silent what is over.
CALM_SECONDS = 3
# Longer than the longest window of an alert.
HISTORY_SECONDS = 8 * 3600
# Alerts are made of metrics: nothing is sent to Loki and Jaeger, which the other tests of this folder ask.
SERVERS = ("alertmanager", "prometheus", "collector")
BINARIES = ("alertmanager", "prometheus", "promtool", "otelcol")


class Alert(NamedTuple):
    """Which alert, how urgent, and whose."""

    name: str
    severity: str
    release: str

    @classmethod
    def of(cls, labels: dict[str, str]) -> Alert:
        return cls(labels["alertname"], labels.get("severity", ""), labels.get("release", ""))

    def __str__(self) -> str:
        return f"{self.name} ({self.severity}, {self.release})"


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


class Lookout:
    """What fires in Prometheus, and what the webhook was told, as it happens. Use as a context."""

    def __init__(self, prometheus: str, webhook: Webhook) -> None:
        self.firing: set[Alert] = set()
        self.waiting: set[Alert] = set()
        # Told, and not yet told to be over.
        self.open: set[Alert] = set()
        self.fired: dict[Alert, float] = {}
        self.told: dict[Alert, float] = {}
        # When the dead man's switch was held.
        self.heartbeats: list[float] = []
        self.began = self.mended = math.nan
        self._prometheus = prometheus
        self._webhook = webhook
        self._read = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def quiet(self) -> bool:
        return not (self.firing or self.waiting or self.open)

    def begin(self) -> float:
        """Forgets what was; answers the time."""
        self.fired, self.told = {}, {}
        self.began = time.monotonic()
        self.mended = math.inf
        return self.began

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            with suppress(OSError):  # whoever waits for an alert will say that none came
                self._look()
            self._listen()

    def _look(self) -> None:
        alerts = ask(f"{self._prometheus}/api/v1/alerts")["data"]["alerts"]
        ours = [(Alert.of(each["labels"]), each["state"]) for each in alerts if each["labels"].get("release")]
        now = time.monotonic()
        self.firing = {alert for alert, state in ours if state == "firing"}
        self.waiting = {alert for alert, state in ours if state == "pending"}
        for alert in self.firing:
            self.fired.setdefault(alert, now)

    def _listen(self) -> None:
        while self._read < len(self._webhook.received):
            message = self._webhook.received[self._read]
            self._read += 1
            path = str(message["path"]).strip("/")
            if path == "dead-mans-switch":
                self.heartbeats.append(time.monotonic())
                continue
            for each in message["alerts"]:
                # As urgent as who was told, whatever the label says.
                alert = Alert.of(each["labels"])._replace(severity=path)
                if each["status"] == "firing":
                    self.open.add(alert)
                    self.told.setdefault(alert, time.monotonic())
                else:
                    self.open.discard(alert)


class Told(NamedTuple):
    """A line of the table: seconds from the fault to the alert in Prometheus and at the webhook, and from the repair to
    the last word that it is over."""

    fault: str
    alerts: str
    firing: float
    webhook: float
    cleared: float


@dataclass
class Stage:
    """All of it, and the faults that were made so far."""

    stack: Stack
    lookout: Lookout
    databases: dict[str, Postgres]
    lines: dict[str, Slow]
    peer: Relay
    servers: dict[str, Server]
    loads: dict[str, Load]
    # Whom to tell the lines of the table.
    tell: Callable[[Told], None] = field(default=lambda _: None)

    def settle(self, seconds: float = 90) -> float:
        """Waits until nothing fires, and all who were told that something did were told its end; answers when that was."""
        until = time.monotonic() + seconds
        since = math.inf
        while time.monotonic() < since + CALM_SECONDS:
            since = min(since, time.monotonic()) if self.lookout.quiet else math.inf
            assert time.monotonic() < until, self._said()
            time.sleep(0.1)
        return since

    def fault(
        self,
        name: str,
        make: Callable[[], object],
        mend: Callable[[], object],
        *,
        rings: Set[Alert],
        silenced: Set[Alert] = frozenset(),
        within: float = 90,
    ) -> Told:
        """Makes a fault, waits until it rings, mends it, waits until it is over.

        From its beginning to its end nothing fires but `rings` and `silenced`, and nobody is told but of `rings`.
        """
        self.settle()
        began = self.lookout.begin()
        try:
            make()
            self._wait(lambda: rings <= self.lookout.open and silenced <= self.lookout.firing, within)
        finally:
            mend()
            self.lookout.mended = time.monotonic()
        cleared = self.settle(CLEARED_SECONDS) - self.lookout.mended
        fired, told = self.lookout.fired, self.lookout.told
        assert set(told) == rings, self._said()
        assert set(fired) == rings | silenced, self._said()
        first = (max(fired[alert] for alert in rings) - began, max(told[alert] for alert in rings) - began)
        line = Told(name, ", ".join(sorted({alert.name for alert in rings})), *first, cleared)
        self.tell(line)
        return line

    def _wait(self, holds: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, self._said()
            time.sleep(0.1)

    def _said(self) -> str:
        """What was seen since the fault began, and in which second."""
        lookout = self.lookout
        now = {"fires": lookout.firing, "waits": lookout.waiting, "told and not over": lookout.open}
        words = [f"{word}: {', '.join(map(str, sorted(each))) or 'nothing'}" for word, each in now.items()]
        for word, ever in (("fired", lookout.fired), ("told", lookout.told)):
            times = [f"{alert} at {at - lookout.began:.0f}" for alert, at in ever.items()]
            words.append(f"{word}: {', '.join(times) or 'nothing'}")
        return "; ".join([*words, f"mended at {lookout.mended - lookout.began:.0f}"])


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
        _past(folder)
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
        yield Stage(stack, lookout, databases, lines, peer, servers, loads)


def _furnished(postgres: Postgres, service: str) -> str:
    """A role and a database of the service's own, with its tables; answers the URL."""
    postgres.execute(f"CREATE ROLE {service} LOGIN")
    postgres.create_database(service, owner=service)
    url = postgres.url(service, user=service)
    migrate(url, services=service)
    return url


def _rules(folder: Path) -> list[Path]:
    """Of both releases, as their charts render them."""
    objective = {"period": PERIOD_DAYS, "objective": OBJECTIVE}
    places = []
    for service, namespace in NAMESPACES.items():
        values = {
            "telemetry": {"exportSeconds": EXPORT_SECONDS},
            "slo": {"availability": objective, "latency": {**objective, "threshold": LATENCY_SECONDS}},
            "monitoring": {"patienceSeconds": PATIENCE_SECONDS},
        }
        place = folder / f"{service}.yaml"
        place.write_text(rendered(service, release=service, namespace=namespace, values=values), encoding="utf-8")
        places.append(place)
    return places


def _past(folder: Path) -> None:
    """Hours in which all was well, written into Prometheus as they would have been recorded.

    Without them the longest windows would hold the fault and little else, and an outage of seconds would look like one
    of half the period. As many requests as the load makes, and a tenth of the errors that the budget allows.
    """
    times = [time.time() - seconds for seconds in range(HISTORY_SECONDS, 0, -EVALUATION_SECONDS)]
    rates = {"requests": PER_SECOND, "errors": PER_SECOND * (100 - OBJECTIVE) / 100 / 10}
    written = folder / "past.txt"
    with written.open("w", encoding="utf-8") as file:
        for kind, rate in rates.items():
            file.write(f"# TYPE careway:slo_{kind}:rate{SHORTEST} gauge\n")
            for service, namespace in NAMESPACES.items():
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
