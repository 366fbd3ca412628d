"""Requests that take long because a table is locked: the collector keeps their traces for that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from tests.telemetry.walk import Call, NotingApi, Walk, made

# The collector keeps what takes longer than 0.5 s; and clinical asks genomics for 2 s at most.
LOCKED_SECONDS = 0.8


def linked_slowly(walk: Walk, clinical: NotingApi, genomics_database: str) -> Call:
    """A link that both services take part in; its trace is kept, and nothing newer takes its place as an exemplar."""
    visit = made(clinical.post("consultations", {"patient": walk.patient, "kind": "AMB"}))
    body = {"analysis_id": walk.analysis, "relation": "reviewed"}
    with ThreadPoolExecutor(1) as thread, locked(genomics_database, "genomics_analysis"):
        linking = thread.submit(clinical.post, f"consultations/{visit}/genomic-links", body)
        time.sleep(LOCKED_SECONDS)
    assert linking.result().json["verification"] == "verified"
    return clinical.calls[-1]


@contextmanager
def locked(database: str, table: str) -> Iterator[None]:
    """For as long as the context lasts; within it what asks has to wait."""
    with psycopg.connect(database) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()
