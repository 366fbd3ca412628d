"""`manage.py export_history FILE`: adds to an archive what the history of every record has gained."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management import BaseCommand, CommandError, CommandParser

from chassis.archive import BATCH_BYTES, Mark, Source, Unfit, events, last_mark, settled, sources
from chassis.housekeeping import LATER, between, tell

# Transactions take seconds; the ones that ingest write to one table only, which then waits for the next run.
SETTLING_SECONDS = 30

access = logging.getLogger("careway.access")


class Command(BaseCommand):
    help = (
        f"{__doc__} The file then holds patients' data. A run that was killed is resumed without loss and without doubles;"
        f" of two at once for a file the second ends at once. Exits with {LATER} while events are left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="an archive, which is continued; or a new file")
        parser.add_argument("--after", type=Path, help="the archive that a new file goes on from")
        parser.add_argument("--seconds", type=between(1, 86_400), default=3600, help="time at most (default: 3600)")

    def handle(self, *args: Any, file: Path, after: Path | None, seconds: int, **options: Any) -> None:
        self._until = time.monotonic() + seconds
        self._written = 0
        try:
            # Only its owner may read it.
            with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as archive:
                fcntl.flock(archive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left = self._continue(archive, after)
        except BlockingIOError:
            raise CommandError("Another run is writing to this file.", returncode=LATER) from None
        except Unfit as fault:
            raise CommandError(f"This file cannot be continued: {fault}.") from None
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error.strerror}.") from None
        # Who reads patient-level data leaves a line, and so does who takes all of it away.
        about = {"subject": "service:export_history", "action": "export", "resource": "history", "record": None}
        access.info("access", extra={**about, "events": self._written})
        words = f" Left for another run: {', '.join(left)}." if left else ""
        tell(self.stdout, f"{self._written} events added.{words}", events=self._written, left=left)
        if left:
            raise SystemExit(LATER)

    def _continue(self, archive: BinaryIO, after: Path | None) -> list[str]:
        """Writes what there is; answers the tables of which something is left."""
        mark, end = last_mark(archive)
        archive.seek(end)
        archive.truncate()
        if not end:
            if after:
                with after.open("rb") as before:
                    mark, _ = last_mark(before)
            _write(archive, mark.line())
        left = []
        for source in sources():
            mark, complete = self._add(archive, source, mark)
            if not complete:
                left.append(source.table)
        return left

    def _add(self, archive: BinaryIO, source: Source, mark: Mark) -> tuple[Mark, bool]:
        settling = min(self._until, time.monotonic() + SETTLING_SECONDS)
        start = mark.tables.get(source.table, 0)
        upto = settled(source, until=settling)
        if upto is None:
            return mark, False
        if upto < start:
            # What was restored gives numbers anew, to other events.
            raise Unfit(f"{source.table} ends before what was exported; after a restore begin a new archive")
        lines = bytearray()
        last = start
        for last, line in events(source, after=start, upto=upto):
            lines += line
            if len(lines) >= BATCH_BYTES:
                mark = self._keep(archive, mark, source, last, bytes(lines))
                lines = bytearray()
                if time.monotonic() >= self._until:
                    return mark, False
        return (self._keep(archive, mark, source, last, bytes(lines)) if lines else mark), True

    def _keep(self, archive: BinaryIO, mark: Mark, source: Source, last: int, lines: bytes) -> Mark:
        mark = mark.after(source.table, last, lines)
        _write(archive, lines + mark.line())
        self._written += lines.count(b"\n")
        return mark


def _write(archive: BinaryIO, content: bytes) -> None:
    archive.write(content)
    archive.flush()
    os.fsync(archive.fileno())
