"""The pool on a real PostgreSQL that is stopped, silent, or read-only; through a server it is tests/server/test_database_faults.py."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from sys import modules
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import InternalError, connections
from psycopg.pq import TransactionStatus
from psycopg_pool import PoolTimeout

from chassis.postgresql.base import DatabaseWrapper
from chassis.postgresql.pool import CHECK_SECONDS, FRESH_SECONDS, PROBE_SECONDS, Pool, Unreachable
from tests.postgres import Postgres
from tests.relay import Relay

SIZE = 4
SESSIONS = "FROM pg_stat_activity WHERE application_name = 'pool' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def relay(postgres: Postgres) -> Iterator[Relay]:
    with Relay(postgres.port) as running:
        yield running


@pytest.fixture
def pool(relay: Relay) -> Iterator[Pool]:
    """As the settings have it, through the relay; full."""
    options = {**settings.DATABASES["default"]["OPTIONS"]["pool"], "min_size": SIZE, "max_size": SIZE}
    tcp = {name: value for name, value in settings.DATABASES["default"]["OPTIONS"].items() if "keepalive" in name}
    tcp |= {name: settings.DATABASES["default"]["OPTIONS"][name] for name in ("tcp_user_timeout", "connect_timeout")}
    where = {"host": "127.0.0.1", "port": relay.port, "user": "postgres", "dbname": "postgres"}
    made = Pool(kwargs=lambda: {**where, **tcp, "application_name": "pool", "autocommit": True}, **options)
    made.open()
    made.wait(10)
    yield made
    made.close()


def seconds(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    with suppress(psycopg.OperationalError):
        call()
    return time.monotonic() - began


def use(pool: Pool) -> int:
    """One query, in whatever connection; answers its backend."""
    with pool.connection() as found:
        row = found.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def is_back(pool: Pool, patience: float = 5) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with suppress(psycopg.OperationalError):
            use(pool)
            return True
        time.sleep(0.02)
    return False


class TestWhatItGives:
    def test_connections_found_dead_are_replaced_without_a_wait(self, pool: Pool, postgres: Postgres) -> None:
        assert len(postgres.execute(f"SELECT pg_terminate_backend(pid) {SESSIONS}")) == SIZE
        time.sleep(0.2)
        assert seconds(lambda: use(pool)) < 0.5
        assert pool.get_stats()["returns_bad"] == SIZE

    def test_a_connection_that_says_nothing_is_given_up_and_so_are_the_others(self, pool: Pool, relay: Relay) -> None:
        relay.fall_silent()
        with pytest.raises(PoolTimeout):
            use(pool)
        # The next does not try the other three, for a second each.
        assert seconds(lambda: use(pool)) < 2 * CHECK_SECONDS
        assert seconds(lambda: use(pool)) < 2 * CHECK_SECONDS
        relay.forget()
        assert is_back(pool)

    def test_a_transaction_that_somebody_left_open_is_not_handed_on(self, pool: Pool) -> None:
        for statement in ("SELECT 1", "SELECT 1 / 0"):
            found = pool.getconn()
            found.autocommit = False
            with suppress(psycopg.DataError):
                found.execute(statement)
            assert found.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}
            pool.putconn(found)
            every = [pool.getconn() for _ in range(SIZE)]
            assert {each.info.transaction_status for each in every} == {TransactionStatus.IDLE}
            for each in every:
                pool.putconn(each)

    def test_a_connection_that_broke_in_a_transaction_is_not_handed_on(self, pool: Pool, postgres: Postgres) -> None:
        found = pool.getconn()
        found.autocommit = False
        found.execute("SELECT 1")
        postgres.execute(f"SELECT pg_terminate_backend({found.info.backend_pid})")
        with pytest.raises(psycopg.OperationalError):
            found.commit()
        pool.putconn(found)
        assert found.info.backend_pid not in {use(pool) for _ in range(2 * SIZE)}

    def test_as_many_threads_as_it_has_connections_never_fail(self, pool: Pool) -> None:
        failed: list[Exception] = []

        def work() -> None:
            for _ in range(100):
                try:
                    use(pool)
                except psycopg.Error as error:
                    failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(SIZE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert pool.get_stats()["pool_size"] == SIZE

    def test_a_host_that_vanishes_in_the_middle_of_a_statement_is_noticed_in_10_s(self, pool: Pool) -> None:
        with pool.connection() as found, socket.socket(fileno=socket.dup(found.fileno())) as own:
            assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


class TestAConnectionUsedAMomentAgo:
    """It is looked at, and not asked."""

    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        found: list[Any] = []

        def answers(*arguments: Any) -> bool:
            found.append(arguments)
            return True

        monkeypatch.setattr(modules[Pool.__module__], "answers", answers)
        return found

    def test_it_is_given_without_a_question(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(SIZE):
            use(pool)
        asked = self.asked(monkeypatch)
        use(pool)
        assert asked == []

    def test_after_a_pause_it_is_asked(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(SIZE):
            use(pool)
        asked = self.asked(monkeypatch)
        time.sleep(FRESH_SECONDS + 0.1)
        use(pool)
        assert len(asked) == 1

    def test_one_that_was_ended_meanwhile_is_replaced(self, pool: Pool, postgres: Postgres) -> None:
        for _ in range(SIZE):
            use(pool)
        assert len(postgres.execute(f"SELECT pg_terminate_backend(pid) {SESSIONS}")) == SIZE
        time.sleep(0.2)
        for _ in range(SIZE):
            use(pool)

    def test_a_host_that_vanished_fails_its_statement_within_3_s_for_every_thread(
        self, pool: Pool, relay: Relay
    ) -> None:
        for _ in range(SIZE):
            use(pool)
        relay.fall_silent()
        spent: list[float] = []
        threads = [threading.Thread(target=lambda: spent.append(seconds(lambda: use(pool)))) for _ in range(SIZE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(6)
        assert len(spent) == SIZE, "somebody still waits"
        assert CHECK_SECONDS < max(spent) < 3
        assert pool.away
        relay.forget()
        assert is_back(pool)

    def test_a_slow_statement_of_a_host_that_lives_is_waited_for(self, pool: Pool) -> None:
        for _ in range(SIZE):
            use(pool)
        with pool.connection() as found:
            assert found.is_trusted
            assert found.execute("SELECT 1 FROM pg_sleep(1.5)").fetchone() == (1,)
        assert not pool.away


class TestAnOutage:
    @pytest.fixture
    def away(self, pool: Pool, postgres: Postgres) -> Iterator[Pool]:
        postgres.stop()
        try:
            yield pool
        finally:
            with suppress(Exception):
                postgres.start()

    def test_the_first_requests_learn_of_it_before_their_time_out(self, away: Pool) -> None:
        taken: list[float] = []
        threads = [threading.Thread(target=lambda: taken.append(seconds(lambda: use(away)))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(taken) < away.timeout / 2

    def test_then_nobody_waits(self, away: Pool) -> None:
        seconds(lambda: use(away))
        time.sleep(0.2)
        asked = away.get_stats()["connections_num"]
        with pytest.raises(Unreachable):
            use(away)
        assert seconds(lambda: [seconds(lambda: use(away)) for _ in range(500)]) < 1
        assert away.get_stats()["connections_num"] == asked, "and nobody but the probe asks the database"

    def test_however_long_it_lasts_the_pool_is_back_at_once(self, away: Pool, postgres: Postgres) -> None:
        seconds(lambda: use(away))
        time.sleep(4)  # psycopg's own pool would now wait for another four
        postgres.start()
        assert seconds(lambda: is_back(away)) < PROBE_SECONDS + 0.5
        assert is_back(away)

    def test_where_no_thread_can_be_had_to_await_its_end_the_next_request_tries_again(
        self, away: Pool, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start = threading.Thread.start

        def without_a_probe(thread: threading.Thread) -> None:
            if thread.name.endswith("-probe"):
                raise RuntimeError("can't start new thread")
            start(thread)

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", without_a_probe)
            with suppress(psycopg.OperationalError, RuntimeError):
                use(away)
        postgres.start()
        assert seconds(lambda: is_back(away)) < PROBE_SECONDS + 0.5
        assert is_back(away)

    def test_it_ends_with_the_pool(self, away: Pool) -> None:
        seconds(lambda: use(away))
        away.close()
        time.sleep(PROBE_SECONDS + 0.2)
        assert [thread for thread in threading.enumerate() if thread.name == f"{away.name}-probe"] == []


class TestAFailover:
    def test_renewing_replaces_every_connection_also_those_in_use(self, pool: Pool) -> None:
        with pool.connection() as found:
            used = found.info.backend_pid
            before = {use(pool) for _ in range(SIZE)}
            pool.renew()
        time.sleep(0.3)
        assert not {use(pool) for _ in range(2 * SIZE)} & {*before, used}

    def test_it_is_done_once_a_second(self, pool: Pool) -> None:
        pool.renew()
        time.sleep(0.3)
        before = {use(pool) for _ in range(2 * SIZE)}
        pool.renew()
        assert {use(pool) for _ in range(2 * SIZE)} == before

    @pytest.mark.django_db(transaction=True)
    def test_a_write_on_a_read_only_server_asks_for_it(self) -> None:
        ours = connections["default"]
        assert isinstance(ours, DatabaseWrapper)
        assert ours.pool
        renewed_at = ours.pool._renewed_at
        with ours.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            with pytest.raises(InternalError):
                cursor.execute("CREATE TABLE anything ()")
        ours.close()
        assert ours.pool._renewed_at > renewed_at
        with ours.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("off",)


def test_its_statistics_can_be_read(pool: Pool) -> None:
    use(pool)
    found = pool.get_stats()
    assert (found["pool_size"], found["pool_max"], found["requests_num"]) == (SIZE, SIZE, 1)
