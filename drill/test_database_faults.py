"""Faults of the database, each with what reads, writes and probes were answered, and how long after its end all was well."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from drill.conftest import Row
from tests.postgres import Postgres
from tests.relay import Relay
from tests.server.watch import Fault, Watch
from tests.servers import Server, migrate
from tests.worlds import world_of

USER = "careway"
LIMITS = {"max_connections": "12", "superuser_reserved_connections": "3"}
LOCK_SECONDS = 2
KINDS = ("read", "write", "ready", "alive")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with a_database() as running:
        yield running


def a_database() -> Postgres:
    return Postgres(options=LIMITS)


def furnish(postgres: Postgres) -> None:
    """The service's role, with its database and tables."""
    postgres.execute(f"CREATE ROLE {USER} LOGIN")
    postgres.create_database(USER, owner=USER)
    migrate(postgres.url(USER, user=USER))


@pytest.fixture(scope="module")
def relay(postgres: Postgres) -> Iterator[Relay]:
    with Relay(postgres.port) as running:
        yield running


@pytest.fixture(scope="module")
def server(postgres: Postgres, relay: Relay) -> Iterator[Server]:
    """One worker with four threads, as in a pod."""
    furnish(postgres)
    variables = {"CAREWAY_WORKERS": "1", "CAREWAY_LOCK_TIMEOUT_SECONDS": str(LOCK_SECONDS)}
    running = Server(f"postgresql://{USER}@127.0.0.1:{relay.port}/{USER}", variables).start()
    yield running
    running.stop(signal.SIGKILL)


class Outcome:
    """Makes a fault while clients ask, and tells what they saw."""

    def __init__(self, server: Server, row: Row, name: str) -> None:
        self.server, self.row, self.name = server, row, name
        self.fault = Fault()
        self.watch = Watch(server, clients=2)

    def of(self, make: Callable[[], object], mend: Callable[[], object], *, seconds: float) -> Outcome:
        """What `make` and `mend` take themselves, such as the start of a server, is of the fault, but not its midst."""
        with self.watch:
            with self.fault:
                make()
                self.fault.lasts(seconds)
                mend()
            time.sleep(4)
        self._tell()
        return self

    def answers(self, kind: str, settle: float = 0.5) -> Counter[int]:
        return Counter(seen.status for seen in self.watch.during(self.fault, kind, settle=settle))

    def _tell(self) -> None:
        during = "; ".join(
            f"{kind} {'/'.join(map(str, sorted(self.answers(kind))))} in {self.watch.slowest(self.fault, kind):.2f} s"
            for kind in KINDS
        )
        back = ", ".join(f"{kind} {self.watch.back(self.fault, kind):.2f} s" for kind in ("read", "write", "ready"))
        self.row(f"{self.name}, {self.fault.ended - self.fault.began:.0f} s", f"{during} at most; back: {back}")

    def check(self, *, longest: float = 3, back: float = 2) -> None:
        """What holds for every fault."""
        seen = self.watch.during(self.fault, *KINDS) + self.watch.after(self.fault, *KINDS)
        assert {each.status for each in seen} <= {200, 201, 503}
        assert all(each.worded for each in seen if each.status == 503)
        assert set(self.answers("alive", settle=0)) == {200}
        assert self.watch.slowest(self.fault, "read", "write", "ready") < longest
        assert max(self.watch.back(self.fault, kind) for kind in ("read", "write", "ready")) < back
        late = self.watch.after(self.fault, *KINDS, settle=2)
        assert len(late) > 10
        assert all(each.status < 300 for each in late)


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("seconds", [2, 90])
def test_stopped_and_started(server: Server, postgres: Postgres, row: Row, seconds: int) -> None:
    outcome = Outcome(server, row, "stopped").of(postgres.stop, postgres.start, seconds=seconds)
    outcome.check()
    assert set(outcome.answers("read")) == set(outcome.answers("write")) == set(outcome.answers("ready")) == {503}


def test_killed(server: Server, postgres: Postgres, row: Row) -> None:
    outcome = Outcome(server, row, "killed").of(postgres.kill, postgres.start, seconds=1)
    outcome.check()


