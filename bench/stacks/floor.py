"""The floor: a bare WSGI function, psycopg's pool, and JSON that PostgreSQL builds. No framework, no check of anything."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from psycopg import Connection
from psycopg_pool import ConnectionPool

from bench.stacks.tables import CHROMOSOMES, LOOK_BACK, VARIANT_FIELDS

ORGANIZATION = os.environ["BENCH_ORGANIZATION"]

SAMPLE = """JSON_OBJECT('id': id, 'accession': accession, 'patient_id': patient_id, 'kind': kind, 'origin': origin,
  'collected_at': to_json(collected_at AT TIME ZONE 'UTC') #>> '{}' || 'Z',
  'received_at': to_json(received_at AT TIME ZONE 'UTC') #>> '{}' || 'Z',
  'parent': parent_id, 'status': status, 'status_reason': status_reason, 'version': version,
  'created_at': to_json(created_at AT TIME ZONE 'UTC') #>> '{}' || 'Z', 'created_by': created_by,
  'updated_at': to_json(updated_at AT TIME ZONE 'UTC') #>> '{}' || 'Z', 'updated_by': updated_by RETURNING text)"""
CHROM = "(ARRAY[" + ",".join(f"'{name}'" for name in CHROMOSOMES) + "])[chrom]"
VARIANT_COLUMNS = ", ".join(f"'{name}': {name}" for name in VARIANT_FIELDS if name not in {"id", "chrom"})
VARIANT = f"JSON_OBJECT('id': id, 'chrom': {CHROM}, {VARIANT_COLUMNS} RETURNING text)"

ONE = f"SELECT {SAMPLE}, version FROM genomics_sample WHERE organization = %s AND id = %s"
PAGE = f"""SELECT {SAMPLE}, created_at, id FROM genomics_sample
  WHERE organization = %s AND (created_at, id) < (%s, %s) ORDER BY created_at DESC, id DESC LIMIT 51"""
REGION = f"""SELECT {VARIANT} FROM genomics_variant WHERE analysis_id = %s AND chrom = %s AND pos >= %s AND pos <= %s
  AND end_pos >= %s ORDER BY chrom, pos, id LIMIT %s"""
INSERT = f"""INSERT INTO bench_sample (organization, accession, patient_id, kind, origin, collected_at, received_at, status,
  status_reason, version, created_by, updated_by) SELECT %s, r.accession, r.patient_id, r.kind, r.origin, r.collected_at,
  r.received_at, 'expected', '', 1, 'bench', 'bench'
  FROM json_to_record(%s) AS r(accession text, patient_id uuid, kind text, origin text, collected_at timestamptz,
  received_at timestamptz) RETURNING {SAMPLE}"""

pool = ConnectionPool(
    os.environ["DATABASE_URL"],
    kwargs={"autocommit": True, "prepare_threshold": 0},
    connection_class=Connection,
    min_size=4,
    max_size=4,
)
Environ = dict[str, Any]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    path: str = environ["PATH_INFO"]
    if path == "/livez":
        body = '{"status":"ok"}'
    elif path == "/readyz":
        ask("SELECT 1")
        body = '{"status":"ok"}'
    elif path == "/genomics/v1/samples" and environ["REQUEST_METHOD"] == "POST":
        sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        body = ask(INSERT, ORGANIZATION, sent.decode())[0][0]
        return answer(start_response, "201 Created", body)
    elif path == "/genomics/v1/samples":
        body = page(parse_qs(environ["QUERY_STRING"]))
    elif path.endswith("/variants"):
        body = region(path.split("/")[4], parse_qs(environ["QUERY_STRING"]))
    else:
        return one(environ, start_response)
    return answer(start_response, "200 OK", body)


def answer(start_response: Callable[..., Any], status: str, body: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    content = body.encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content))), *headers])
    return [content]


def one(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    body, version = ask(ONE, ORGANIZATION, environ["PATH_INFO"].rpartition("/")[2])[0]
    tag = ("ETag", f'"{version}"')
    if environ.get("HTTP_IF_NONE_MATCH") == tag[1]:
        start_response("304 Not Modified", [tag])
        return []
    return answer(start_response, "200 OK", body, tag)


def ask(statement: str, *values: Any) -> list[Any]:
    with pool.connection() as connection:
        return connection.execute(statement.encode(), values).fetchall()


def page(query: dict[str, list[str]]) -> str:
    after = query.get("after", ["infinity,ffffffff-ffff-ffff-ffff-ffffffffffff"])[0].split(",")
    rows = ask(PAGE, ORGANIZATION, *after)
    last = f'"{rows[49][1].isoformat()},{rows[49][2]}"' if len(rows) > 50 else "null"
    return f'{{"results":[{",".join(row[0] for row in rows[:50])}],"next":{last}}}'


def region(analysis: str, query: dict[str, list[str]]) -> str:
    chrom, start, end = re.split("[:-]", query["region"][0])
    limit = int(query["limit"][0])
    rows = ask(REGION, analysis, int(chrom), int(start) - LOOK_BACK, int(end), int(start), limit + 1)
    return f'{{"results":[{",".join(row[0] for row in rows[:limit])}],"next":null}}'
