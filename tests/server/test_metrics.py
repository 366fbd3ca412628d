"""What is measured, as it arrives from two workers: the right numbers, and attributes of few values, whatever is asked."""

from __future__ import annotations

import random
import re
import socket
import uuid
from http import HTTPMethod
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any

import psycopg.errors
import pytest
from django.apps import apps
from django.conf import settings
from django.urls import URLResolver, get_resolver

from chassis.problems import CATALOGUE
from chassis.redaction import KEPT, OURS
from chassis.tokens import REASONS
from tests.api import RemoteApi, token
from tests.chassis.test_metrics import documented
from tests.collector import Collector, Point, Traced, eventually
from tests.servers import ROOT, Server
from tests.worlds import World

CANARY = "Zqx7canary"
SECONDS = 10  # for two workers to say what they counted


@pytest.fixture
def api(wired_server: Server, service: str) -> RemoteApi:
    return wired_server.api.as_(service=service)


class TestCounts:
    def test_requests_of_both_workers_add_up(self, wired_server: Server, collector: Collector) -> None:
        # Each worker has told its instance by the time it has served one; which one serves is the kernel's choice.
        name = "http.server.request.duration"
        wanted: dict[str, Any] = {"http_route": "problems", "http_response_status_code": 200}
        collector.settle()
        before = _total(collector, name, **wanted)
        for _ in range(32):
            assert wired_server.api.get("/problems").status == 200
        assert eventually(lambda: _total(collector, name, **wanted) == before + 32, seconds=SECONDS)
        instances = {point.instance for point in collector.points("process.memory.usage")}
        assert len(instances) == 2

    def test_replays_are_counted(self, api: RemoteApi, world: World, numbers: count[int], collector: Collector) -> None:
        path, body = world.plain(next(numbers))
        collector.settle()
        key, before = str(uuid.uuid4()), collector.total("careway.idempotent.replays")
        answers = [api.post(path, body, Idempotency_Key=key) for _ in range(3)]
        assert [each.status for each in answers] == [201] * 3
        assert eventually(lambda: collector.total("careway.idempotent.replays") == before + 2, seconds=SECONDS)

    def test_refused_tokens_are_counted_by_reason(self, wired_server: Server, collector: Collector) -> None:
        name = "careway.authentication.refusals"
        collector.settle()
        before = collector.totals(name, "reason")
        for bearer in ("not-a-token", "not-a-token", token(seconds=-3600)):
            path = f"/{settings.SERVICES[0]}/v1/{_list_of(wired_server)}"
            assert wired_server.api.get(path, Authorization=f"Bearer {bearer}").status == 401
        wanted = {"malformed": before.get("malformed", 0) + 2, "expired": before.get("expired", 0) + 1}
        assert eventually(lambda: wanted.items() <= collector.totals(name, "reason").items(), seconds=SECONDS)

    def test_the_pool_and_the_process_are_measured(
        self, api: RemoteApi, world: World, numbers: count[int], collector: Collector
    ) -> None:
        assert api.post(*world.plain(next(numbers))).status == 201
        assert eventually(lambda: collector.points("db.client.operation.duration"), seconds=SECONDS)
        threads = settings.THREADS
        assert {point.value for point in collector.points("db.client.connection.max")} == {threads}
        for instance in {point.instance for point in collector.points("db.client.connection.count")}:
            states = {
                point.attributes["db.client.connection.state"]: point.value
                for point in collector.points("db.client.connection.count")
                if point.instance == instance
            }
            assert set(states) == {"idle", "used"}
            assert 1 <= sum(states.values()) <= threads
        for name in ("db.client.connection.pending_requests", "db.client.connection.timeouts"):
            assert {point.value for point in collector.points(name)} == {0}
        assert all(point.value > 10_000_000 for point in collector.points("process.memory.usage"))
        assert {point.attributes["type"] for point in collector.points("process.cpu.time")} == {"user", "system"}

    def test_nothing_of_the_host_is_measured(self, collector: Collector, wired_server: Server) -> None:
        assert eventually(lambda: collector.points("process.cpu.time"), seconds=SECONDS)
        assert [point.name for point in collector.points() if point.name.startswith("system.")] == []

    def test_what_arrives_stands_in_the_documents(self, collector: Collector) -> None:
        assert eventually(collector.points)
        documents = [ROOT / "docs" / f"{name}.md" for name in ("operating", *settings.SERVICES)]
        listed = {name: unit for each in documents for name, unit in documented(each, "## Metrics").items()}
        assert {point.name: point.unit for point in collector.points()}.items() <= listed.items()

    def test_every_instrument_has_a_description_and_ours_a_unit(self, collector: Collector) -> None:
        assert eventually(collector.points)
        assert [point.name for point in collector.points() if not point.description] == []
        assert [point.name for point in collector.points() if not point.unit and point.name.startswith(OURS)] == []


