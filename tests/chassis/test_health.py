"""chassis/health.py; draining is in tests/server/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.utils import ConnectionHandler
from django.test import Client

from chassis import health
from chassis.postgresql.pool import Pool
from tests.database import execute


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not yet seen that its schema is current."""
    monkeypatch.setattr(health._Schema, "current", False)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database at a port where nothing listens."""
    settings = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1"}
    settings["OPTIONS"] = {"connect_timeout": 1}
    monkeypatch.setattr(health, "connection", ConnectionHandler({"default": settings})["default"])


class TestLivez:
    def test_it_answers_without_a_token(self, client: Client) -> None:
        response = client.get("/livez")
        assert (response.status_code, response.content) == (200, b'{"status":"ok"}')

    def test_it_touches_no_database(self, client: Client) -> None:
        """This test has no database to touch: pytest-django would refuse."""
        assert client.get("/livez").status_code == 200

    def test_it_answers_head_too(self, client: Client) -> None:
        response = client.head("/livez")
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.django_db
class TestReadyz:
    def test_it_answers_when_the_database_does(self, client: Client) -> None:
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (200, b'{"status":"ok"}')

    def test_a_pending_migration_is_503(self, client: Client, unknown: None) -> None:
        execute("DELETE FROM django_migrations WHERE app = 'example' AND name = '0002_database_rules'")
        response = client.get("/readyz")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.json()["detail"] == "Migrations are pending."

    def test_it_is_ready_once_they_are_applied(self, client: Client, unknown: None) -> None:
        execute("DELETE FROM django_migrations WHERE app = 'example' AND name = '0002_database_rules'")
        assert client.get("/readyz").status_code == 503
        execute("INSERT INTO django_migrations (app, name, applied) VALUES ('example', '0002_database_rules', now())")
        assert client.get("/readyz").status_code == 200

    def test_it_looks_at_the_migrations_until_they_are_current_and_then_no_more(
        self, client: Client, unknown: None, django_assert_num_queries: Any
    ) -> None:
        client.get("/readyz")
        with django_assert_num_queries(0):  # the pool hands out no connection that has not just answered
            assert client.get("/readyz").status_code == 200

    def test_a_process_that_drains_is_503(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "is_draining", lambda: True)
        response = client.get("/readyz")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.json()["detail"] == "The process is about to end."
        assert client.get("/livez").status_code == 200

    @pytest.mark.parametrize("known", [True, False])
    def test_an_outage_is_503(self, client: Client, outage: None, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health._Schema, "current", known)
        response = client.get("/readyz")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["detail"] == "The database does not answer."

    def test_an_outage_is_no_reason_to_restart(self, client: Client, outage: None) -> None:
        assert client.get("/livez").status_code == 200


class TestABusyPool:
    @pytest.fixture
    def pool(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
        """One connection, which a request holds."""
        settings = {**connections["default"].settings_dict}
        settings["OPTIONS"] = {**settings["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 1.5}}
        wrapper: Any = ConnectionHandler({"default": settings})["default"]
        monkeypatch.setattr(health, "connection", wrapper)
        monkeypatch.setattr(health._Schema, "current", True)
        wrapper._connection_pools = {}
        pool: Pool = wrapper.pool
        pool.open(wait=True)
        with pool.connection():
            yield pool
        pool.close()

    @pytest.mark.django_db
    def test_it_is_ready_without_waiting_for_a_request(self, client: Client, pool: Pool) -> None:
        assert client.get("/readyz").status_code == 200
        assert pool.get_stats().get("requests_queued", 0) == 0

    @pytest.mark.django_db
    def test_it_is_unready_when_the_database_gives_no_new_connection(
        self, client: Client, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there = {"host": "127.0.0.1", "port": 1, "connect_timeout": 2}
        monkeypatch.setattr("chassis.health.connection.get_connection_params", lambda: there)
        assert client.get("/readyz").status_code == 503
