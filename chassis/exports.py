"""Exports: all rows, streamed as PostgreSQL yields them. A failure on the way breaks the connection, so no file ends early unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, models, transaction
from django.http import StreamingHttpResponse

from .tracing import continued, database_span

# Rows that psycopg holds at a time; one may be a megabyte long. Text goes out in pieces of about this many characters.
ROWS = 100
CHARACTERS = 64 * 1024


def streamed_rows(queryset: models.QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a `values_list`, in psycopg's chunked mode: flat in memory, without a cursor on the server.

    A cursor WITH HOLD would first write all rows to the server's disk. The time-outs are lifted, since the client
    sets the pace: PostgreSQL may be done long before the last row is read.
    """
    sql, params = queryset.query.sql_with_params()
    span = database_span("SELECT", queryset.model._meta.db_table, current=False)
    with span, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        yield from cursor.stream(sql, params, size=ROWS)


def export(lines: Iterable[str], *, media_type: str, filename: str) -> StreamingHttpResponse:
    """A download of text lines, each with its line feed."""
    response = StreamingHttpResponse(continued(_batches(iter(lines))), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _batches(lines: Iterator[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= CHARACTERS:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting).encode()