class TestFuzzing:
    """Whatever clients send, the values of attributes are those that the code names."""

    SQL = frozenset(
        {"SELECT", "INSERT", "UPDATE", "DELETE", "SET", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK", "COPY", "CREATE"}
    )
    METHODS = frozenset({*HTTPMethod, "_OTHER"})
    ERRORS = frozenset(
        {name for name, each in vars(psycopg.errors).items() if isinstance(each, type)}
        | {str(status) for status in range(500, 600)}
        | {"OperationalError", "LookupError"}
    )

    def test_it_brings_no_value_that_nobody_declared(
        self, wired_server: Server, server_database: str, collector: Collector
    ) -> None:
        chance = random.Random(7)
        bearers = [token(), token(scopes=(CANARY,)), token(subject=CANARY), CANARY, f"{CANARY}.{CANARY}.{CANARY}"]
        for _ in range(250):
            _ask_anything(wired_server.port, chance, chance.choice(bearers))
        assert _ask_in_version(wired_server.port, "HTTP/1.7").startswith(b"HTTP/1.7 200 ")
        last = uuid.uuid4().hex
        assert wired_server.api.get("/problems", traceparent=f"00-{last}-00f067aa0ba902b7-01").status == 200
        assert eventually(lambda: collector.spans(last))
        reasons = collector.totals("careway.authentication.refusals", "reason")
        assert sum(reasons.values())  # the fuzz came as far as that
        unbounded = {
            (point.name, key, str(each))
            for point in collector.points()
            for key, each in point.attributes.items()
            if not self.is_bounded(point, key, each)
        }
        assert unbounded == set()
        unbounded = {
            (traced.span.name, key, str(each))
            for traced in collector.traced()
            for key, each in traced.attributes.items()
            if not self.is_bounded(traced, key, each)
        }
        assert unbounded == set()
        assert {each.span.name for each in collector.traced()} <= self.names()
        assert CANARY.lower() not in collector.all_text().lower()

    def names(self) -> set[str]:
        """Every name that a span may have: as many as there are routes and kinds of statements."""
        asked = {f"{method} {route}" for method in HTTPMethod for route in ROUTES | {"index"}}
        tables = {f"{kind} {table}" for kind in ("COPY", "SELECT") for table in TABLES}
        return {*asked, *tables, *self.METHODS, *self.SQL, "HTTP", "ingest"}

    def is_bounded(self, where: Point | Traced, key: str, each: Any) -> bool:
        """Whether the value is one of those that this attribute may have."""
        if isinstance(where, Traced) and key not in KEPT and not key.startswith(OURS):
            return False
        match key:
            case "http.request.method":
                return each in self.METHODS
            case "http.route":
                return each in ROUTES
            case "url.path":
                return str(each).removeprefix("/") in ROUTES
            case "http.response.status_code":
                return each in STATUSES
            case "error.type":
                # An exception; or, of a file that is refused, the code of the problem.
                return each in self.ERRORS | CATALOGUE.keys() or (
                    isinstance(where, Traced) and str(each).rpartition(".")[2] in self.ERRORS
                )
            case "db.operation.name":
                return each in self.SQL
            case "reason":
                return each in REASONS
            case "api":
                return each in settings.SERVICES
            case "issuer":
                return each in {issuer.name for issuer in settings.TRUSTED_ISSUERS}
            case "db.query.text":  # of spans alone; words of ours, with no literal in them
                return isinstance(where, Traced) and "'" not in str(each)
            case "db.collection.name":
                return each in TABLES
            case "server.port":
                return isinstance(each, int)
            case "server.address" | "db.namespace":  # of the configuration
                return CANARY.lower() not in str(each).lower()
        if key in {"outcome", "status"} or key.startswith(OURS):
            return isinstance(each, int | float) or bool(WORD.fullmatch(each))
        return each in VALUES.get(key, ())


def _routes(resolver: URLResolver, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for each in resolver.url_patterns:
        whole = prefix + str(each.pattern)
        found |= _routes(each, whole) if isinstance(each, URLResolver) else {whole}
    return found


ROUTES = _routes(get_resolver("tests.crashing.urls"))
# `staged` is a temporary one.
TABLES = {model._meta.db_table for model in apps.get_models()} | {"staged"}
WORD = re.compile(r"[a-z]+(-[a-z]+)*")
STATUSES = {
    200,
    201,
    204,
    304,
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    411,
    412,
    413,
    414,
    415,
    422,
    428,
    429,
    500,
    503,
}
VALUES: dict[str, set[Any]] = {
    "url.scheme": {"http", "https"},
    "network.protocol.version": {"1.0", "1.1"},
    "db.system.name": {"postgresql"},
    "db.client.connection.pool.name": {"default"},
    "db.client.connection.state": {"idle", "used"},
    "type": {"user", "system"},
}


def _list_of(server: Server) -> str:
    """A collection of the first service."""
    pattern = re.compile(rf"{settings.SERVICES[0]}/v1/(\w+)")
    return next(found[1] for route in sorted(ROUTES) if (found := pattern.fullmatch(route)))


def _total(collector: Collector, name: str, http_route: str, http_response_status_code: int) -> float:
    wanted = {"http.route": http_route, "http.response.status_code": http_response_status_code}
    return sum(point.value for point in collector.points(name) if wanted.items() <= point.attributes.items())


def _ask_in_version(port: int, version: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET /problems {version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def _ask_anything(port: int, chance: random.Random, bearer: str) -> None:
    """One request, of which every part may be nonsense; what is not, is a route of ours with an id that is not there."""
    words = f"{CANARY}{chance.randrange(16**6):x}"
    route = re.sub(r"<uuid:\w+>", lambda _: str(uuid.UUID(int=chance.getrandbits(128))), chance.choice(sorted(ROUTES)))
    path = chance.choice([f"/{words}", f"/{route}", f"/{route}", f"/{route}/{words}", f"/{route}?{words}={words}"])
    path = re.sub(r"<\w+:\w+>", words, path)
    method = chance.choice([*HTTPMethod, "GET", "POST", "PUT", f"X{words}".upper(), "get"])
    headers = {
        "Authorization": f"Bearer {bearer}",
        "User-Agent": words,
        "traceparent": f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01",
        "tracestate": f"a={words}",
        "baggage": f"{words}={words}",
        "Content-Type": chance.choice(["application/json", "application/json", words, "text/vcf"]),
        "Idempotency-Key": words,
        "If-Match": chance.choice(['"1"', words]),
        "Accept": chance.choice(["*/*", words]),
        "Careway-Organization": words,
        "Forwarded": f"for={words}",
    }
    if chance.random() < 0.1:
        headers["Host"] = f"{words}.example"
    body = chance.choice([b"", words.encode(), b'{"%s": "%s"}' % (words.encode(), words.encode()), b"[]", b"\x00\xff"])
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(str(method), path, body=body, headers=headers)
        connection.getresponse().read()
    except (HTTPException, OSError):
        pass  # CONNECT and the like; what the server makes of them is not asked here
    finally:
        connection.close()
