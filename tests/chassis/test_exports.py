"""chassis/exports.py"""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.db.models import F

from chassis.exports import CHARACTERS, ROWS, export, streamed_rows
from tests.api import Api
from tests.database import execute
from tests.example import factories
from tests.example.models import Specimen


def samples(count: int) -> None:
    execute(
        "INSERT INTO example_specimen (organization, version, created_by, updated_by, status_reason, labels, comment,"
        " accession, patient_id, kind, origin, status)"
        " SELECT 'o', 1, 'x', 'x', '', '{}', '', 'N-' || lpad(n::text, 5, '0'), gen_random_uuid(), 'blood', 'germline',"
        " 'expected' FROM generate_series(1, %s) AS n",
        count,
    )


class TestStreamedRows:
    @pytest.mark.parametrize("count", [0, 1, ROWS, ROWS + 1, 3 * ROWS + 7])
    def test_they_are_all_rows_in_order(self, db: None, count: int) -> None:
        samples(count)
        rows = list(streamed_rows(Specimen.objects.order_by("accession").values_list("accession", "version")))
        assert rows == [(f"N-{n:05}", 1) for n in range(1, count + 1)]

    def test_they_come_while_they_are_read(self, db: None) -> None:
        samples(ROWS * 2)
        rows: Any = streamed_rows(Specimen.objects.values_list("pk"))
        assert len(next(rows)) == 1
        rows.close()

    def test_the_client_sets_the_pace(self, db: None) -> None:
        samples(1)
        execute("SET LOCAL statement_timeout = 1000")
        rows = streamed_rows(Specimen.objects.values_list("pk"))
        with connection.cursor() as cursor:
            list(rows)
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)

    def test_a_slow_client_gets_the_last_rows_too(self, db: None) -> None:
        samples(ROWS * 2)
        execute("SET LOCAL idle_in_transaction_session_timeout = '200ms'")
        rows = streamed_rows(Specimen.objects.values_list("pk"))
        next(rows)
        time.sleep(0.6)
        assert len(list(rows)) == ROWS * 2 - 1

    def test_a_failure_is_raised_and_not_taken_for_the_end(self, db: None) -> None:
        samples(1)
        broken = Specimen.objects.values_list(1 / (F("version") - 1))
        with pytest.raises((DatabaseError, psycopg.Error), match="division by zero"):
            list(streamed_rows(broken))


class TestExport:
    def test_it_is_a_download_of_text(self) -> None:
        response = export(["a\n", "é\n"], media_type="text/csv", filename="x.csv")
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="x.csv"'
        assert b"".join(response.streaming_content) == "a\né\n".encode()  # type: ignore[arg-type]  # never an async one

    def test_lines_leave_in_pieces_of_bounded_length(self) -> None:
        line = "x" * 999 + "\n"
        response = export((line for _ in range(1000)), media_type="text/csv", filename="x.csv")
        parts: list[bytes] = list(response.streaming_content)  # type: ignore[arg-type]  # never an async one
        assert sum(map(len, parts)) == 1_000_000
        assert all(CHARACTERS <= len(part) < CHARACTERS + len(line) for part in parts[:-1])

    def test_a_long_line_leaves_at_once(self) -> None:
        lines = ("y" * CHARACTERS, "\n")
        response = export(lines, media_type="text/csv", filename="x.csv")
        parts: list[bytes] = list(response.streaming_content)  # type: ignore[arg-type]  # never an async one
        assert list(map(len, parts)) == [CHARACTERS, 1]

    def test_a_failure_on_the_way_breaks_off(self) -> None:
        def lines() -> Any:
            yield "a\n" * ROWS
            raise RuntimeError("lost")

        response = export(lines(), media_type="text/csv", filename="x.csv")
        with pytest.raises(RuntimeError, match="lost"):
            b"".join(response.streaming_content)  # type: ignore[arg-type]  # never an async one


class TestAnExportOverTheApi:
    def test_it_is_streamed_and_kept_private(self, api: Api, sample: dict[str, Any], path: str) -> None:
        children = [factories.sample(api, parent=sample["id"]) for _ in range(3)]
        factories.sample(api)
        answer = api.get(f"{path}/children.ndjson")
        assert answer.status == 200
        assert answer.header("Content-Type") == "application/x-ndjson; charset=utf-8"
        assert answer.header("Content-Disposition") == f'attachment; filename="{sample["id"]}.ndjson"'
        assert answer.header("Cache-Control") == "private, no-cache"
        assert answer.content.endswith(b"\n")
        assert [json.loads(line) for line in answer.content.splitlines()] == children

    def test_what_is_not_the_caller_s_is_a_404_and_no_empty_file(self, api: Api, path: str) -> None:
        assert api.as_(organization="st-nowhere").get(f"{path}/children.ndjson").status == 404
