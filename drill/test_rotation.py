"""The database's password rotates: two users again and again, and a single one whose window is measured."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from drill.conftest import Row
from tests.postgres import Postgres
from tests.rotation import ACCESS, USERS, Volume, end_sessions, logged_in, prepare
from tests.server.watch import Fault, Watch
from tests.servers import Server

ROTATIONS = 4
# Between the change in the database and in the file, where the kubelet needs minutes.
GAP_SECONDS = 3.0


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
    assert running.stop() == 0


def test_two_users_that_take_turns_fail_no_request(
    server: Server, postgres: Postgres, volume: Volume, row: Row
) -> None:
    with Watch(server, clients=3) as watch, Fault() as rotations:
        for number in range(ROTATIONS):
            old, new = USERS if number % 2 == 0 else USERS[::-1]
            postgres.execute(f"ALTER ROLE {new} LOGIN PASSWORD 'number-{number}'")
            volume.write(new, f"number-{number}")
            time.sleep(1)
            postgres.execute(f"ALTER ROLE {old} NOLOGIN")
            time.sleep(2)
    asked = [seen for seen in watch.seen if seen.kind != "alive"]
    failed = [seen for seen in asked if seen.status not in {200, 201}]
    row(f"password: {ROTATIONS} rotations by alternating users", f"{len(asked)} requests, {len(failed)} failed")
    assert failed == []
    assert len(watch.during(rotations, "read", "write")) > 100


def test_one_user_s_window_is_answered_503_and_ends_by_itself(
    server: Server, postgres: Postgres, volume: Volume, row: Row
) -> None:
    (user,) = {
        name for name in USERS if postgres.execute(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'")[0][0]
    }
    for name in USERS:
        end_sessions(postgres, name)
    with Watch(server, clients=3) as watch:
        with Fault() as window:
            postgres.execute(f"ALTER ROLE {user} PASSWORD 'changed'")
            end_sessions(postgres, user)  # the worst case: no connection is left that goes on
            time.sleep(GAP_SECONDS)
            volume.write(user, "changed")
        time.sleep(3)
    inside = [seen for seen in watch.during(window, "read", "write", settle=0.2) if seen.status >= 400]
    back = max(watch.back(window, kind) for kind in ("read", "write"))
    last = max(seen.at - window.ended for seen in watch.seen if seen.status >= 400)
    row(
        f"password: one user, {GAP_SECONDS:.0f} s between database and file, its sessions ended",
        f"{len(inside)} answers of 503 with Retry-After, served again {back:.1f} s after, last 503 {last:.1f} s after",
    )
    assert {seen.status for seen in watch.seen} <= {200, 201, 503}
    assert inside
    assert all(seen.worded for seen in watch.seen if seen.status == 503)
    assert all(seen.status == 200 for seen in watch.seen if seen.kind == "alive")
    assert back < 2
    assert last < 2


def test_one_user_s_connections_that_are_there_go_on(
    server: Server, postgres: Postgres, volume: Volume, row: Row
) -> None:
    """Last: a window without a fault says little unless the one before had some."""
    (user,) = logged_in(postgres)
    with Watch(server, clients=1) as watch:
        postgres.execute(f"ALTER ROLE {user} PASSWORD 'again'")
        time.sleep(GAP_SECONDS)
        volume.write(user, "again")
        time.sleep(1)
    failed = [seen for seen in watch.seen if seen.status not in {200, 201}]
    row(
        f"password: one user, {GAP_SECONDS:.0f} s between database and file",
        f"{len(watch.seen)} requests, {len(failed)} failed",
    )
    assert all(seen.status == 503 and seen.worded for seen in failed)
