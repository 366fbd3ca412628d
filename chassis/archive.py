"""The history of every record as lines of JSON in a file: an archive for auditors that grows, and is never begun anew.

A file is lines of events, and after each BATCH_BYTES of them a mark: up to where each table is in the file, and a
digest of all before. Whatever follows the last mark is of a run that was killed; the next one cuts it off and goes on.

The numbers of events (`pgh_id`) are given before their transactions commit, and so become visible out of order: who
remembered the highest number seen would miss a lower one for ever. So a table is read up to the highest number given,
once every transaction that was then writing to the table has ended: each of them holds a lock on it that pg_locks shows.
That asks neither for a scan, as comparing xmin would, nor for a right, as pg_stat_activity would, nor holds up anybody.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.apps import apps
from django.conf import settings
from django.db import connection
from pghistory.models import Event

PAGE = 200
# Each is waited for until the disk has it, which can take a disk longer than reading took the database.
BATCH_BYTES = 1_000_000
PAUSE_SECONDS = 0.05
MARK = b'{"mark": '


class Unfit(Exception):
    """The file is no archive of this database; the text says why."""


@dataclass(frozen=True)
class Source:
    """A table of events."""

    service: str
    resource: str
    table: str


def sources() -> list[Source]:
    """Those of the services that are served."""
    return [
        Source(service, _tracked(model), model._meta.db_table)
        for service in settings.SERVICES
        for model in apps.get_app_config(service).get_models()
        if issubclass(model, Event)
    ]


def _tracked(event: type[Event]) -> str:
    tracked: Any = event.pgh_tracked_model
    return str(tracked._meta.model_name)


@dataclass
class Mark:
    """How far each table is in the file, and the digest of every line before, from the archive's first file on."""

    tables: dict[str, int] = field(default_factory=dict)
    sha256: str = ""

    def line(self) -> bytes:
        return MARK + json.dumps({"tables": self.tables, "sha256": self.sha256}).encode() + b"}\n"

    def after(self, table: str, last: int, lines: bytes) -> Mark:
        digest = hashlib.sha256(self.sha256.encode() + lines).hexdigest()
        return Mark({**self.tables, table: last}, digest)


def last_mark(file: BinaryIO) -> tuple[Mark, int]:
    """The last mark of a file and where its line ends; of an empty one, or one without, the beginning.

    Raises Unfit for a file that does not begin as an archive does: it would be cut off.
    """
    file.seek(0)
    if not os.fstat(file.fileno()).st_size:
        return Mark(), 0
    if not MARK.startswith(file.read(len(MARK))):
        raise Unfit("it does not begin with a mark")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = len(content)
        # No line of an event holds a line feed, so that only a mark can stand after one like this.
        while (start := content.rfind(b"\n" + MARK, 0, end) + 1) or end:
            stop = content.find(b"\n", start)
            if stop >= 0:
                found = json.loads(content[start:stop])["mark"]
                return Mark(found["tables"], found["sha256"]), stop + 1
            end = start
    return Mark(), 0


def settled(source: Source, *, until: float) -> int | None:
    """The highest number up to which no event can appear any more; None when transactions were still open at the end.

    Raises Unfit on a replica.
    """
    copied, highest = _row(
        "SELECT pg_is_in_recovery(), coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, 'pgh_id')::regclass), 0)",
        source,
    )
    if copied:
        # A replica's pg_locks does not show who is writing to the primary: what they commit later would be missed.
        raise Unfit("the database is a replica; export from the primary")
    writers = _writers(source)
    # Those that came later got higher numbers.
    while writers and (writers := writers & _writers(source)):
        if time.monotonic() >= until:
            return None
        time.sleep(PAUSE_SECONDS)
    return int(highest)


def _writers(source: Source) -> set[str]:
    """The open transactions that have written to the table, or are about to. (None of ours is ever prepared.)"""
    statement = """
        SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND relation = %s::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [source.table])
        return {name for (name,) in cursor.fetchall()}


def events(source: Source, *, after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Lines in order, in pages by key: no statement is long, and no transaction stays open.

    The statement has no upper bound. Of a table that it has no statistics of, PostgreSQL expects a range with both to hold
    few rows, and would sort all of it for each page.
    """
    statement = f"""
        SELECT pgh_id, json_build_object(
            'service', %s::text, 'resource', %s::text, 'id', pgh_obj_id, 'event', pgh_id, 'label', pgh_label,
            'at', pgh_created_at, 'actor', pgh_context ->> 'actor', 'organization', to_jsonb(event) ->> 'organization',
            'request_id', pgh_context ->> 'request_id', 'trace_id', pgh_context ->> 'trace_id',
            'record', to_jsonb(event) - '{{pgh_id,pgh_created_at,pgh_label,pgh_obj_id,pgh_context}}'::text[]
        )::text
        FROM {source.table} AS event WHERE pgh_id > %s ORDER BY pgh_id LIMIT {PAGE}
    """
    while after < upto:
        with connection.cursor() as cursor:
            cursor.execute(statement, [source.service, source.resource, after])
            rows = [row for row in cursor.fetchall() if row[0] <= upto]
        if not rows:
            return
        for number, line in rows:
            yield number, line.encode() + b"\n"
        after = rows[-1][0]


def _row(statement: str, source: Source) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [source.table])
        return tuple(cursor.fetchone() or ())
