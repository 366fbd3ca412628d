"""`manage.py purge_idempotency`: deletes the answers that were kept for retries longer than 24 hours."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.db import connection

from chassis.housekeeping import between, tell
from chassis.models import IdempotentAnswer

# A request that takes one of these keys over waits for the statement: so few rows that nobody notices.
BATCH = 500
TABLE = IdempotentAnswer._meta.db_table

# Each runs as a transaction of its own. What another run or a request holds is skipped: that one deletes it, takes it
# over, or is about to answer from it (INSERT … ON CONFLICT locks the row even when it leaves it). Whoever inserts a
# key while it is deleted here waits, finds it gone, and is the first. `seen` keeps a batch from passing over all that
# the batches before it deleted.
DELETE = f"""
    WITH gone AS (
        DELETE FROM {TABLE} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {TABLE}
            WHERE created_at < now() - interval '24 hours' AND created_at >= coalesce(%s, '-infinity'::timestamptz)
            ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
        )) RETURNING created_at
    ) SELECT count(*), max(created_at) FROM gone
"""
EXPIRED = f"SELECT count(*) FROM {TABLE} WHERE created_at < now() - interval '24 hours'"


class Command(BaseCommand):
    help = f"{__doc__} Can be run at any time, and several times at once."

    def add_arguments(self, parser: CommandParser) -> None:
        most = between(1, 100_000_000)
        parser.add_argument("--limit", type=most, default=1_000_000, help="answers at most (default: 1000000)")
        parser.add_argument("--seconds", type=between(1, 86_400), default=300, help="time at most (default: 300)")

    def handle(self, *args: Any, limit: int, seconds: int, **options: Any) -> None:
        until = time.monotonic() + seconds
        deleted = 0
        seen: datetime | None = None
        while deleted < limit and time.monotonic() < until:
            count, seen = _delete(min(BATCH, limit - deleted), seen)
            if not count:
                break
            deleted += count
        left = _expired()
        tell(self.stdout, f"{deleted} expired answers deleted, {left} left.", deleted=deleted, left=left)


def _delete(most: int, seen: datetime | None) -> tuple[int, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [seen, most])
        count, last = cursor.fetchone() or (0, None)
    return int(count), last


def _expired() -> int:
    with connection.cursor() as cursor:
        cursor.execute(EXPIRED)
        (count,) = cursor.fetchone() or (0,)
    return int(count)