def test_silent(server: Server, relay: Relay, row: Row) -> None:
    """A host that has vanished between two requests: packets go nowhere, and nobody says so."""
    outcome = Outcome(server, row, "silent")
    with ExitStack() as stack:
        with outcome.fault:
            relay.fall_silent()
            stack.enter_context(outcome.watch)
            time.sleep(8)
            relay.forget()
        time.sleep(4)
    outcome._tell()
    outcome.check()
    assert set(outcome.answers("write", settle=0)) == {503}


def test_locked(server: Server, postgres: Postgres, row: Row) -> None:
    with psycopg.connect(postgres.url(USER)) as other:
        lock = f"LOCK TABLE {world_of(server.service).table} IN ACCESS EXCLUSIVE MODE".encode()
        outcome = Outcome(server, row, "a table locked")
        outcome.of(lambda: other.execute(lock), other.rollback, seconds=8)
    # The four threads wait for the lock, and two requests after one another.
    outcome.check(longest=3 * LOCK_SECONDS + 1)
    assert set(outcome.answers("read", settle=0.2)) == {503}


def test_out_of_connections(server: Server, postgres: Postgres, row: Row) -> None:
    postgres.execute("CREATE ROLE stranger LOGIN")
    others: list[psycopg.Connection[Any]] = []

    def take_all() -> None:
        # The service's own must not be first again when they are free.
        postgres.execute(f"ALTER ROLE {USER} CONNECTION LIMIT 0")
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'")
        free = int(LIMITS["max_connections"]) - int(LIMITS["superuser_reserved_connections"])
        until = time.monotonic() + 20
        while len(others) < free and time.monotonic() < until:
            # The service's attempts, each refused, take one for a moment.
            with suppress(psycopg.OperationalError):
                others.append(psycopg.connect(postgres.url(user="stranger")))
        postgres.execute(f"ALTER ROLE {USER} CONNECTION LIMIT -1")

    def give_back() -> None:
        for other in others:
            other.close()

    outcome = Outcome(server, row, "out of connections").of(take_all, give_back, seconds=5)
    outcome.check()
    assert len(others) == int(LIMITS["max_connections"]) - int(LIMITS["superuser_reserved_connections"])
    assert set(outcome.answers("write", settle=1)) == set(outcome.answers("ready", settle=1)) == {503}


def test_failover(server: Server, postgres: Postgres, relay: Relay, row: Row) -> None:
    """The old primary has become read-only; a little later its name leads to the new one."""
    with a_database() as successor:
        furnish(successor)

        def demote() -> None:
            postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            postgres.execute("SELECT pg_reload_conf()")

        def move() -> None:
            relay.target = successor.port

        outcome = Outcome(server, row, "read-only, then its name moves").of(demote, move, seconds=5)
        try:
            outcome.check()
            assert set(outcome.answers("write")) == {503}
            assert set(outcome.answers("read")) == {200}
        finally:
            postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
            postgres.execute("SELECT pg_reload_conf()")
            relay.target = postgres.port
            relay.forget()
            wait_for(lambda: server.api.get("/readyz").status == 200)


@pytest.fixture
def small(postgres: Postgres, tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = postgres.folder / "small"
    place.mkdir()
    owner = psutil.Process(int((postgres.folder / "data/postmaster.pid").read_text().split()[0])).uids().real
    options = f"size=24m,uid={owner},mode=0700"
    mounted = psutil.Popen(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]).wait() == 0
    if not mounted:
        pytest.skip("to mount a small file system takes a superuser")
    yield place
    psutil.Popen(["umount", "--lazy", str(place)]).wait()


def test_full(server: Server, postgres: Postgres, small: Path, row: Row) -> None:
    table = world_of(server.service).table
    postgres.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
    postgres.execute(f"ALTER TABLE {table} SET TABLESPACE small", USER)
    postgres.execute("CREATE TABLE filling (line text) TABLESPACE small", USER)

    def fill() -> None:
        for rows in (1000, 1):
            insert = f"INSERT INTO filling SELECT repeat('x', 900) FROM generate_series(1, {rows})"
            with suppress(psycopg.errors.DiskFull):
                while True:
                    postgres.execute(insert, USER)

    outcome = Outcome(server, row, "disk full").of(
        fill, lambda: postgres.execute("DROP TABLE filling", USER), seconds=6
    )
    outcome.check()
    assert 503 in outcome.answers("write", settle=3)
    assert set(outcome.answers("read")) == set(outcome.answers("ready")) == {200}
    postgres.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default", USER)
    postgres.execute("DROP TABLESPACE small")
