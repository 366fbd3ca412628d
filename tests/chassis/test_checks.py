"""chassis/checks.py"""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler
from django.test.utils import isolate_apps

from chassis import checks
from chassis.models import Record
from tests.database import execute

# Without a service.
OURS = ["django_content_type", "auth_user", "pghistory_context"]


class TestRecordsAreTracked:
    def test_ours_are(self) -> None:
        assert checks.records_are_tracked() == []

    def test_a_forgotten_one_is_named_with_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with isolate_apps("tests.example") as registry:

            class Forgotten(Record):
                class Meta:
                    app_label = "example"

            monkeypatch.setattr(checks, "apps", registry)
            (fault,) = checks.records_are_tracked()
        assert (fault.id, fault.msg) == ("chassis.E001", "Forgotten has no history.")
        assert fault.hint == "Decorate it with chassis.history.tracked."
        assert fault.obj is Forgotten


class TestPostgresqlIs18:
    def test_ours_is(self, db: None) -> None:
        assert checks.postgresql_is_18(databases=["default"]) == []

    def test_another_one_is_refused(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "POSTGRESQL_MAJOR", 19)
        (fault,) = checks.postgresql_is_18(databases=["default"])
        assert (fault.id, fault.msg, fault.hint) == (
            "chassis.E002",
            "The database is PostgreSQL 18.",
            "Careway needs PostgreSQL 19.",
        )

    def test_without_databases_nothing_is_asked(self) -> None:
        assert checks.postgresql_is_18(databases=None) == []

    def test_an_outage_is_no_fault_of_the_configuration(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {}}
        monkeypatch.setattr(checks, "connection", ConnectionHandler({"default": settings})["default"])
        assert checks.postgresql_is_18(databases=["default"]) == []

    def test_nor_is_a_connection_that_was_lost_since(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        known = connections["default"].settings_dict
        options = {name: value for name, value in known["OPTIONS"].items() if name != "pool"}
        own = ConnectionHandler({"default": {**known, "OPTIONS": options}})["default"]
        own.ensure_connection()
        execute(f"SELECT pg_terminate_backend({own.connection.info.backend_pid})")
        with pytest.raises(OperationalError):
            own.cursor().execute("SELECT 1")
        monkeypatch.setattr(checks, "connection", own)
        assert own.connection.info.server_version == 0
        assert checks.postgresql_is_18(databases=["default"]) == []


def foreign() -> list[str]:
    return [fault.msg for fault in checks.tables_are_ours(databases=["default"])]


class TestTablesAreOurs:
    def test_ours_are(self, db: None) -> None:
        assert foreign() == []

    def test_those_of_something_else_are_named_and_a_few_of_them_are_enough(self, db: None) -> None:
        execute("CREATE TABLE invoice (id bigint)")
        execute("CREATE TABLE payment (id bigint) PARTITION BY LIST (id)")
        execute("CREATE TABLE payment_first PARTITION OF payment FOR VALUES IN (1)")
        (fault,) = checks.tables_are_ours(databases=["default"])
        assert (fault.id, fault.msg) == ("chassis.W003", "The database has tables of something else: invoice, payment.")
        assert fault.hint is not None
        assert "CAREWAY_SERVICES" in fault.hint
        execute("CREATE TABLE receipt (id bigint)")
        execute("CREATE TABLE refund (id bigint)")
        assert foreign() == ["The database has tables of something else: invoice, payment, receipt and 1 more."]

    def test_those_of_a_service_that_is_not_served_here_are_something_else(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with isolate_apps("django.contrib.contenttypes", "django.contrib.auth", "pghistory", "chassis") as registry:
            monkeypatch.setattr(checks, "apps", registry)
            monkeypatch.setattr(connections["default"].introspection, "django_table_names", lambda: OURS)
            (fault,) = checks.tables_are_ours(databases=["default"])
        assert fault.id == "chassis.E003"
        assert set(re.findall(r"(\w+)_\w+[,.]", fault.msg)) & {"example", *settings.SERVICES}

    def test_a_table_of_a_newer_version_is_ours(self, db: None) -> None:
        execute("CREATE TABLE example_of_tomorrow (id bigint)")
        assert foreign() == []

    def test_views_and_what_an_extension_owns_are_nobody_s_business(self, db: None) -> None:
        execute("CREATE VIEW overview AS SELECT 1")
        execute("CREATE TABLE owned (id bigint)")
        assert foreign() != []
        execute(
            "INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)"
            " SELECT 'pg_class'::regclass, 'owned'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e'"
            " FROM pg_extension WHERE extname = 'plpgsql'"
        )
        assert foreign() == []

    def test_another_schema_is_not_looked_at(self, db: None) -> None:
        execute("CREATE SCHEMA elsewhere")
        execute("CREATE TABLE elsewhere.invoice (id bigint)")
        assert foreign() == []

    def test_without_databases_nothing_is_asked(self) -> None:
        assert checks.tables_are_ours(databases=None) == []

    def test_an_outage_is_no_fault_of_the_configuration(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {}}
        monkeypatch.setattr(checks, "connection", ConnectionHandler({"default": settings})["default"])
        assert foreign() == []


class TestTimeOutsAreSet:
    def test_ours_are(self, db: None) -> None:
        assert checks.time_outs_are_set(databases=["default"]) == []

    @pytest.mark.parametrize("value", ["0", "'6s'"])
    def test_a_session_that_waits_longer_or_for_ever_is_refused(self, db: None, value: str) -> None:
        execute(f"SET LOCAL lock_timeout = {value}")
        (fault,) = checks.time_outs_are_set(databases=["default"])
        assert fault.id == "chassis.E004"
        assert "CAREWAY_LOCK_TIMEOUT_SECONDS" in fault.msg
        assert fault.hint is not None
        assert "ALTER ROLE … SET lock_timeout = '5s'" in fault.hint

    def test_without_databases_nothing_is_asked(self) -> None:
        assert checks.time_outs_are_set(databases=None) == []

    def test_an_outage_is_no_fault_of_the_configuration(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {}}
        monkeypatch.setattr(checks, "connection", ConnectionHandler({"default": settings})["default"])
        assert checks.time_outs_are_set(databases=["default"]) == []


class TestTheHouse:
    def test_it_passes_every_system_check(self, db: None) -> None:
        call_command("check", databases=["default"], fail_level="WARNING")

    def test_no_migration_is_missing(self, db: None) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
