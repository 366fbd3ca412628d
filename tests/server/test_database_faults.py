"""A database that is away, silent, locked, full of others, or read-only. The whole table is drill/test_database_faults.py."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from tests.postgres import Postgres
from tests.relay import Relay
from tests.server.watch import Fault, Watch
from tests.servers import Server, migrate
from tests.worlds import world_of

LOCK_SECONDS = 1
# Nobody waits longer than a second for a connection; the rest is for a machine that runs many tests at once.
LONGEST_SECONDS = 3


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(options={"max_connections": "12", "superuser_reserved_connections": "3"}) as running:
        running.execute("CREATE ROLE careway LOGIN")
        migrate(running.create_database("careway", owner="careway").replace("postgres@", "careway@"))
        yield running


@pytest.fixture(scope="module")
def relay(postgres: Postgres) -> Iterator[Relay]:
    with Relay(postgres.port) as running:
        yield running


@pytest.fixture(scope="module")
def server(relay: Relay) -> Iterator[Server]:
    """One worker with four threads, as in a pod."""
    variables = {"CAREWAY_WORKERS": "1", "CAREWAY_LOCK_TIMEOUT_SECONDS": str(LOCK_SECONDS)}
    running = Server(f"postgresql://careway@127.0.0.1:{relay.port}/careway", variables).start()
    yield running
    running.stop(signal.SIGKILL)


def statuses(watch: Watch, fault: Fault, *kinds: str, settle: float = 0.0) -> set[tuple[int, bool]]:
    """What was answered while a fault was there, and whether it was worded."""
    return {(seen.status, seen.worded) for seen in watch.during(fault, *kinds, settle=settle)}


def is_whole(watch: Watch, fault: Fault) -> bool:
    """Soon after the end of the fault everything is answered well. How soon, the drill tells."""
    after = watch.after(fault, "read", "write", "ready", "alive", settle=2)
    return len(after) > 20 and all(seen.status in {200, 201} for seen in after)


class TestAway:
    def test_a_restart_is_answered_503_and_then_it_works_by_itself(self, server: Server, postgres: Postgres) -> None:
        with Watch(server) as watch:
            with Fault() as fault:
                postgres.stop()
                fault.lasts(2)
                postgres.start()
            time.sleep(4)
        assert statuses(watch, fault, "read", "write", "ready") == {(503, True)}
        assert statuses(watch, fault, "alive") == {(200, False)}
        assert watch.slowest(fault, "read", "write", "ready") < LONGEST_SECONDS
        assert watch.slowest(fault, "alive") < LONGEST_SECONDS
        assert is_whole(watch, fault)

    def test_a_host_that_no_longer_answers_holds_nobody(self, server: Server, relay: Relay) -> None:
        with ExitStack() as stack:
            with Fault() as fault:
                relay.fall_silent()
                watch = stack.enter_context(Watch(server))
                fault.lasts(4)
                relay.forget()
            time.sleep(4)
        assert statuses(watch, fault, "read", "write", "ready") == {(503, True)}
        assert watch.slowest(fault, "read", "write", "ready") < LONGEST_SECONDS
        assert watch.slowest(fault, "alive") < LONGEST_SECONDS
        assert watch.back(fault, "read") < LONGEST_SECONDS
        assert is_whole(watch, fault)


class TestThere:
    def test_a_lock_is_waited_for_and_then_answered_503(self, server: Server, postgres: Postgres) -> None:
        table = world_of(server.service).table
        with Watch(server, clients=2) as watch:
            with Fault() as fault, psycopg.connect(postgres.url("careway")) as other:
                other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
                fault.lasts(3)
            time.sleep(4)
        assert statuses(watch, fault, "read", "write") == {(503, True)}
        assert watch.slowest(fault, "read", "write") < 2 * LOCK_SECONDS + 1
        assert is_whole(watch, fault)

    def test_without_a_free_connection_it_works_with_those_it_has(self, server: Server, postgres: Postgres) -> None:
        others: list[psycopg.Connection[Any]] = []
        with Watch(server, clients=1) as watch:
            with Fault() as fault:
                while len(others) < 12:
                    try:
                        others.append(psycopg.connect(postgres.url("careway", user="careway")))
                    except psycopg.OperationalError:
                        break
                fault.lasts(2)
                for other in others:
                    other.close()
            time.sleep(4)
        assert 3 < len(others) < 10, "all that are free, and those of the server stayed"
        assert (200, False) in statuses(watch, fault, "read")
        assert statuses(watch, fault, "read", "write", "ready") <= {(200, False), (201, False), (503, True)}
        assert is_whole(watch, fault)

    def test_read_only_it_reads_and_renews_its_connections(self, server: Server, postgres: Postgres) -> None:
        sessions = "SELECT pid FROM pg_stat_activity WHERE usename = 'careway'"
        with Watch(server, clients=1) as watch:
            before = postgres.execute(sessions)
            with Fault() as fault:
                postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
                postgres.execute("SELECT pg_reload_conf()")
                fault.lasts(2)
                assert not set(before) & set(postgres.execute(sessions))
                postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
                postgres.execute("SELECT pg_reload_conf()")
            time.sleep(4)
        # Each of its sessions reads the new configuration when it next comes to it.
        assert statuses(watch, fault, "write", settle=1) == {(503, True)}
        assert statuses(watch, fault, "read", "alive") == {(200, False)}
        assert is_whole(watch, fault)
