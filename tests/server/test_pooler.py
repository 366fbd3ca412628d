"""A pooler before the database, which lets everybody in also while the server behind it is away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.collector import Collector, eventually
from tests.pgbouncer import PROGRAM, USER, Authority, PgBouncer
from tests.postgres import Postgres
from tests.servers import Server, migrate
from tests.worlds import world_of

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no pgbouncer here: a pooler before the database is not tried (apt-get install pgbouncer)"
)
# A period of vitals, and a few seconds.
SECONDS = 20


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        running.execute(f"CREATE ROLE {USER} LOGIN")
        for setting in ("lock_timeout = '5s'", "statement_timeout = '15s'"):
            running.execute(f"ALTER ROLE {USER} SET {setting}")
        migrate(running.create_database("careway", owner=USER))
        running.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}", "careway")
        running.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}", "careway")
        yield running


@pytest.fixture(scope="module")
def own() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def server(postgres: Postgres, own: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pooler")
    authority = Authority(folder, "hospital")
    certificate, key = authority.certify(folder, "localhost")
    with PgBouncer(port=postgres.port, certificate=certificate, key=key, sessions=True) as bouncer:
        url = bouncer.url("careway", f"sslmode=verify-full&sslrootcert={authority.file}")
        running = Server(
            url, {**own.environment, "CAREWAY_WORKERS": "1", "CAREWAY_LOG_LEVEL": "WARNING"}, output=folder
        ).start()
        yield running
        running.stop()


def reachable(own: Collector) -> float | None:
    found = own.points("careway.database.reachable")
    return found[0].value if found else None


def test_a_server_that_is_away_behind_it_is_an_outage_until_it_is_back(
    server: Server, own: Collector, postgres: Postgres
) -> None:
    path = world_of(server.service).plain(0)[0]
    assert server.api.get(path).status == 200
    assert eventually(lambda: reachable(own) == 1, seconds=SECONDS)
    postgres.stop()
    try:
        assert eventually(lambda: server.api.get("/readyz").status == 503)
        assert eventually(lambda: reachable(own) == 0, seconds=SECONDS)
        refused = server.api.get(path)
        assert (refused.status, refused.header("Retry-After") is not None) == (503, True)
    finally:
        postgres.start()
    # PgBouncer waits 15 s before it tries again what has failed.
    statuses: list[int] = []
    while 200 not in statuses and len(statuses) < 10 * SECONDS:
        time.sleep(0.1)
        statuses.append(server.api.get(path).status)
    assert {*statuses} <= {200, 503}
    assert eventually(lambda: reachable(own) == 1, seconds=SECONDS)
    said = (server.output / "stdout").read_text(encoding="utf-8") if server.output else ""
    assert (said.count("the database is out of reach"), said.count("the database is back")) == (1, 1)
    # Those that the pool holds, and one of its own.
    assert said.count("discarding closed connection") < 10 * len(statuses), "a request asks on and on"
