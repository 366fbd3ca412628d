"""`manage.py migrate`: Django's own, one at a time and with patience for locks."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from chassis import metrics
from chassis.flush import flush
from chassis.housekeeping import LATER, between
from chassis.migrator import Busy, await_database, becomes_migrated, may_pass, only_one, pace, unhurried
from chassis.telemetry import start

ATTEMPTS = 4
# Doubled each time: 0.5, 1, 2 s; the requests that queued behind an attempt are served meanwhile.
PAUSE_SECONDS = 0.5


class Command(migrate.Command):
    """Exits with 75 when it should be run again later: another migrator is at work, or a lock could not be had."""

    _migration: Migration | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--wait",
            type=between(0, 86_400),
            help="seconds to wait for another migrator, and for a database that is not there yet (default: 600);"
            " with --check, for the migrations to be applied (default: 0)",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Waits for the database first of all: Django's own checks of a migration ask it already."""
        looks = options["plan"] or options["check_unapplied"]
        if settings.POOLED_ELSEWHERE and not looks:
            # Its session's settings would stay behind in other sessions, and its lock would be nobody's.
            raise CommandError(
                "Nothing migrates through a pooler in transaction mode: give DATABASE_URL the database's own address, "
                "and leave out CAREWAY_TRANSACTION_POOLER."
            )
        if options["wait"] is None:
            options["wait"] = 0 if looks else 600
        until = time.monotonic() + options["wait"]
        try:
            await_database(connections[options["database"]], seconds=options["wait"], told=self.stderr.write)
        except OperationalError as error:
            raise CommandError(f"The database is out of reach: {error}") from error
        options["wait"] = round(max(0, until - time.monotonic()))
        return super().execute(*args, **options)

    def handle(self, *args: Any, wait: int, **options: Any) -> None:
        if options["check_unapplied"] and wait:
            self._await(wait, connections[options["database"]])
            return
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        connection = connections[options["database"]]
        try:
            with only_one(connection, seconds=wait, told=self.stderr.write), unhurried(connection):
                self._insist(*args, **options)
        except Busy:
            raise CommandError(f"Another migrator is still at work after {wait} s.", returncode=LATER) from None

    def _insist(self, *args: Any, **options: Any) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                super().handle(*args, **options)
                return
            except DatabaseError as error:
                if not may_pass(error):
                    raise
                name = f"{self._migration.app_label}.{self._migration.name}" if self._migration else "It"
                # What was not one transaction may be half done, and nobody but a person can tell.
                if self._migration and not self._migration.atomic:
                    raise CommandError(
                        f"\n{name} could not get a lock, and is not atomic: see what is there."
                    ) from error
                if attempt == ATTEMPTS:
                    raise CommandError(
                        f"\n{name} could not get a lock, {ATTEMPTS} times. Nothing of it is applied; run migrate again.",
                        returncode=LATER,
                    ) from error
                self.stderr.write(f"\n{name} could not get a lock, and is tried again.")
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        super().migration_progress_callback(action, migration, fake)
        if action in {"apply_start", "unapply_start"} and migration:
            self._migration = migration
            pace(connections["default"], migration)

    def _await(self, seconds: int, connection: BaseDatabaseWrapper) -> None:
        count = _Count()
        try:
            if not becomes_migrated(connection, seconds=seconds, told=self.stderr.write, counted=count):
                raise CommandError(f"Migrations were not applied within {seconds} s.")
        finally:
            count.end()


class _Count:
    """Tells how many migrations a pod waits for, while it does: it is no worker yet, and nobody else would."""

    _tells = False

    def __call__(self, pending: int) -> None:
        if pending and settings.TELEMETRY and not self._tells:
            self._tells = True
            start()
        metrics.migrations_pending.tell(pending)

    def end(self) -> None:
        if self._tells:
            flush()
