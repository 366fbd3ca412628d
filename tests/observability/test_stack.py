"""The servers on one machine: what is written for them, and what is said when one cannot start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability import observe
from observability.rules import services
from observability.stack import LEFT, PORTS, SERVERS, Stack, StackError, free_ports
from observability.webhook import Webhook, sentences
from tests.collector import eventually
from tests.test_house import ROOT


def configuration(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))


def post(url: str, body: bytes) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


class TestTheFiles:
    def test_each_port_stands_in_the_files_for_one_thing(self) -> None:
        assert len(set(PORTS.values())) == len(PORTS)
        text = "".join((ROOT / "observability" / f"{name}.yaml").read_text(encoding="utf-8") for name in SERVERS)
        assert [name for name, port in PORTS.items() if str(port) not in text] == []

    def test_a_run_has_its_own_ports_waits_and_rules(self, tmp_path: Path) -> None:
        ports = free_ports()
        stack = Stack(
            tmp_path, ports=ports, rules=[Path("/rules/*.yaml")], interval="1s", decision_wait="2s", quick_alerts=True
        )
        stack.write()
        collector, prometheus = configuration(tmp_path, "collector"), configuration(tmp_path, "prometheus")
        assert collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == f"127.0.0.1:{ports['collector']}"
        assert collector["exporters"]["otlp_http/jaeger"]["endpoint"] == f"http://127.0.0.1:{ports['jaeger-otlp']}"
        assert collector["processors"]["tail_sampling"]["decision_wait"] == "2s"
        assert collector["processors"]["k8s_attributes"]["passthrough"] is True
        assert prometheus["global"]["evaluation_interval"] == "1s"
        watchdog, own = prometheus["rule_files"]
        assert list(Path(watchdog).parent.glob("*.yaml"))
        assert own == "/rules/*.yaml"
        route = configuration(tmp_path, "alertmanager")["route"]
        assert {each["group_wait"] for each in (route, *route["routes"])} == {"1s"}
        assert configuration(tmp_path, "loki")["common"]["path_prefix"] == str(tmp_path / "data" / "loki")
        written = "".join((tmp_path / f"{name}.yaml").read_text(encoding="utf-8") for name in SERVERS)
        assert [each for each in PORTS.values() if f":{each}" in written] == []
        assert "${env" not in written

    def test_as_it_stands_a_file_is_written_as_it_stands(self, tmp_path: Path) -> None:
        Stack(tmp_path).write()
        assert configuration(tmp_path, "alertmanager") == configuration(ROOT / "observability", "alertmanager")

    def test_in_a_cluster_pods_are_asked_for(self, tmp_path: Path) -> None:
        Stack(tmp_path, kubernetes=True).write()
        assert configuration(tmp_path, "collector")["processors"]["k8s_attributes"]["passthrough"] is False


class TestWhatCannotStart:
    def test_a_binary_that_is_not_there_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        stack = Stack(tmp_path, ports=free_ports())
        assert stack.missing() == ["alertmanager", "prometheus", "loki", "jaeger", "otelcol"]
        with pytest.raises(StackError, match="otelcol or otelcol-contrib is not on PATH"):
            stack.start("collector")

    def test_a_port_in_use_is_named(self, tmp_path: Path) -> None:
        ports = free_ports()
        stack = Stack(tmp_path, ports=ports)
        needs(stack, "prometheus")
        sentence = f"Port {ports['prometheus']} of 127.0.0.1, which prometheus needs, is in use: Address already in use. {LEFT}"
        with socket.create_server(("127.0.0.1", ports["prometheus"])), pytest.raises(StackError, match=sentence):
            stack.start("prometheus")

    def test_before_the_first_starts_the_port_of_the_last_is_looked_at(self, tmp_path: Path) -> None:
        ports = free_ports()
        stack = Stack(tmp_path, ports=ports)
        needs(stack, *SERVERS)
        with (
            socket.create_server(("127.0.0.1", ports["collector"])),
            pytest.raises(StackError, match="collector needs"),
        ):
            stack.start()
        assert list(tmp_path.glob("*.log")) == []

    def test_one_that_ends_is_told_with_the_end_of_its_log(self, tmp_path: Path) -> None:
        stack = Stack(tmp_path, ports=free_ports(), interval="never")
        needs(stack, "prometheus")
        with pytest.raises(StackError, match=r"(?s)prometheus ended; its log ends:.*never"):
            stack.start("prometheus")


def needs(stack: Stack, *names: str) -> None:
    if missing := {SERVERS[name].binaries[0] for name in names} & set(stack.missing()):
        pytest.skip(f"{', '.join(missing)} is not on PATH: this test starts it.")


class TestTheRealServers:
    @pytest.fixture
    def stack(self, tmp_path: Path) -> Iterator[Stack]:
        stack = Stack(tmp_path, ports=free_ports(), rules=[tmp_path / "own.yaml"], interval="1s", quick_alerts=True)
        needs(stack, "alertmanager", "prometheus")
        (tmp_path / "own.yaml").write_text("groups: []\n")
        try:
            yield stack
        finally:
            stack.stop()

    def test_they_start_read_their_rules_again_and_end(self, stack: Stack) -> None:
        stack.start("prometheus", "alertmanager")
        rules = stack.folder / "own.yaml"
        rules.write_text("groups: [{name: a, rules: [{record: b, expr: vector(2)}]}]")
        stack.reload()
        with urllib.request.urlopen(f"{stack.url('prometheus')}/api/v1/rules") as answer:
            assert {each["name"] for each in json.load(answer)["data"]["groups"]} == {"a", "careway:watchdog"}
        rules.write_text("groups: [{name: a, rules: [{record: b, exp: vector(2)}]}]")
        with pytest.raises(StackError, match="prometheus refuses its rules: failed"):
            stack.reload()
        stack.kill("alertmanager")
        assert (stack.runs("prometheus"), stack.runs("alertmanager")) == (True, False)
        stack.start("alertmanager")
        stack.stop()
        assert (stack.runs("prometheus"), stack.runs("alertmanager")) == (False, False)


class TestTheWebhook:
    def test_what_arrives_is_kept_and_told(self) -> None:
        told: list[Any] = []
        with Webhook(0, told=told.append) as webhook:
            body = {"status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "A"}}]}
            assert post(f"{webhook.url}/page", json.dumps(body).encode()) == 200
            for nonsense in (b"", b"{}", b"[]", b'{"alerts": 1}'):
                assert post(f"{webhook.url}/page", nonsense) == 400
        assert webhook.received == told == [{**body, "path": "/page"}]

    def test_an_alert_is_a_line(self) -> None:
        about = {"summary": "Genomics loses requests.", "runbook_url": "https://docs.example.org/runbooks/A.md"}
        alerts = [
            {"status": "firing", "labels": {"alertname": "A"}, "annotations": about},
            {"status": "resolved", "labels": {"alertname": "A", "release": "genomics", "namespace": "analyses"}},
        ]
        assert list(sentences({"path": "/page", "alerts": alerts})) == [
            "page: A fires. Genomics loses requests. See docs/runbooks/A.md",
            "page: A of genomics in analyses is over.",
        ]


STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def hears_hangups() -> None:
    """As in a terminal, also where these tests run under nohup: what is ignored is inherited."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class TestObserve:
    def test_without_docker_and_binaries_it_names_what_is_missing_and_both_ways(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "observability.observe"],
            cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stdout == ""
        (said,) = done.stderr.splitlines()
        assert said.startswith(
            "Neither does a Docker daemon answer, nor are these on PATH: alertmanager, prometheus, loki,"
        )
        assert "Start Docker, or put" in said

    def observing(self, tmp_path: Path, does: str) -> subprocess.Popen[str]:
        """With a docker that notes what it is told, and for `docker compose VERB` does something."""
        docker, notes = tmp_path / "docker", tmp_path / "notes"
        docker.write_text(
            f'#!/bin/sh\n[ "$2" = --file ] || exit 0\necho "$4 $5" >> {notes}\ncase "$4" in\n{does}\nesac\n'
        )
        docker.chmod(0o755)
        return subprocess.Popen(
            [sys.executable, "-m", "observability.observe"],
            cwd=ROOT, env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=hears_hangups,
        )  # fmt: skip

    @pytest.mark.parametrize("asked", STOPPING)
    @pytest.mark.parametrize(
        ("waits", "noted"),
        [("logs", ["up --detach", "logs --follow", "stop "]), ("up", ["up --detach", "stop "])],
    )
    def test_with_docker_compose_is_started_followed_and_ended(
        self, tmp_path: Path, asked: signal.Signals, waits: str, noted: list[str]
    ) -> None:
        """Also by a docker whose plugin hears nothing of a signal to its parent."""
        plugin = f"/bin/sh -c 'echo $$ > {tmp_path}/plugin; exec /bin/sleep 300' & trap '' TERM; wait; wait ;;"
        process = self.observing(tmp_path, f"{waits}) {plugin}")
        assert eventually(lambda: (tmp_path / "plugin").exists() and (tmp_path / "plugin").read_text())
        process.send_signal(asked)
        said, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert (tmp_path / "notes").read_text().splitlines() == noted
        assert ("Grafana       http://127.0.0.1:3000" in said) == (waits == "logs")
        assert not Path(f"/proc/{(tmp_path / 'plugin').read_text().strip()}").exists()

    @pytest.mark.parametrize("verb", ["up", "logs"])
    def test_a_docker_that_fails_is_told(self, tmp_path: Path, verb: str) -> None:
        process = self.observing(tmp_path, f"{verb}) exit 17 ;;")
        _, said = process.communicate(timeout=20)
        assert (process.returncode, said) == (1, "docker compose ended with status 17.\n")
        assert (tmp_path / "notes").read_text().splitlines()[-1] == "stop "

    @pytest.mark.parametrize("asked", STOPPING)
    def test_during_a_start_it_is_heard_at_once_and_nothing_is_left(
        self, tmp_path: Path, asked: signal.Signals
    ) -> None:
        """Of servers that never become ready; its output ends with the terminal."""
        for name in (each.binaries[0] for each in SERVERS.values()):
            (tmp_path / name).write_text(f"#!/bin/sh\necho $$ > {tmp_path}/{name}.pid\nexec /bin/sleep 300\n")
            (tmp_path / name).chmod(0o755)
        start = (
            "from pathlib import Path; from observability.observe import main; raise SystemExit(main(Path({!r}), {}))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", start.format(str(tmp_path / "run"), free_ports())],
            cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)}, stdout=subprocess.PIPE,
            preexec_fn=hears_hangups,
        )  # fmt: skip
        assert process.stdout
        until = time.monotonic() + 60
        while len(pids := [int(each.read_text() or 0) for each in tmp_path.glob("*.pid")]) < len(SERVERS) or 0 in pids:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.05)
        process.stdout.close()
        process.send_signal(asked)
        process.send_signal(asked)
        assert process.wait(timeout=20) in {0, 120}  # Python's own, of an output that cannot be written
        assert [each for each in pids if Path(f"/proc/{each}").exists()] == []

    def test_the_line_that_starts_the_services_sends_to_the_collector(self) -> None:
        assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{PORTS['collector']} " in observe.START
        assert observe.START in observe.addresses(grafana=False)

    def test_the_rules_are_those_of_a_process_that_serves_both(self, tmp_path: Path) -> None:
        pattern = observe.write_rules(tmp_path / "rules")
        files = sorted(pattern.parent.glob(pattern.name))
        assert [each.name for each in files] == [f"{each}.yaml" for each in sorted(services())]
        for each in files:
            text = each.read_text(encoding="utf-8")
            assert 'service_name="careway"' in text
            assert "k8s_namespace_name" not in text
