"""Retries: a POST with an Idempotency-Key happens once, also across a crash and under concurrency.

The answer is stored in the transaction of the write itself, so either both exist or neither. A second caller's INSERT
waits on the first one's uncommitted row, which is the lock: no other is needed.
(draft-ietf-httpapi-idempotency-key-header)
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, cast

from django.db import OperationalError, connection
from django.http import HttpResponse
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request

from . import metrics
from .history import TELL
from .issuers import Caller
from .models import IdempotentAnswer
from .problems import Problem, invalid
from .renderers import json_response

if TYPE_CHECKING:
    from .postgresql.base import DatabaseWrapper

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
PRINTABLE = re.compile(r"[\x20-\x7e]{1,128}")
STORED_HEADERS = ("ETag", "Location")

# One statement takes the key, takes it over when it has expired, or waits for whoever holds it. With the key it tells
# the triggers of history who writes, which would be a statement of its own. `ctid` is where the row is, for as long as
# this transaction holds it: a plan by its key, made when the table was small, would read all of a table that has grown.
TAKE = f"""
    INSERT INTO {IdempotentAnswer._meta.db_table} AS answer (caller, route, key, digest, body, headers)
    VALUES (%s, %s, %s, %s, '', '{{}}')
    ON CONFLICT (caller, route, key) DO UPDATE
        SET digest = excluded.digest, status = NULL, body = '', headers = '{{}}', created_at = now()
        WHERE answer.created_at < now() - interval '24 hours'
    RETURNING ctid::text, {TELL}
"""
KEEP = f"""
    UPDATE {IdempotentAnswer._meta.db_table} SET status = %s, body = %s, headers = %s WHERE ctid = %s::tid
"""


class Key:
    """The key of one request; use within the transaction of its write."""

    def __init__(self, request: Request, caller: Caller, body: bytes) -> None:
        self._name = request.headers[HEADER]
        if not PRINTABLE.fullmatch(self._name):
            raise invalid(HEADER, "malformed", "Must be 1 to 128 printable ASCII characters.", place="header")
        # No name of a token holds a line feed: with a blank, one pair of names could pass for another.
        self._scope = (f"{caller.actor}\n{caller.organization}", request.path, self._name)
        self._digest = hashlib.sha256(body).digest()
        self._row = ""

    def replay(self, context: str) -> HttpResponse | None:
        """The stored answer, or None when the request is to be done now, with the context told to the triggers of history.

        Raises Problem: key-reused, in-use.
        """
        try:
            with connection.cursor() as cursor:
                cursor.execute(TAKE, [*self._scope, self._digest, context])
                if row := cursor.fetchone():
                    self._row = row[0]
                    return None
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):  # the first caller is still at it
                raise Problem("in-use", headers={"Retry-After": "1"}) from error
            raise
        stored = IdempotentAnswer.objects.get(pk=self._scope)
        if bytes(stored.digest) != self._digest:
            raise Problem("key-reused")
        metrics.idempotent_replays.count()
        return json_response(stored.body, status=stored.status or 200, headers={**stored.headers, REPLAYED: "true"})

    def store(self, response: HttpResponse) -> None:
        """Keeps the answer, as the transaction's last statement; an exception before this leaves no trace of the key."""
        headers = json.dumps({name: response[name] for name in STORED_HEADERS if name in response})
        last = cast("DatabaseWrapper", connection).execute_last
        last(KEEP, [response.status_code, response.content.decode(), headers, self._row])
