"""The database's user and password change under a running server: two users take turns, and no request fails."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import Postgres
from tests.rotation import ACCESS, DATABASE, OWNER, USERS, Volume, end_sessions, logged_in, prepare
from tests.server.watch import Fault, Watch
from tests.servers import Server, migrate
from tests.worlds import world_of


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(access=ACCESS) as running:
        yield running


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return Volume(tmp_path_factory.mktemp("credentials"))


@pytest.fixture(scope="module")
def server(postgres: Postgres, volume: Volume) -> Iterator[Server]:
    running = prepare(postgres, volume).start()
    yield running
    running.stop()


def test_what_either_user_makes_is_the_owner_s(server: Server, postgres: Postgres) -> None:
    migrate(postgres.url(DATABASE, user=USERS[1], password="first"))
    assert postgres.execute(
        "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'", DATABASE
    ) == [(OWNER,)]


def test_the_switch_and_locking_the_old_user_fail_no_request(
    server: Server, postgres: Postgres, volume: Volume
) -> None:
    old, new = USERS
    assert logged_in(postgres).keys() == {old}
    with Watch(server, clients=1) as watch, Fault() as rotation:
        postgres.execute(f"ALTER ROLE {new} PASSWORD 'second'")
        volume.write(new, "second")
        # Who has read the old login is in by then: docs/operating.md waits for longer.
        time.sleep(1)
        postgres.execute(f"ALTER ROLE {old} NOLOGIN")
        # More at once than before: the pools grow, by connections of the new user.
        with Watch(server, clients=4) as burst:
            pass
    assert {seen.status for seen in watch.seen + burst.seen} == {200, 201}
    assert len(watch.during(rotation, "read", "write")) > 10
    assert new in logged_in(postgres)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(postgres.url(DATABASE, user=old, password="first"))


def test_a_new_connection_is_the_new_user_s_when_the_old_one_s_are_ended(server: Server, postgres: Postgres) -> None:
    end_sessions(postgres, USERS[0])
    assert [server.api.get(world_of(server.service).plain(0)[0]).status for _ in range(8)] == [200] * 8
    assert logged_in(postgres).keys() == {USERS[1]}
