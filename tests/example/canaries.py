"""Canaries in every member of this service's resources; tests/canaries.py has the words."""

from __future__ import annotations

from typing import Any

from tests.api import Api
from tests.canaries import Canaries
from tests.worlds import Records


def plant(api: Api, canary: Canaries) -> Records:
    mine, child = _sample(api, canary), _sample(api, canary)
    edit = {"parent": mine, "patient_id": api.get(f"samples/{mine}").json["patient_id"]}
    assert api.patch(f"samples/{child}", edit, If_Match='"1"').status == 200
    spoilt = {"to": "rejected", "reason": canary.word("transition.reason")}
    assert api.post(f"samples/{child}/transitions", spoilt, If_Match='"2"').status == 200
    return {"sample": {"pk": mine}, "children": {"parent": mine}}


def break_files(api: Api, canary: Canaries, records: Records) -> None:
    picture = f"no picture: {canary.word('picture')}".encode()
    api.put(f"samples/{records['sample']['pk']}/picture", picture, content_type="image/png", If_Match='"1"')


def _sample(api: Api, canary: Canaries) -> str:
    body: dict[str, Any] = {
        "accession": canary.word("sample.accession"),
        "patient_id": canary.id("sample.patient_id"),
        "kind": "blood",
        "origin": "germline",
        "labels": [canary.word("sample.labels")],
        "comment": f"{canary.word('sample.comment')}\nand a second line",
        "collected_at": canary.legal("sample.collected_at", "1997-01-02T03:04:05Z", seen="1997-01-02"),
        "received_at": canary.legal("sample.received_at", "1997-01-03T03:04:05Z", seen="1997-01-03"),
    }
    answer = api.post("samples", body, Idempotency_Key=canary.word("Idempotency-Key"))
    assert answer.status == 201, answer.content
    return str(answer.json["id"])
