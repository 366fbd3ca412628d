"""Who is told of what: Alertmanager's configuration by amtool, and a real Alertmanager with a webhook that receives."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.webhook import Notification, Webhook
from tests.collector import eventually
from tests.servers import free_port

pytestmark = pytest.mark.xdist_group("alertmanager")

OBSERVABILITY = Path(__file__).resolve().parent.parent.parent / "observability"
FILE = OBSERVABILITY / "alertmanager.yaml"
DATABASE, AVAILABILITY = "CarewayDatabaseUnreachable", "CarewayAvailabilityBudgetBurn"
# What a dead database brings with it.
CONSEQUENCES = {
    AVAILABILITY: "page",
    "CarewayLatencyBudgetBurn": "page",
    "CarewayIngestionFailing": "ticket",
    "CarewayLinksPending": "ticket",
    "CarewayMigrationsPending": "ticket",
}
# Longer than the waits of the hurried copy, within which whatever is to come has come.
SETTLED_SECONDS = 3.5

amtool = pytest.mark.skipif(not shutil.which("amtool"), reason="amtool is not on PATH; it is part of Alertmanager.")
needed = pytest.mark.skipif(not shutil.which("alertmanager"), reason="alertmanager is not on PATH.")


@amtool
class TestConfiguration:
    def test_amtool_takes_it_as_it_stands(self) -> None:
        done = subprocess.run(["amtool", "check-config", str(FILE)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("labels", "receiver"),
        [
            ("alertname=CarewayWatchdog severity=none", "dead-mans-switch"),
            # Whatever else somebody labels it with.
            ("alertname=CarewayWatchdog severity=page team=analyses", "dead-mans-switch"),
            ("alertname=CarewayAvailabilityBudgetBurn severity=page team=analyses", "page-analyses"),
            ("alertname=CarewayAvailabilityBudgetBurn severity=ticket team=analyses", "ticket-analyses"),
            ("alertname=CarewayLinksPending severity=ticket team=consultations", "ticket-consultations"),
            ("alertname=CarewayDatabaseUnreachable severity=page team=consultations", "page-consultations"),
            # A team that nobody made a route for.
            ("alertname=CarewayTelemetryAbsent severity=page team=radiology", "page"),
            ("alertname=CarewayKeySetStale severity=ticket team=radiology", "ticket"),
            ("alertname=CarewayTelemetryAbsent severity=page", "page"),
            # What is not labelled is not lost.
            ("alertname=SomebodyElses", "ticket"),
            ("alertname=SomebodyElses severity=critical team=analyses", "ticket"),
        ],
    )
    def test_each_alert_reaches_whom_it_is_for(self, labels: str, receiver: str) -> None:
        command = ["amtool", "config", "routes", "test", f"--config.file={FILE}", *labels.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, receiver), done.stderr

    def test_amtool_refuses_a_receiver_that_is_not_there(self, tmp_path: Path) -> None:
        copy = tmp_path / "alertmanager.yaml"
        copy.write_text(FILE.read_text(encoding="utf-8").replace("receiver: page-analyses", "receiver: page-analysis"))
        done = subprocess.run(["amtool", "check-config", str(copy)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert 'undefined receiver "page-analysis"' in done.stdout + done.stderr


def test_the_watchdog_is_the_only_rule_of_its_severity_and_always_fires() -> None:
    (group,) = yaml.safe_load((OBSERVABILITY / "rules" / "watchdog.yaml").read_text(encoding="utf-8"))["groups"]
    (rule,) = group["rules"]
    assert (rule["alert"], rule["expr"], rule["labels"]) == ("CarewayWatchdog", "vector(1)", {"severity": "none"})


# --- A real one -----------------------------------------------------------------------------------------------------------


def hurried(webhook: str) -> str:
    """The configuration with seconds where it has minutes, and one address for all that it sends."""
    configuration = yaml.safe_load(FILE.read_text(encoding="utf-8"))

    def hurry(route: dict[str, Any]) -> None:
        if route.get("receiver") == "dead-mans-switch":
            route |= {"group_interval": "1s", "repeat_interval": "800ms"}
        elif "group_wait" in route:
            route |= {"group_wait": "1s", "group_interval": "1s"}
        for child in route.get("routes", []):
            hurry(child)

    hurry(configuration["route"])
    return re.sub(r"http://127\.0\.0\.1:9099", webhook, yaml.safe_dump(configuration, sort_keys=False))


@dataclass
class Alertmanager:
    url: str
    webhook: Webhook

    def post(self, name: str, severity: str, release: str, *, team: str = "analyses", lasts: float = 300) -> None:
        """As Prometheus does; with no time left it is resolved. Namespace and team are the same, as the chart has it."""
        labels = {"alertname": name, "severity": severity}
        if severity != "none":
            labels |= {"team": team, "service": "genomics", "namespace": team, "release": release}
        ends = datetime.now(UTC) + timedelta(seconds=lasts)
        alert = {"labels": labels, "annotations": {"summary": name}, "endsAt": ends.isoformat()}
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps([alert]).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            assert response.status == 200

    def resolve(self, name: str, severity: str, release: str) -> None:
        self.post(name, severity, release, lasts=-0.001)

    def told(self, release: str, path: str = "") -> list[Notification]:
        """What came of a release, in order; at one address, or at any."""
        every = [each for each in list(self.webhook.received) if each["groupLabels"].get("release") == release]
        return [each for each in every if path in ("", each["path"])]


def about(notification: Notification, status: str = "firing") -> list[str]:
    return sorted(each["labels"]["alertname"] for each in notification["alerts"] if each["status"] == status)


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    with Webhook(0) as webhook, (folder / "log").open("wb") as log:
        (folder / "alertmanager.yaml").write_text(hurried(webhook.url), encoding="utf-8")
        process = subprocess.Popen(
            ["alertmanager", f"--config.file={folder / 'alertmanager.yaml'}", f"--storage.path={folder}",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            running = Alertmanager(f"http://127.0.0.1:{port}", webhook)
            assert eventually(lambda: ready(running.url), seconds=20), (folder / "log").read_text(encoding="utf-8")
            yield running
        finally:
            process.terminate()
            process.wait(timeout=20)


def ready(url: str) -> bool:
    with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(f"{url}/-/ready", timeout=1):
        return True
    return False


@needed
class TestNotifications:
    def test_one_fault_of_a_release_wakes_once_however_many_alerts_it_sets_off(
        self, alertmanager: Alertmanager
    ) -> None:
        names = [AVAILABILITY, "CarewayLatencyBudgetBurn", "CarewayTelemetryAbsent"]
        for name in names:
            alertmanager.post(name, "page", "one")
        alertmanager.post(AVAILABILITY, "page", "another")
        assert eventually(lambda: alertmanager.told("one"))
        time.sleep(SETTLED_SECONDS)
        (page,) = alertmanager.told("one")
        assert (page["path"], page["receiver"], about(page)) == ("/page", "page-analyses", sorted(names))
        assert page["groupLabels"] == {"team": "analyses", "namespace": "analyses", "release": "one"}
        assert [about(each) for each in alertmanager.told("another")] == [[AVAILABILITY]]

    def test_who_is_paged_gets_no_ticket_of_the_same(self, alertmanager: Alertmanager) -> None:
        alertmanager.post(AVAILABILITY, "page", "both")
        alertmanager.post(AVAILABILITY, "ticket", "both")
        alertmanager.post("CarewayKeySetStale", "ticket", "both")
        assert eventually(lambda: alertmanager.told("both", "/ticket"))
        time.sleep(SETTLED_SECONDS)
        assert [about(each) for each in alertmanager.told("both", "/page")] == [[AVAILABILITY]]
        assert [about(each) for each in alertmanager.told("both", "/ticket")] == [["CarewayKeySetStale"]]
        alertmanager.resolve(AVAILABILITY, "page", "both")
        assert eventually(lambda: AVAILABILITY in about(alertmanager.told("both", "/ticket")[-1]))

    def test_a_dead_database_silences_its_consequences_until_it_is_back(self, alertmanager: Alertmanager) -> None:
        """They are told when it is back and they are not over."""
        alertmanager.post(DATABASE, "page", "dead")
        for name, severity in CONSEQUENCES.items():
            alertmanager.post(name, severity, "dead")
        assert eventually(lambda: alertmanager.told("dead"))
        time.sleep(SETTLED_SECONDS)
        assert [about(each) for each in alertmanager.told("dead")] == [[DATABASE]]

        alertmanager.resolve(DATABASE, "page", "dead")
        pages = sorted(name for name, severity in CONSEQUENCES.items() if severity == "page")
        tickets = sorted(set(CONSEQUENCES) - set(pages))
        assert eventually(lambda: about(alertmanager.told("dead", "/page")[-1]) == pages)
        assert eventually(lambda: [about(each) for each in alertmanager.told("dead", "/ticket")] == [tickets])
        assert DATABASE in {name for each in alertmanager.told("dead") for name in about(each, "resolved")}

    def test_it_silences_nothing_else(self, alertmanager: Alertmanager) -> None:
        """Neither another release, nor what has another cause; and telemetry that is absent silences nothing."""
        alertmanager.post(DATABASE, "page", "silencing")
        alertmanager.post("CarewayTelemetryAbsent", "page", "silencing")
        alertmanager.post("CarewayCertificateExpiring", "ticket", "silencing")
        alertmanager.post(AVAILABILITY, "page", "beside")
        # The same name in another namespace is another release.
        alertmanager.post(AVAILABILITY, "page", "silencing", team="radiology")
        alertmanager.post("CarewayTelemetryAbsent", "page", "blind")
        alertmanager.post(AVAILABILITY, "page", "blind")
        assert eventually(lambda: len(alertmanager.told("silencing")) == 3 and alertmanager.told("blind"))
        time.sleep(SETTLED_SECONDS)
        told = {(each["receiver"], *about(each)) for each in alertmanager.told("silencing")}
        assert told == {
            ("page-analyses", DATABASE, "CarewayTelemetryAbsent"),
            ("ticket-analyses", "CarewayCertificateExpiring"),
            ("page", AVAILABILITY),
        }
        assert [about(each) for each in alertmanager.told("beside")] == [[AVAILABILITY]]
        assert [about(each) for each in alertmanager.told("blind")] == [[AVAILABILITY, "CarewayTelemetryAbsent"]]

    @pytest.mark.parametrize(("severity", "path"), [("page", "/page"), ("ticket", "/ticket")])
    def test_the_end_is_told_too(self, alertmanager: Alertmanager, severity: str, path: str) -> None:
        release = f"over-{severity}"
        alertmanager.post(AVAILABILITY, severity, release)
        assert eventually(lambda: alertmanager.told(release))
        alertmanager.resolve(AVAILABILITY, severity, release)
        assert eventually(lambda: len(alertmanager.told(release)) == 2)
        first, last = alertmanager.told(release)
        assert (first["status"], last["status"], last["path"]) == ("firing", "resolved", path)
        assert about(last, "resolved") == [AVAILABILITY]

    def test_the_watchdog_comes_again_and_again_and_its_end_is_silence(self, alertmanager: Alertmanager) -> None:
        """What rings then is outside of the house."""

        def came() -> list[Notification]:
            return [each for each in list(alertmanager.webhook.received) if each["path"] == "/dead-mans-switch"]

        alertmanager.post("CarewayWatchdog", "none", "", lasts=6)
        assert eventually(lambda: len(came()) >= 4, seconds=8)
        # Prometheus is dead: it says nothing more, and what it said last runs out.
        time.sleep(7)
        silent = len(came())
        time.sleep(SETTLED_SECONDS)
        assert len(came()) == silent
        assert {each["status"] for each in came()} == {"firing"}
