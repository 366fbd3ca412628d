"""No clinical content leaves: canaries are planted wherever a client may write, and searched for in all that left.

One server at DEBUG, with a collector for traces, metrics and logs and a PostgreSQL of its own, whose log is searched too.
Each search is tried on what it must find before its silence counts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.conf import settings

from tests.api import Answer
from tests.canaries import Canaries, PlantingApi, is_telling, writable_members
from tests.collector import Collector, eventually
from tests.postgres import Postgres
from tests.routes import operations
from tests.servers import Server, migrate
from tests.worlds import world_of

from .sweep import Sweep
from .test_postgresql_log import prescribed

CRASHES = ("middleware", "view", "unique", "slow", "stream", "thread", "collected", "warning", "library")


@dataclass
class Swept:
    """What a run left behind."""

    canaries: Canaries
    clients: list[PlantingApi]
    output: Path
    collector: Collector
    postgres: Postgres

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.printed("stdout").splitlines()]

    def printed(self, name: str) -> str:
        return (self.output / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    output = tmp_path_factory.mktemp("canaries")
    with Postgres(options=prescribed()) as postgres, Collector() as collector:
        database = postgres.create_database("careway")
        migrate(database)
        variables = {
            **collector.environment,
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            "DJANGO_SETTINGS_MODULE": "tests.crashing.on_demand_settings",
            "CAREWAY_LOG_LEVEL": "DEBUG",
            "CAREWAY_LOCK_TIMEOUT_SECONDS": "1",
            "CAREWAY_STATEMENT_TIMEOUT_SECONDS": "2",
        }
        server = Server(database, variables, output=output).start()
        canaries = Canaries()
        clients = [PlantingApi(service=name, url=server.url, canaries=canaries) for name in settings.SERVICES]
        try:
            for client in clients:
                Sweep(client).run()
                crash(client)
                wait_in_vain(client, database)
            lose_the_database(clients, postgres)
        finally:
            assert server.stop() == 0
        yield Swept(canaries, clients, output, collector, postgres)


def crash(client: PlantingApi) -> None:
    """In every way, outside a view and within one."""
    for kind in CRASHES:
        for path in ("/", collection(client)):
            with suppress(OSError, ValueError, HTTPException):  # a stream that breaks is no answer
                client.get(path, Crash=kind, Secret=client.canaries.word(f"crash in {kind}"))


def wait_in_vain(client: PlantingApi, database: str) -> None:
    """A write, for a lock that nobody gives."""
    path, body = world_of(client.service).plain(7)
    with psycopg.connect(database) as connection:
        connection.execute(f"LOCK TABLE {world_of(client.service).table} IN ACCESS EXCLUSIVE MODE")
        client.post(path, body, Idempotency_Key=client.canaries.word(f"{client.service} lock"))


def lose_the_database(clients: list[PlantingApi], postgres: Postgres) -> None:
    """With a transaction open, and for good."""
    slow = PlantingApi(service=clients[0].service, url=clients[0].url, canaries=clients[0].canaries)
    word = slow.canaries.word("lost in a transaction")
    thread = Thread(target=slow.get, args=[collection(slow)], kwargs={"Crash": "slow", "Secret": word})
    thread.start()
    time.sleep(0.5)
    postgres.stop("immediate")
    thread.join()
    for client in clients:
        path, body = world_of(client.service).plain(8)
        client.post(path, body, Idempotency_Key=client.canaries.word("lost database"))
    postgres.start()
    assert eventually(lambda: clients[0].get("/readyz").status == 200, seconds=30)
    clients[0].leaks += slow.leaks


def collection(client: PlantingApi) -> str:
    return world_of(client.service).plain(0)[0]


class TestWhatWasPlanted:
    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_every_writable_member_has_held_a_canary(self, swept: Swept, service: str) -> None:
        """A new member has to be added to tests/<service>/canaries.py."""
        (client,) = [client for client in swept.clients if client.service == service]
        members = list(writable_members(service))
        assert [(path, name) for path, name, _ in members if (service, path, name) not in client.sent] == []
        # A member of a record's own path can be accepted where the record is made.
        accepted = {(path.removesuffix("/{}"), name) for _, path, name in client.accepted}
        telling = [(path.removesuffix("/{}"), name) for path, name, schema in members if is_telling(schema)]
        assert sorted(set(telling) - accepted) == []

    def test_clients_saw_every_kind_of_answer(self, swept: Swept) -> None:
        for client in swept.clients:
            assert {200, 201, 400, 403, 404, 405, 406, 409, 412, 415, 500, 503} <= set(client.answers), client.answers

    def test_what_was_planted_is_there_for_its_owner(self, swept: Swept) -> None:
        database = swept.postgres.url("careway")
        with psycopg.connect(database) as connection:
            for service in settings.SERVICES:
                rows = connection.execute(f"SELECT t::text FROM {world_of(service).table} t").fetchall()
                assert swept.canaries.in_(str(rows))


class TestNothingLeft:
    @pytest.mark.parametrize("name", ["stdout", "stderr"])
    def test_it_printed_no_canary(self, swept: Swept, name: str) -> None:
        assert swept.canaries.told(swept.printed(name)) == []

    def test_it_exported_no_canary(self, swept: Swept) -> None:
        assert swept.canaries.told(swept.collector.all_text()) == []

    def test_no_problem_told_a_value(self, swept: Swept) -> None:
        assert [leak for client in swept.clients for leak in client.leaks] == []

    def test_the_log_of_postgresql_has_none(self, swept: Swept) -> None:
        assert swept.canaries.told(swept.postgres.log) == []


class TestTheSearch:
    """Would it have found one? Everything it reads is full, and holds what is next to a canary."""

    def test_it_read_lines_of_every_kind(self, swept: Swept) -> None:
        seen = {(line["logger"], line["message"]) for line in swept.lines}
        assert seen >= {
            ("careway.request", "request"),
            ("careway.access", "access"),
            ("chassis.problems", "unforeseen"),
            ("chassis.problems", "the database could not answer"),
            ("chassis.logs", "nobody caught an exception"),
            ("chassis.logs", "Python warns"),
            ("chassis.worker", "refused before it was a request"),
            ("gunicorn.error", "Error handling request"),
            ("some.library", "it failed: ExceptionGroup"),
        }

    def test_it_read_exports_of_every_kind(self, swept: Swept) -> None:
        assert {line["message"] for line in swept.lines} >= {log.body for log in swept.collector.logs()} > {"request"}
        assert [event for span in swept.collector.spans() for event in span.events if event.name == "exception"]
        assert swept.collector.points()

    def test_it_read_the_errors_of_postgresql(self, swept: Swept) -> None:
        assert "violates unique constraint" in swept.postgres.log
        assert "canceling statement due to statement timeout" in swept.postgres.log
        assert "canceling statement due to lock timeout" in swept.postgres.log

    @pytest.mark.parametrize(
        "text", ["name is %s.", "%s", "DETAIL:  Key (name)=(%s)", '"sub\\n%s"', "?a=%s&b", "/v1/%s/x", "{'a': '%s'}"]
    )
    def test_it_finds_a_canary_in_any_surroundings(self, text: str) -> None:
        canaries = Canaries()
        for value in (
            canaries.word("word"),
            canaries.legal("day", "2019-02-04T01:02:03Z", seen="2019-02-04"),
            canaries.legal("code", "MONDO:9876543"),
            canaries.id("id"),
        ):
            assert len(canaries.in_(text % value)) == 1
            assert len(canaries.in_(text % value.lower())) == 1
        assert canaries.in_("12019-02-04 MONDO:98765432 an ordinary line") == set()

    def test_it_finds_a_value_in_a_problem_but_lets_its_client_s_own_names_be(self) -> None:
        client = PlantingApi(service=settings.SERVICES[0])
        word = client.canaries.word("value")
        for problem, found in (
            ({"detail": word}, 1),
            ({"errors": [{"pointer": "/a", "message": f"{word} is wrong"}]}, 1),
            ({"errors": [{"pointer": f"/{word}", "message": "There is no such member."}]}, 0),
        ):
            assert len(client._leaked(Answer(400, {}, json.dumps(problem).encode()))) == found


class TestTheLines:
    def test_each_is_one_json_object_with_its_four_members(self, swept: Swept) -> None:
        assert swept.lines
        assert all({"time", "level", "logger", "message"} <= set(line) for line in swept.lines)

    def test_nothing_is_on_stderr(self, swept: Swept) -> None:
        assert swept.printed("stderr") == ""

    def test_a_request_line_names_its_trace(self, swept: Swept) -> None:
        requests = [line for line in swept.lines if line["logger"] == "careway.request"]
        assert [line for line in requests if not re.fullmatch("[0-9a-f]{32}", line.get("trace_id", ""))] == []
        spans = {span.trace_id.hex() for span in swept.collector.spans()}
        assert len([line for line in requests if line["trace_id"] in spans]) > 100

    def test_each_granted_access_is_one_line_and_a_refused_one_none(self, swept: Swept) -> None:
        open_ = {operation.route for operation in operations() if operation.is_open}
        actions = {(each.method, each.route): each for each in operations()}
        accesses: dict[str, list[dict[str, Any]]] = {}
        for line in swept.lines:
            if line["logger"] == "careway.access":
                accesses.setdefault(line["request_id"], []).append(line)
        tried = set()
        for line in (line for line in swept.lines if line["logger"] == "careway.request"):
            mine = accesses.pop(line["request_id"], [])
            operation = actions.get((line["method"], line["route"]))
            granted = operation and line["status"] < 400 and line["route"] not in open_ and operation.service
            assert len(mine) == bool(granted), (line, mine)
            if granted and operation:
                tried.add(str(operation))
                assert (mine[0]["subject"], bool(mine[0]["record"])) == (
                    line["subject"], bool(operation.parameters) or operation.method == "POST",
                ), mine  # fmt: skip
        assert accesses == {}
        reading = {str(each) for each in operations() if each.method == "GET" and each.service and not each.is_open}
        assert tried >= reading
