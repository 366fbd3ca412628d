"""One of everything, for the laws that hold for every service; tests/worlds.py says what each name means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api import Api
from tests.example.models import Specimen
from tests.worlds import Body, Records

from . import factories

table = Specimen._meta.db_table
unique = "accession"
edits: list[Body] = [{"kind": kind} for kind in ("saliva", "tissue", "dna", "rna", "other")]
first_move: Body = {"to": "available"}
streamed: tuple[str, bytes] | None = ("image/png", b"\x89PNG\r\n\x1a\n")
without_words: dict[str, str] = {}
variables: dict[str, str] = {}


def plain(number: int) -> tuple[str, Body]:
    body = {"accession": f"N-{number:09}", "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline"}
    return "samples", {**body, "received_at": "2026-11-18T10:05:00Z"}


def build(api: Api) -> Records:
    return {"sample": {"pk": factories.sample(api)["id"]}, "children": {"parent": factories.sample(api)["id"]}}


def grow(api: Api) -> None:
    factories.available_sample(api, parent=factories.available_sample(api)["id"])


def foreign_references(api: Api, mine: Records, theirs: Records) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    foreign = {"parent": theirs["sample"]["pk"]}
    yield "POST", "samples", {**plain(1)[1], **foreign}, "parent"
    yield "PATCH", f"samples/{mine['sample']['pk']}", foreign, "parent"


def foreign_filters(theirs: Records) -> Iterator[str]:
    yield f"samples?patient_id={factories.PATIENT}"
