"""The servers behind a release's telemetry, from binaries on PATH: those of observability/*.yaml, started, waited for, stopped.

The files are read as they are, and written again below a folder with the ports, paths and waits that this run has.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).resolve().parent

# As they stand in the files; each number is used there for one thing.
PORTS: Mapping[str, int] = MappingProxyType(
    {
        "collector": 4318,
        "collector-health": 13133,
        "collector-metrics": 8888,
        "prometheus": 9090,
        "alertmanager": 9093,
        "loki": 3100,
        "loki-grpc": 9095,
        "jaeger": 16686,
        "jaeger-grpc": 16685,
        "jaeger-otlp": 14318,
        "jaeger-health": 13132,
        "webhook": 9099,
    }
)
HOST = "127.0.0.1"
READY_SECONDS = 90
STOP_SECONDS = 30
LOG_CHARACTERS = 1500
LEFT = "An earlier run may have left its servers: end them first."
VARIABLE = re.compile(r"\$\{env:(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


class StackError(Exception):
    """One sentence: which server, and why it does not run."""


class Server(NamedTuple):
    """One of them: its binary under each name that it is published with, how it is started, and when it is ready."""

    binaries: tuple[str, ...]
    arguments: tuple[str, ...]
    port: str
    ready: str


# In the order of their start: none finds the next one missing. They stop the other way round, the collector first, while
# those that it sends to still answer.
SERVERS = {
    "alertmanager": Server(
        ("alertmanager",),
        (
            "--config.file=alertmanager.yaml", "--storage.path=data/alertmanager",
            "--web.listen-address={host}:{alertmanager}", "--web.external-url=http://{host}:{alertmanager}",
            "--cluster.listen-address=",
        ),
        "alertmanager", "/-/ready",
    ),
    "prometheus": Server(
        ("prometheus",),
        (
            "--config.file=prometheus.yaml", "--storage.tsdb.path=data/prometheus",
            "--web.listen-address={host}:{prometheus}", "--web.external-url=http://{host}:{prometheus}",
            "--web.enable-otlp-receiver", "--web.enable-lifecycle", "--enable-feature=exemplar-storage",
        ),
        "prometheus", "/-/ready",
    ),
    "loki": Server(("loki",), ("-config.file=loki.yaml",), "loki", "/ready"),
    "jaeger": Server(("jaeger",), ("--config=jaeger.yaml",), "jaeger-health", "/status"),
    "collector": Server(("otelcol", "otelcol-contrib"), ("--config=collector.yaml",), "collector-health", "/"),
}  # fmt: skip


class Stack:
    """All five on one machine; `rules` are files, or patterns of files, that Prometheus evaluates beside the watchdog."""

    def __init__(
        self,
        folder: Path,
        *,
        ports: Mapping[str, int] = PORTS,
        host: str = HOST,
        rules: Sequence[Path] = (),
        interval: str = "15s",
        decision_wait: str = "10s",
        kubernetes: bool = False,
        quick_alerts: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.ports = {**PORTS, **ports}
        self.host = host
        self.rules = list(rules)
        self.interval = interval
        self.quick_alerts = quick_alerts
        self.kubernetes = kubernetes
        self.variables = {
            "LISTEN_HOST": host,
            "DECISION_WAIT": decision_wait,
            "KUBERNETES_PASSTHROUGH": "false" if kubernetes else "true",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def missing(self) -> list[str]:
        """The names of binaries that are not on PATH."""
        return [server.binaries[0] for name, server in SERVERS.items() if not _binary(name)]

    def url(self, name: str) -> str:
        return f"http://{self.host}:{self.ports[name]}"

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    # --- Files ----------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """The configurations as this run has them."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        for name in SERVERS:
            text = yaml.safe_dump(self._changed(name), sort_keys=False, allow_unicode=True)
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def _changed(self, name: str) -> Any:
        text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
        text = VARIABLE.sub(lambda found: self.variables.get(found["name"], found["default"] or ""), text)
        numbers = {str(port): str(self.ports[each]) for each, port in PORTS.items()}
        text = re.sub(rf"\b({'|'.join(numbers)})\b", lambda found: numbers[found[0]], text)
        configuration = yaml.safe_load(text.replace(HOST, self.host))
        if name == "prometheus":
            configuration["global"]["evaluation_interval"] = self.interval
            configuration["rule_files"] = [str(HERE / "rules" / "*.yaml"), *map(str, self.rules)]
        elif name == "loki":
            _move(configuration["common"], "/loki", str(self.folder / "data" / "loki"))
        elif name == "alertmanager" and self.quick_alerts:
            _hurry(configuration["route"])
        return configuration

    # --- Processes ------------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """All, or those named; returns when each is ready. Where one does not get there, none of them is left."""
        self.write()
        chosen = [name for name in SERVERS if (name in names or not names) and not self.runs(name)]
        for name in chosen:
            self._check(name)
        try:
            # Apart from the main thread no signal interrupts it, so whatever began is known to `stop`.
            with ThreadPoolExecutor(max_workers=1) as apart:
                list(apart.map(self._spawn, chosen))
            for name in chosen:
                self._wait(name)
        except BaseException:  # a signal too: nobody else knows what has begun
            if chosen:  # without names all would stop
                self.stop(*chosen)
            raise

    def runs(self, name: str) -> bool:
        return name in self._processes and self._processes[name].poll() is None

    def _check(self, name: str) -> None:
        """Whether it can start: before the first of them does, so that none starts in vain."""
        if not _binary(name):
            raise StackError(f"{' or '.join(SERVERS[name].binaries)} is not on PATH.")
        for each, port in self.ports.items():
            if each == name or each.startswith(f"{name}-"):
                self._free(name, port)

    def _spawn(self, name: str) -> None:
        command = [str(_binary(name))]
        command += [each.format(host=self.host, **self.ports) for each in SERVERS[name].arguments]
        with self.log(name).open("ab") as log:
            # A session of its own: Ctrl-C is for who started it, who ends them in order. And nothing of the environment:
            # some would take OTEL_* of a service for their own.
            self._processes[name] = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=None if self.kubernetes else {},
            )  # fmt: skip

    def _free(self, name: str, port: int) -> None:
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                asked.bind((self.host, port))
            except OSError as error:
                raise StackError(
                    f"Port {port} of {self.host}, which {name} needs, is in use: {error.strerror}. {LEFT}"
                ) from None

    def _wait(self, name: str) -> None:
        server = SERVERS[name]
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.runs(name):
            with suppress(urllib.error.URLError, OSError), _opened(self.url(server.port) + server.ready):
                return
            time.sleep(0.1)
        why = f"is not ready after {READY_SECONDS} s" if self.runs(name) else "ended"
        raise StackError(f"{name} {why}; its log ends:\n{self._end_of_log(name)}")

    def _end_of_log(self, name: str) -> str:
        return self.log(name).read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]

    def reload(self) -> None:
        """Prometheus reads its rules again."""
        request = urllib.request.Request(f"{self.url('prometheus')}/-/reload", method="POST")  # noqa: S310  (ours)
        try:
            with _opened(request):
                return
        except urllib.error.HTTPError as error:
            raise StackError(f"prometheus refuses its rules: {error.read().decode().strip()}") from None

    def stop(self, *names: str) -> None:
        """All, or those named, the collector first; what does not end in time is killed."""
        for name in reversed(SERVERS):
            if (name in names or not names) and self.runs(name):
                process = self._processes[name]
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def kill(self, name: str) -> None:
        """SIGKILL: it has no time to send or to write anything."""
        process = self._processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()


def free_ports() -> dict[str, int]:
    """A port for each that nobody has at this moment."""
    with_ports = {name: socket.create_server((HOST, 0)) for name in PORTS}
    try:
        return {name: int(each.getsockname()[1]) for name, each in with_ports.items()}
    finally:
        for each in with_ports.values():
            each.close()


def _binary(name: str) -> str | None:
    return next(filter(None, map(shutil.which, SERVERS[name].binaries)), None)


def _opened(what: str | urllib.request.Request) -> Any:
    return urllib.request.urlopen(what, timeout=5)  # noqa: S310  (an address of ours)


def _move(part: dict[str, Any], old: str, new: str) -> None:
    """Every path below `old` is one below `new`."""
    for name, each in part.items():
        if isinstance(each, dict):
            _move(each, old, new)
        elif isinstance(each, str) and (each == old or each.startswith(f"{old}/")):
            part[name] = new + each.removeprefix(old)


def _hurry(route: dict[str, Any]) -> None:
    """A test waits for what is said, and not for what is said together."""
    route |= {"group_wait": "1s", "group_interval": "1s"}
    for each in route.get("routes", []):
        _hurry(each)
