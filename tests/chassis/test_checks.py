"""chassis/checks.py"""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler
from django.test.utils import isolate_apps

from chassis import checks
from chassis.models import Record


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


class TestTheHouse:
    def test_it_passes_every_system_check(self, db: None) -> None:
        call_command("check", databases=["default"], fail_level="WARNING")

    def test_no_migration_is_missing(self, db: None) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
