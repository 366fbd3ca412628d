"""chassis/vitals.py, against the tests' database; what arrives from a worker, tests/server/test_vitals.py sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.db.utils import ConnectionHandler
from opentelemetry.metrics import CallbackOptions
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from chassis import health, metrics, vitals
from chassis.instruments import Gauge
from tests.chassis.issuing import file_issuer, signer
from tests.database import execute
from tests.pgbouncer import Authority
from tests.servers import PROCESS, database_url

ONE = signer("one")
GAUGES = (
    metrics.database_reachable,
    metrics.database_connections,
    metrics.database_connections_limit,
    metrics.migrations_pending,
    metrics.key_set_age,
    metrics.certificate_expiry,
)


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    for gauge in GAUGES:
        gauge.forget()


def told(gauge: Gauge) -> dict[str, float]:
    """By the value of its one attribute, if it has one."""
    return {
        "".join(map(str, (each.attributes or {}).values())): each.value for each in gauge.observe(CallbackOptions())
    }


def instead(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    """A database with other settings, which the vitals ask."""
    found = {**connections["default"].settings_dict, **changes}
    wrapper: Any = ConnectionHandler({"default": found})["default"]
    wrapper._connection_pools = {}
    monkeypatch.setattr(health, "connection", wrapper)
    monkeypatch.setattr(vitals, "connection", wrapper)
    return wrapper


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database at a port where nothing listens."""
    instead(monkeypatch, HOST="127.0.0.1", PORT="1", OPTIONS={"connect_timeout": 1})


class TestTheRound:
    @pytest.fixture
    def own(self, monkeypatch: pytest.MonkeyPatch) -> list[vitals.Vital]:
        found: list[vitals.Vital] = []
        monkeypatch.setattr(vitals, "_vitals", found)
        return found

    def test_one_that_raises_is_not_told_and_stops_no_other(
        self, own: list[vitals.Vital], caplog: pytest.LogCaptureFixture
    ) -> None:
        metrics.migrations_pending.tell(3)

        @vitals.vital(metrics.migrations_pending)
        def fails() -> None:
            raise LookupError

        @vitals.vital(metrics.database_reachable)
        def works() -> None:
            metrics.database_reachable.tell(1)

        for _ in range(2):
            vitals.look()
        assert (told(metrics.migrations_pending), told(metrics.database_reachable)) == ({}, {"": 1})
        (line,) = caplog.records
        assert (line.message, line.__dict__["vital"]) == ("a vital cannot be looked up", "fails")

    def test_that_the_database_cannot_answer_is_no_line_of_the_log(
        self, own: list[vitals.Vital], caplog: pytest.LogCaptureFixture
    ) -> None:
        @vitals.vital(metrics.migrations_pending)
        def fails() -> None:
            raise psycopg.OperationalError

        vitals.look()
        assert caplog.records == []


