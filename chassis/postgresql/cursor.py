"""Statements that take a transaction's BEGIN, or its COMMIT, along in their own round trip.

psycopg asks for each of the two by itself. A POST is five round trips then and three so, which is a sixth of its
processor time. What is sent at once is told apart by a pipeline of libpq's; psycopg's own pipelines cost more than they
save, since they work through queues that only many statements fill. This leans on inner parts of psycopg's cursor:
a release that changes them fails tests/chassis/postgresql/test_cursor.py.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql.base import CursorMixin
from psycopg import adapt
from psycopg._preparing import Prepare
from psycopg.generators import fetch_many, send
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGresult


class Cursor(CursorMixin, psycopg.Cursor[Any]):
    """Django's that binds on the server. `commits` is set before the transaction's last statement, if it is known to be the last."""

    commits = False

    def _execute_gen(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Any:
        begins = not self._conn.autocommit and self._pgconn.transaction_status == TransactionStatus.IDLE
        # Without parameters it may be several statements, which only psycopg's own way takes.
        if not params or not (begins or self.commits) or self.closed or self._conn._pipeline:
            yield from super()._execute_gen(query, params, prepare=prepare, binary=binary)
            return
        self._reset()
        self._tx = adapt.Transformer(self)
        asked = self._convert_query(query, params)
        known, name = self._get_prepared(asked, prepare)
        self._pgconn.enter_pipeline_mode()
        try:
            before = self._send_all(asked, known, name, begins=begins, binary=binary)
            found = yield from self._answers(before)
        finally:
            if self._pgconn.status == ConnStatus.OK:
                self._pgconn.exit_pipeline_mode()
        if key := self._conn._prepared.maybe_add_to_cache(asked, known, name):
            self._conn._prepared.validate(key, known, name, found[before])
        for results in found:  # the first that failed says why
            self._check_results(results)
        self._set_results(found[before])
        self._last_query = query
        yield from self._conn._prepared.maintain_gen(self._conn)

    def _send_all(self, asked: Any, known: Prepare, name: bytes, *, begins: bool, binary: bool | None) -> int:
        """Answers how many commands go before the statement itself."""
        before = 0
        if begins:
            self._pgconn.send_query_params(self._conn._get_tx_start_command(), None)
            before += 1
        if known is Prepare.SHOULD:
            self._send_prepare(name, asked)
            before += 1
        if known is Prepare.NO:
            self._execute_send(asked, force_extended=True, binary=binary)
        else:
            self._send_query_prepared(name, asked, binary=binary)
        if self.commits:
            self._pgconn.send_query_params(b"COMMIT", None)
        self._pgconn.pipeline_sync()
        return before

    def _answers(self, before: int) -> Any:
        """The results of each command."""
        yield from send(self._pgconn)
        found: list[list[PGresult]] = []
        for _ in range(before + 1 + self.commits):
            found.append((yield from fetch_many(self._pgconn)))
        yield from fetch_many(self._pgconn)  # the end of the pipeline
        return found
