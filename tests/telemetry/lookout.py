"""Who looks out for alerts while faults are made: in Prometheus, and where Alertmanager tells them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from observability.webhook import Webhook
from tests.telemetry.stores import ask

# The longest that any of these alerts may last when its cause is mended.
CLEARED_SECONDS = 300
# So long has to be silent what is over.
CALM_SECONDS = 3


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


def page(name: str, release: str) -> Alert:
    return Alert(f"Careway{name}", "page", release)


def ticket(name: str, release: str) -> Alert:
    return Alert(f"Careway{name}", "ticket", release)


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


@dataclass(kw_only=True)
class Drill:
    """Makes faults, one after the other."""

    lookout: Lookout
    # Whom to tell the lines of the table.
    tell: Callable[[Told], object] = lambda _: None

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