@pytest.mark.django_db
class TestTheDatabase:
    def test_one_that_answers_is_reachable(self) -> None:
        vitals.reachability()
        assert told(metrics.database_reachable) == {"": 1}

    def test_one_that_is_away_is_not_and_nothing_else_is_told_of_it(self, outage: None) -> None:
        metrics.database_connections.tell(7)
        since = time.monotonic()
        vitals.look()
        assert time.monotonic() - since < 6
        assert told(metrics.database_reachable) == {"": 0}
        assert [told(gauge) for gauge in GAUGES[1:4]] == [{}, {}, {}]

    def test_connections_are_those_that_the_server_counts(self) -> None:
        vitals.connections()
        ((there,),) = execute("SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL")
        ((most,),) = execute(
            "SELECT sum(setting::int * CASE name WHEN 'max_connections' THEN 1 ELSE -1 END) FROM pg_settings"
            " WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
        )
        assert abs(told(metrics.database_connections)[""] - there) <= 2  # other tests come and go
        assert told(metrics.database_connections_limit) == {"": most}

    @pytest.fixture
    def turns(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """Logged in as one of two users that take turns: statements run as another role than counts its sessions."""
        user, owner = f"careway_vitals_a{PROCESS}", f"careway_vitals{PROCESS}"
        name = connections["default"].settings_dict["NAME"]
        # Another session logs in as this user, so nothing of it can wait for the end of a transaction.
        with psycopg.connect(database_url(name), autocommit=True) as session:
            session.execute(f"CREATE ROLE {owner} NOLOGIN".encode())
            session.execute(f"CREATE ROLE {user} LOGIN CONNECTION LIMIT 2 IN ROLE {owner}".encode())
            session.execute(f"ALTER ROLE {user} SET role = {owner}".encode())
            try:
                options = {**connections["default"].settings_dict["OPTIONS"]}
                options.pop("pool", None)
                instead(monkeypatch, USER=user, OPTIONS=options)
                yield user
            finally:
                session.execute(f"DROP ROLE {user}".encode())
                session.execute(f"DROP ROLE {owner}".encode())

    def test_the_limit_is_the_one_that_is_met_first(self, turns: str) -> None:
        vitals.connections()
        assert told(metrics.database_connections) == {"": 1}
        assert told(metrics.database_connections_limit) == {"": 2}

    @pytest.mark.parametrize("away", [False, True])
    def test_a_server_without_room_is_reachable_and_its_limit_met(
        self, turns: str, monkeypatch: pytest.MonkeyPatch, away: bool
    ) -> None:
        """A pool all of whose connections are in use, and the role may have no other."""
        options = {**connections["default"].settings_dict["OPTIONS"]}
        options["pool"] = {"min_size": 2, "max_size": 2, "timeout": 1.5}
        monkeypatch.setattr(vitals._Limit, "last", None)
        with instead(monkeypatch, USER=turns, OPTIONS=options).pool as pool:
            pool.wait()
            vitals.look()
            assert told(metrics.database_connections_limit) == {"": 2}
            with pool.connection(), pool.connection():
                pool.away = away  # as after somebody has waited in vain
                vitals.look()
                assert told(metrics.database_reachable) == {"": 1}
                assert (told(metrics.database_connections), told(metrics.database_connections_limit)) == (
                    {"": 2},
                    {"": 2},
                )
                # A process that never saw the limit has nothing to tell of it.
                monkeypatch.setattr(vitals._Limit, "last", None)
                vitals.look()
                assert told(metrics.database_reachable) == {"": 1}
                assert (told(metrics.database_connections), told(metrics.database_connections_limit)) == ({}, {})

    def test_a_full_server_is_out_of_reach_for_who_has_no_connection(
        self, turns: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As after a failover, when others were quicker: no request is answered, and no pod is ready."""
        options = {**connections["default"].settings_dict["OPTIONS"]}
        options["pool"] = {"min_size": 0, "max_size": 2, "timeout": 1.5}
        others = make_conninfo(database_url(connections["default"].settings_dict["NAME"]), user=turns)
        with (
            psycopg.connect(others),
            psycopg.connect(others),
            instead(monkeypatch, USER=turns, OPTIONS=options).pool as pool,
        ):
            vitals.look()
            assert told(metrics.database_reachable) == {"": 0}
            assert pool.get_stats()["pool_size"] == 0

    @pytest.fixture
    def pool(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """One connection, which a request holds."""
        options = {**connections["default"].settings_dict["OPTIONS"]}
        options["pool"] = {"min_size": 1, "max_size": 1, "timeout": 1.5}
        pool = instead(monkeypatch, OPTIONS=options).pool
        pool.open(wait=True)
        yield pool
        pool.close()

    def test_a_busy_pool_is_not_waited_for(self, pool: Any) -> None:
        with pool.connection():
            vitals.reachability()
            vitals.connections()
        assert told(metrics.database_reachable) == {"": 1}
        assert told(metrics.database_connections)[""] >= 2
        assert pool.get_stats().get("requests_queued", 0) == 0

    def test_a_connection_goes_back_as_it_was(self, pool: Any) -> None:
        vitals.connections()
        assert pool.get_stats()["pool_available"] == 1
        with pool.connection() as again:
            assert again.execute("SHOW lock_timeout").fetchone() != ("1s",)

    def test_a_locked_table_is_not_waited_for_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        url = instead(monkeypatch).get_connection_params()
        with psycopg.connect(**{**url, "cursor_factory": psycopg.Cursor}) as other:
            other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
            since = time.monotonic()
            with pytest.raises(psycopg.errors.LockNotAvailable):
                vitals.migrations()
            assert time.monotonic() - since < 3
            other.rollback()
        vitals.migrations()
        assert told(metrics.migrations_pending) == {"": 0}

    def test_migrations_that_are_not_applied_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = vitals._migrations() | {("example", "0003_other"), ("example", "0004_other")}
        monkeypatch.setattr(vitals, "_migrations", lambda: known)
        vitals.migrations()
        assert told(metrics.migrations_pending) == {"": 2}


class TestKeySets:
    def test_their_ages_are_told_by_issuer(self, settings: Settings, tmp_path: Path) -> None:
        issuer = file_issuer(tmp_path, ONE)
        settings.TRUSTED_ISSUERS = (issuer,)
        vitals.key_sets()
        assert told(metrics.key_set_age)[issuer.name] < 1

    def test_one_that_was_never_good_ages_from_the_start(self, settings: Settings, tmp_path: Path) -> None:
        issuer = file_issuer(tmp_path, ONE)
        settings.TRUSTED_ISSUERS = (issuer,)
        Path(str(issuer.jwks_file)).write_text("nonsense", encoding="utf-8")
        vitals.key_sets()
        first = told(metrics.key_set_age)[issuer.name]
        time.sleep(0.1)
        vitals.key_sets()
        assert 0 <= first < told(metrics.key_set_age)[issuer.name]


class TestCertificates:
    def test_the_first_to_expire_of_the_file_is_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        authority = Authority(tmp_path, "hospital")
        instead(monkeypatch, OPTIONS={"sslrootcert": str(authority.file)})
        vitals.certificates()
        assert told(metrics.certificate_expiry)[""] > time.time()

    @pytest.mark.parametrize("options", [{}, {"sslrootcert": "system"}])
    def test_without_a_file_nothing_is(self, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]) -> None:
        instead(monkeypatch, OPTIONS=options)
        vitals.certificates()
        assert told(metrics.certificate_expiry) == {}
