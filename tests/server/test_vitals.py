"""The vitals of a worker, as they arrive at a collector: at its start, and while its database is away or silent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from chassis.tokens import REASONS
from tests.collector import Collector, eventually
from tests.postgres import Postgres
from tests.relay import Relay
from tests.servers import ROOT, Server, migrate, product_environment
from tests.worlds import world_of

# A period of vitals, and a few seconds.
SECONDS = 20


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(options={"max_connections": "20", "superuser_reserved_connections": "3"}) as running:
        running.execute("CREATE ROLE careway LOGIN CONNECTION LIMIT 15")
        running.create_database("careway", owner="careway")
        yield running


@pytest.fixture(scope="module")
def relay(postgres: Postgres) -> Iterator[Relay]:
    with Relay(postgres.port) as running:
        yield running


@pytest.fixture(scope="module")
def url(relay: Relay) -> str:
    return f"postgresql://careway@127.0.0.1:{relay.port}/careway"


@pytest.fixture(scope="module")
def own() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def server(url: str, own: Collector) -> Iterator[Server]:
    migrate(url)
    running = Server(url, {**own.environment, "CAREWAY_WORKERS": "1"}).start()
    yield running
    running.stop(signal.SIGKILL)


def last(collector: Collector, name: str) -> float | None:
    found = collector.points(name)
    return found[0].value if found else None


def test_while_migrations_are_waited_for_they_are_counted(url: str) -> None:
    with Collector() as collector:
        # Its first export is the one at its end, or would be a minute after its start.
        variables = {**collector.environment, "DATABASE_URL": url}
        waiting = subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--check", "--wait", "60"],
            cwd=ROOT, env=product_environment(**variables), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert eventually(lambda: (last(collector, "careway.migrations.pending") or 0) > 10, seconds=SECONDS)
        migrate(url)
        assert waiting.wait(timeout=30) == 0
        assert last(collector, "careway.migrations.pending") == 0
        # It would seem to serve.
        assert collector.points("careway.requests") == []
        assert collector.points("db.client.operation.duration") == []


def test_who_need_not_wait_for_them_tells_nothing(url: str) -> None:
    migrate(url)
    with Collector() as collector:
        variables = {**collector.environment, "DATABASE_URL": url}
        command = [sys.executable, "manage.py", "migrate", "--check", "--wait", "60"]
        subprocess.run(command, cwd=ROOT, env=product_environment(**variables), check=True)
        assert collector.points() == []


def test_the_first_export_goes_out_at_once_and_counters_are_zero_in_it(url: str) -> None:
    migrate(url)
    with Collector() as collector:
        never = {"OTEL_METRIC_EXPORT_INTERVAL": "600000", "CAREWAY_WORKERS": "1"}
        running = Server(url, {**collector.environment, **never}).start()
        assert eventually(lambda: collector.points("careway.requests"), seconds=SECONDS)
        found = {(each.attributes["api"], each.attributes["outcome"]) for each in collector.points("careway.requests")}
        outcomes = ("answered", "failed", "limited", "refused")
        assert found == {(api, outcome) for api in settings.SERVICES for outcome in outcomes}
        assert set(collector.totals("careway.authentication.refusals", "reason")) == set(REASONS)
        counters = [each for each in collector.points() if each.name.startswith("careway.") and each.kind == "sum"]
        assert [each for each in counters if each.value and each.name != "careway.pool.wait"] == []
        assert last(collector, "careway.database.reachable") == 1
        assert running.stop() == 0


def test_a_healthy_worker_tells_what_it_sees(server: Server, own: Collector, postgres: Postgres) -> None:
    assert eventually(lambda: own.points("careway.key_set.age"), seconds=SECONDS)
    assert last(own, "careway.database.reachable") == 1
    assert last(own, "careway.database.connections.limit") == 15
    assert 1 <= (last(own, "careway.database.connections") or 0) <= 15
    assert last(own, "careway.migrations.pending") == 0
    issuers = {issuer.name for issuer in settings.TRUSTED_ISSUERS}
    assert set(own.totals("careway.key_set.age", "issuer")) == issuers
    assert own.points("careway.certificate.expiry") == []
    # Nor a statement, a span or a connection kept of its own.
    assert [
        each.span.name for each in own.traced() if not each.span.parent_span_id and each.span.name == "SELECT"
    ] == []


@pytest.mark.parametrize("how", ["stopped", "silent"])
def test_an_outage_is_told_within_a_period_and_its_end_too(
    server: Server, own: Collector, postgres: Postgres, relay: Relay, how: str
) -> None:
    assert eventually(lambda: last(own, "careway.database.reachable") == 1, seconds=SECONDS)
    since = time.monotonic()
    if how == "stopped":
        postgres.stop("immediate")
    else:
        relay.fall_silent()
    assert eventually(lambda: last(own, "careway.database.reachable") == 0, seconds=SECONDS)
    assert time.monotonic() - since < 16
    if how == "stopped":
        postgres.start()
    else:
        relay.forget()
    assert eventually(lambda: last(own, "careway.database.reachable") == 1, seconds=SECONDS)


def test_requests_are_counted_by_what_became_of_them(server: Server, own: Collector, postgres: Postgres) -> None:
    name, service = "careway.requests", server.service
    collection, _ = world_of(service).plain(0)
    own.settle()
    outcomes = ("answered", "failed", "refused")
    before = {outcome: own.total(name, api=service, outcome=outcome) for outcome in outcomes}
    # A refusal is an answer, but of a token; what no service serves is nobody's.
    assert [server.api.get(path).status for path in (collection, f"{collection}/nobody")] == [200, 404]
    assert server.api.get("/problems").status == 200
    assert server.api.get(f"{collection}?unknown=1").status == 400
    assert server.api.get(collection, Authorization="Bearer nonsense").status == 401
    postgres.stop("immediate")
    assert server.api.get(collection).status == 503
    postgres.start()
    own.settle()
    after = {outcome: own.total(name, api=service, outcome=outcome) - before[outcome] for outcome in outcomes}
    assert after == {"answered": 2, "failed": 1, "refused": 1}
