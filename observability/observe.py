"""`make observe`: collector, Prometheus, Alertmanager, Loki and Jaeger beside `make run`, with the alerts of both services.

With Docker where its daemon answers, Grafana and all; else from binaries on PATH. It ends everything with Ctrl-C, and when
its terminal is closed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from .rules import RulesError, rendered, services
from .stack import LEFT, PORTS, SERVERS, Stack, StackError
from .webhook import Webhook, tell

ROOT = Path(__file__).resolve().parent.parent
COMPOSED = ("docker", "compose", "--file", str(ROOT / "observability" / "compose.yaml"))
FOLDER = ROOT / ".careway" / "observe"
START = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_LOGS_EXPORTER=otlp OTEL_METRIC_EXPORT_INTERVAL=5000 make run"
# One process serves both, and no cluster gives its series a namespace and a deployment.
VALUES = {
    "telemetry": {"exportSeconds": 5},
    "monitoring": {"selector": {"service_name": "careway"}, "runbooks": "https://docs.example.org/runbooks"},
}
ASK_SECONDS = 20
LOOK_SECONDS = 0.2


class Stopping:
    """Whether somebody has asked to stop. A start is left at once; what runs is ended by whoever watches it."""

    def __init__(self) -> None:
        self.asked = False
        self.starting = True
        signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        # Under nohup the terminal may be closed.
        for each in signals if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else signals[:2]:
            signal.signal(each, self._hear)

    def _hear(self, _: int, __: FrameType | None) -> None:
        # A second time it would disturb the ending.
        first, self.asked = not self.asked, True
        if first and self.starting:
            raise SystemExit(0)


def main(folder: Path = FOLDER, ports: Mapping[str, int] = PORTS) -> int:
    stopping = Stopping()
    try:
        rules = write_rules(folder / "rules")
        if docker_answers():
            return with_docker(stopping)
        return from_path(stopping, Stack(folder, ports=ports, rules=[rules]))
    except (StackError, RulesError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def write_rules(folder: Path) -> Path:
    """A file for each service, as the chart renders them; the pattern that names them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for service in services():
        text = rendered(service, release=service, namespace="make-run", values=VALUES)
        (folder / f"{service}.yaml").write_text(text, encoding="utf-8")
    return folder / "*.yaml"


def docker_answers() -> bool:
    """Whether there is a Docker with compose, whose daemon runs."""
    return _succeeds("docker", "info") and _succeeds("docker", "compose", "version")


def with_docker(stopping: Stopping) -> int:
    """In the background, and followed from here: of an `up` in front some versions of docker pass no signal on."""
    stopping.starting = False
    try:
        status = _composed(stopping, "up", "--detach")
        if status == 0 and not stopping.asked:
            say(addresses(grafana=True))
            status = _composed(stopping, "logs", "--follow", "--no-log-prefix", "webhook")
    finally:
        say("Stopping …")
        subprocess.run([*COMPOSED, "stop"], check=False, start_new_session=True)
    if stopping.asked:
        return 0
    sys.stderr.write(f"docker compose ended with status {status}.\n")
    return 1


def _composed(stopping: Stopping, *words: str) -> int:
    """Its status; it is ended, with what it has started, when somebody asks to stop."""
    # A session of its own, which the terminal's Ctrl-C does not reach: it is told once to end.
    running = subprocess.Popen([*COMPOSED, *words], start_new_session=True)
    while running.poll() is None:
        if stopping.asked:
            os.killpg(running.pid, signal.SIGTERM)
            return running.wait()
        time.sleep(LOOK_SECONDS)
    return running.returncode


def from_path(stopping: Stopping, stack: Stack) -> int:
    if missing := stack.missing():
        raise StackError(
            f"Neither does a Docker daemon answer, nor are these on PATH: {', '.join(missing)}. Start Docker, or put the "
            "binaries of their projects on PATH, and run this again."
        )
    with _webhook(stack.ports["webhook"]):
        try:
            say("Starting …")
            stack.start()
            stopping.starting = False
            say(addresses(grafana=False))
            while not stopping.asked:
                time.sleep(LOOK_SECONDS)
                if ended := [name for name in SERVERS if not stack.runs(name)]:
                    raise StackError(f"{ended[0]} ended; its log is {stack.log(ended[0])}.")
        finally:
            say("Stopping …")
            stack.stop()
    return 0


def addresses(*, grafana: bool) -> str:
    """Where to look, and how to start what is looked at."""
    lines = [
        "",
        *([f"  {'Grafana':<14}http://127.0.0.1:3000"] if grafana else []),
        *(
            f"  {name.capitalize():<14}http://127.0.0.1:{PORTS[name]}"
            for name in ("prometheus", "alertmanager", "jaeger")
        ),
        f"  {'Loki':<14}http://127.0.0.1:{PORTS['loki']} (an API: Grafana or logcli ask it)",
        f"  {'Collector':<14}http://127.0.0.1:{PORTS['collector']}",
        "In another terminal, the services:",
        f"  {START}",
        "Alerts are told here as they come; CarewayTelemetryAbsent, where no service sends. Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def say(text: str) -> None:
    # A terminal that was closed is no reason to leave servers behind.
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _webhook(port: int) -> Webhook:
    try:
        return Webhook(port, told=tell)
    except OSError as error:
        raise StackError(
            f"Port {port} of 127.0.0.1, on which alerts are told, is in use: {error.strerror}. {LEFT}"
        ) from None


def _succeeds(*command: str) -> bool:
    """In good time; a daemon that hangs does not answer."""
    return bool(shutil.which(command[0])) and _status(command) == 0


def _status(command: Sequence[str]) -> int:
    try:
        return subprocess.run(command, capture_output=True, timeout=ASK_SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


if __name__ == "__main__":
    sys.exit(main())
