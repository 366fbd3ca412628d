"""Named things of this service, made through the API as its clients make them."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.api import Api

PATIENT = "01890a5d-ac96-774b-bcce-b302099a8057"
_numbers = count(1)


def sample(api: Api, **values: Any) -> dict[str, Any]:
    """An expected sample."""
    body = {
        "accession": f"S-2026-{next(_numbers):05}",
        "patient_id": PATIENT,
        "kind": "blood",
        "origin": "germline",
        "collected_at": "2026-11-18T08:30:00Z",
        "received_at": "2026-11-18T10:05:00Z",
        **values,
    }
    answer = api.post("samples", body)
    assert answer.status == 201, answer.content
    return dict(answer.json)


def available_sample(api: Api, **values: Any) -> dict[str, Any]:
    answer = api.move(f"samples/{sample(api, **values)['id']}", "available")
    assert answer.status == 200, answer.content
    return dict(answer.json)
