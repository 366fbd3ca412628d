"""No clinical content is in a store: canaries are planted wherever a client may write, and searched for in all they hold.

One server of both services at DEBUG, which is swept as in tests/server/test_canaries.py, beside the two of the walk; and
the collector alone, which is sent what no service of ours would send. Each search is tried on what it must find.
"""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from django.conf import settings

from observability.stack import Stack
from tests.canaries import Canaries, PlantingApi
from tests.server.sweep import Sweep
from tests.server.test_canaries import crash
from tests.servers import Server, make_database
from tests.telemetry.services import RELEASES, exporting
from tests.telemetry.stores import Jaeger, Loki, Prometheus, eventually
from tests.telemetry.walk import SECRETS, Walk, is_steady

# The servers are started once, in one process.
pytestmark = pytest.mark.xdist_group("stores")

STORES = ("prometheus", "loki", "jaeger")
# As a service that is not ours might name what it tells.
FORBIDDEN = (
    "patient.name", "db.query.parameter.0", "http.request.header.authorization", "url.query", "enduser.id",
    "user_agent.original", "client.address", "exception.message", "unheard.of",
)  # fmt: skip
FRAME = '  File "a.py", line 1, in f'
MARKER = "mrkr" + uuid.uuid4().hex[:8]
SWEPT = "k8s.namespace.name=canaries,k8s.deployment.name=careway"


@dataclass
class Held:
    """All that the stores hold after everything was planted, and the canaries."""

    canaries: Canaries
    answers: int
    stack: Stack
    prometheus: Prometheus
    loki: Loki
    jaeger: Jaeger

    @cached_property
    def texts(self) -> dict[str, str]:
        return {name: "\n".join(getattr(self, name).everything()) for name in STORES}

    @cached_property
    def files(self) -> str:
        """Of all five: their data, as far as it is not packed, and what they print."""
        found = [path for path in self.stack.folder.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("latin-1") for path in found)


@pytest.fixture(scope="module")
def held(
    stack: Stack,
    walkthrough: Walk,
    prometheus: Prometheus,
    loki: Loki,
    jaeger: Jaeger,
    tmp_path_factory: pytest.TempPathFactory,
) -> Held:
    canaries = Canaries()
    Net(stack, canaries).cast()
    variables = {
        **exporting(stack, SWEPT),
        "CAREWAY_LOG_LEVEL": "DEBUG",
        "DJANGO_SETTINGS_MODULE": "tests.crashing.on_demand_settings",
    }
    server = Server(make_database("careway_telemetry_canaries"), variables, output=tmp_path_factory.mktemp("canaries"))
    server.start()
    clients = [PlantingApi(service=name, url=server.url, canaries=canaries) for name in settings.SERVICES]
    try:
        for client in clients:
            Sweep(client).run()
            crash(client)
        last = clients[0].get("/problems").header("X-Request-Id")
    finally:
        # It sends what it has before it ends.
        assert server.stop() == 0
    found = Held(canaries, sum(sum(client.answers.values()) for client in clients), stack, prometheus, loki, jaeger)
    eventually(lambda: loki.lines(f'{{k8s_namespace_name="canaries"}} | request_id="{last}"', start=walkthrough.began))
    eventually(lambda: {"careway", "somebody-else"} <= set(jaeger.services()))
    eventually(
        lambda: prometheus.query(f'{{careway_marker="{MARKER}"}}') and prometheus.query('{service_name="careway"}')
    )
    eventually(lambda: is_steady(jaeger), 60)
    return found


