"""Exports: all rows, streamed as PostgreSQL yields them. A failure on the way breaks the connection, so no file ends early unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db import connection, models, transaction
from django.http import StreamingHttpResponse

BATCH = 500


def streamed_rows(queryset: models.QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a `values_list`, in psycopg's chunked mode: flat in memory, without a cursor on the server.

    A cursor WITH HOLD would first write all rows to the server's disk. The statement time-out is lifted, since the
    client sets the pace.
    """
    sql, params = queryset.query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield from cursor.stream(sql, params, size=BATCH)


def export(lines: Iterable[str], *, media_type: str, filename: str) -> StreamingHttpResponse:
    """A download of text lines, each with its line feed."""
    response = StreamingHttpResponse(_batches(iter(lines)), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _batches(lines: Iterator[str]) -> Iterator[bytes]:
    while batch := "".join(islice(lines, BATCH)):
        yield batch.encode()