class Net:
    """What is sent straight to the collector: with canaries where they are forbidden, and the marker where it may be."""

    def __init__(self, stack: Stack, canaries: Canaries) -> None:
        self.url = stack.url("collector")
        self.word = canaries.word
        self.now = time.time_ns()

    def cast(self) -> None:
        stranger = {**self._log(), "body": {"stringValue": f"Ada {self.word('body')}"}}
        logs = [
            {**self._scope("careway.request"), "logRecords": [self._log()]},
            {**self._scope(), "logRecords": [stranger]},
        ]
        self._post("logs", "resourceLogs", "scopeLogs", logs)
        self._post("traces", "resourceSpans", "scopeSpans", [{**self._scope(), "spans": [self._span()]}])
        self._post("metrics", "resourceMetrics", "scopeMetrics", [{**self._scope(), "metrics": self._metrics()}])

    def _post(self, signal: str, outer: str, inner: str, scopes: list[dict[str, Any]]) -> None:
        body = {outer: [{**self._resource(), inner: scopes}]}
        request = urllib.request.Request(
            f"{self.url}/v1/{signal}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def _attributes(self, place: str, **allowed: str) -> list[dict[str, Any]]:
        forbidden = {name: self.word(f"{name} of {place}") for name in FORBIDDEN}
        return [
            {"key": name.replace("__", "."), "value": {"stringValue": text}}
            for name, text in {**forbidden, **allowed}.items()
        ]

    def _resource(self) -> dict[str, Any]:
        about = {"service__name": "somebody-else", "service__instance__id": MARKER, "k8s__namespace__name": "net"}
        return {"resource": {"attributes": self._attributes("resource", **about)}}

    def _stack(self, place: str) -> str:
        said = self.word(f"words of an exception of {place}")
        return f"Traceback (most recent call last):\n{FRAME}\nValueError: {said}"

    def _scope(self, name: str = "somebody.else") -> dict[str, Any]:
        return {"scope": {"name": name, "attributes": self._attributes("scope")}}

    def _span(self) -> dict[str, Any]:
        statement = f"SELECT 1 FROM t WHERE name = '{self.word('literal of a statement')}'"
        url = f"http://user:{self.word('password')}@host/a/{uuid.uuid4()}?name={self.word('query')}#{self.word('fragment')}"
        about = {"careway__marker": MARKER, "db__query__text": statement, "url__full": url}
        event = {
            "name": "exception",
            "timeUnixNano": str(self.now),
            "attributes": self._attributes("event", exception__type=MARKER, exception__stacktrace=self._stack("event")),
        }
        return {
            "traceId": uuid.uuid4().hex, "spanId": uuid.uuid4().hex[:16], "kind": 3,
            "traceState": f"vendor={self.word('trace state')}",
            "name": f"GET /patients?name={self.word('name of a span')}",
            "startTimeUnixNano": str(self.now), "endTimeUnixNano": str(self.now + 10**6),
            # An error is kept.
            "status": {"code": 2, "message": f"Key (name)=({self.word('status')}) already exists."},
            "attributes": self._attributes("span", **about), "events": [event],
        }  # fmt: skip

    def _log(self) -> dict[str, Any]:
        told = {"stringValue": f"refused DETAIL:  Key (name)=({self.word('detail')}) exists."}
        return {
            "timeUnixNano": str(self.now),
            "body": told,
            "attributes": self._attributes("log", reason=MARKER, traceback=self._stack("log")),
        }

    def _metrics(self) -> list[dict[str, Any]]:
        point = {"timeUnixNano": str(self.now), "startTimeUnixNano": str(self.now - 10**9)}
        attributes = self._attributes("data point", careway__marker=MARKER)
        histogram = {**point, "count": "1", "sum": 0.2, "bucketCounts": ["1", "0"], "explicitBounds": [1.0]}
        return [
            {"name": "careway.net", "sum": {"aggregationTemporality": 2, "isMonotonic": True,
                                            "dataPoints": [{**point, "asInt": "1", "attributes": attributes}]}},
            {"name": "careway.net.level", "gauge": {"dataPoints": [{**point, "asInt": "1", "attributes": attributes}]}},
            {"name": "careway.net.duration", "histogram": {"aggregationTemporality": 2,
                                                           "dataPoints": [{**histogram, "attributes": attributes}]}},
        ]  # fmt: skip


class TestNothingIsHeld:
    @pytest.mark.parametrize("store", STORES)
    def test_no_canary(self, held: Held, store: str) -> None:
        assert held.canaries.told(held.texts[store]) == []

    @pytest.mark.parametrize("store", STORES)
    def test_nothing_that_the_walk_has_written(self, held: Held, store: str) -> None:
        assert [secret for secret in SECRETS if secret.lower() in held.texts[store].lower()] == []

    def test_no_canary_in_their_files(self, held: Held) -> None:
        assert held.canaries.told(held.files) == []
        assert [secret for secret in SECRETS if secret in held.files] == []


class TestTheSearch:
    """Would it have found one?"""

    @pytest.mark.parametrize("store", STORES)
    def test_it_finds_what_may_be_told(self, held: Held, store: str) -> None:
        assert MARKER in held.texts[store]

    def test_it_finds_it_in_files(self, held: Held) -> None:
        """Of Prometheus and Loki; Jaeger keeps its traces in memory."""
        kept = {store: held.stack.folder / "data" / store for store in ("prometheus", "loki")}
        found = {name: any(MARKER.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
                 for name, folder in kept.items()}  # fmt: skip
        assert found == {"prometheus": True, "loki": True}

    def test_it_read_what_every_process_told(self, held: Held, walkthrough: Walk) -> None:
        names = {*(release.name for release in RELEASES.values()), "careway", "somebody-else"}
        assert set(held.jaeger.services()) >= names
        assert set(held.prometheus.values("service_name")) >= names - {"somebody-else"}
        lines = held.loki.lines('{service_name=~".+"} | scope_name="careway.request"')
        assert {line.labels["service_name"] for line in lines} >= names
        wanted = held.answers * 0.9 + sum(walkthrough.kinds(service).total() for service in RELEASES)
        assert len(lines) >= wanted, "some are refused before they are requests, and have a line of another logger"

    def test_it_read_exemplars_and_events(self, held: Held) -> None:
        assert '"trace_id"' in held.texts["prometheus"]
        assert '"exception.stacktrace"' in held.texts["jaeger"]
        assert '"traceback"' in held.texts["loki"]

    def test_it_finds_a_canary_in_what_a_store_answers(self, held: Held) -> None:
        for text in held.texts.values():
            planted = text.replace(MARKER, held.canaries.word("a store"), 1)
            assert len(held.canaries.in_(planted)) == 1


class TestTheSecondNet:
    """What passed it, by name: an attribute that is on no list is in no store, and the others are."""

    def test_spans(self, held: Held) -> None:
        (span,) = [span for spans in held.jaeger.traces("somebody-else").values() for span in spans]
        assert set(span.tags) & {*FORBIDDEN} == set()
        assert (span.name, span.tags["careway.marker"]) == ("left out by the collector", MARKER)
        assert span.tags["db.query.text"] == "SELECT 1 FROM t WHERE name = ?"
        assert span.tags["url.full"] == "http://host/a/{id}"
        assert set(span.resource) & {*FORBIDDEN} == set()
        (event,) = span.logs
        kept = {name: event[name] for name in event if name != "event"}
        stack = f"Traceback (most recent call last):\n{FRAME}\n"
        assert kept == {"exception.type": MARKER, "exception.stacktrace": stack}

    def test_logs(self, held: Held) -> None:
        lines = held.loki.lines('{service_name="somebody-else"}')
        bodies = {line.metadata["scope_name"]: line.text for line in lines}
        assert bodies == {
            "careway.request": "refused left out by the collector",
            "somebody.else": "left out by the collector",
        }
        names = {name for line in lines for name in (*line.metadata, *line.labels)}
        assert names & {name.replace(".", "_") for name in FORBIDDEN} == set()
        assert {line.metadata["reason"] for line in lines} == {MARKER}

    @pytest.mark.parametrize("name", ["careway_net_total", "careway_net_level", "careway_net_duration_count"])
    def test_metrics(self, held: Held, name: str) -> None:
        (labels,) = (
            each for text in held.texts["prometheus"].splitlines() if f'"{name}"' in text for each in dictionaries(text)
        )
        assert labels["careway_marker"] == MARKER
        assert set(labels) & {name.replace(".", "_") for name in FORBIDDEN} == set()


def dictionaries(text: str) -> Iterator[dict[str, Any]]:
    """The series among what was read."""
    found = json.loads(text)
    if isinstance(found, dict) and "__name__" in found:
        yield found
