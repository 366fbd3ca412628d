"""Named things of the clinical service, made through the API as its clients make them."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.api import Answer, Api

SYSTEM = "urn:oid:2.16.840.1.113883.19.5"
ANALYSIS = "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d11"
_numbers = count(1)
_analyses = count(1)


def fault(answer: Answer, status: int = 400) -> tuple[str, str]:
    """Pointer and code of the only fault."""
    assert answer.status == status, answer.content
    assert len(answer.json["errors"]) == 1, answer.content
    return answer.json["errors"][0]["pointer"], answer.json["errors"][0]["code"]


def patient_body(**values: Any) -> dict[str, Any]:
    """The body of a POST of somebody new."""
    number = f"{next(_numbers):08}"
    return {
        "mrn_system": SYSTEM,
        "mrn": number,
        "family_name": "Okafor",
        "given_names": ["Ada"],
        "sex": "female",
        **values,
    }


def patient(api: Api, **values: Any) -> dict[str, Any]:
    """A registered patient, and an active one."""
    return _made(api.post("patients", patient_body(**values)))


def merged_patient(api: Api, into: str | None = None) -> dict[str, Any]:
    made = patient(api)
    return _made(merge(api, made["id"], into or patient(api)["id"]), 200)


def merge(api: Api, patient_id: str, into: str, **headers: str) -> Answer:
    """A transition to `merged` from the patient's current version."""
    path = f"patients/{patient_id}"
    return api.post(f"{path}/transitions", {"to": "merged", "into": into}, If_Match=api.get(path).etag, **headers)


def consultation(api: Api, **values: Any) -> dict[str, Any]:
    """A planned consultation."""
    body = {"kind": "AMB", "scheduled_at": "2026-11-25T08:00:00Z", "reason": "Overgrowth of the left leg.", **values}
    if "patient" not in body:
        body["patient"] = patient(api)["id"]
    return _made(api.post("consultations", body))


# The transitions that lead a planned consultation to each status.
WAYS = {
    "planned": [],
    "in-progress": ["in-progress"],
    "on-hold": ["in-progress", "on-hold"],
    "completed": ["in-progress", "completed"],
    "discontinued": ["in-progress", "discontinued"],
    "cancelled": ["cancelled"],
    "entered-in-error": ["entered-in-error"],
}


def consultation_that_is(api: Api, status: str, **values: Any) -> dict[str, Any]:
    """A consultation led to that status."""
    made = consultation(api, **values)
    for step in WAYS[status]:
        made = _made(api.move(f"consultations/{made['id']}", step, "because"), 200)
    return made


def in_progress(api: Api, **values: Any) -> dict[str, Any]:
    return consultation_that_is(api, "in-progress", **values)


def completed(api: Api, **values: Any) -> dict[str, Any]:
    return consultation_that_is(api, "completed", **values)


def phenotype(api: Api, consultation_id: str | None = None, **values: Any) -> dict[str, Any]:
    """A recorded phenotype of a consultation that is open."""
    consultation_id = consultation_id or consultation(api)["id"]
    return _made(api.post(f"consultations/{consultation_id}/phenotypes", {"term": "HP:0001250", **values}))


def addendum(api: Api, consultation_id: str | None = None, **values: Any) -> dict[str, Any]:
    """A late note to a completed consultation."""
    consultation_id = consultation_id or completed(api)["id"]
    return _made(api.post(f"consultations/{consultation_id}/addenda", {"note": "It began in March.", **values}))


def link(api: Api, consultation_id: str | None = None, **values: Any) -> dict[str, Any]:
    """A pending link: nobody serves genomics at the address that the tests have."""
    consultation_id = consultation_id or consultation(api)["id"]
    body = {"analysis_id": f"019a9d1e-5b4c-7c3a-9c39-{next(_analyses):012x}", "relation": "reviewed", **values}
    return _made(api.post(f"consultations/{consultation_id}/genomic-links", body))


def diagnosis_body(patient_id: str, **values: Any) -> dict[str, Any]:
    """The body of a POST of an active diagnosis."""
    codings = [{"system": "MONDO", "code": "MONDO:0016054"}]
    return {"patient": patient_id, "codings": codings, "clinical_status": "active", **values}


def diagnosis(api: Api, patient_id: str | None = None, **values: Any) -> dict[str, Any]:
    """An unconfirmed, active diagnosis."""
    return _made(api.post("diagnoses", diagnosis_body(patient_id or patient(api)["id"], **values)))


def path_of(entry: dict[str, Any], collection: str) -> str:
    """Where something below a consultation is."""
    return f"consultations/{entry['consultation']}/{collection}/{entry['id']}"


def _made(answer: Answer, status: int = 201) -> dict[str, Any]:
    assert answer.status == status, answer.content
    return dict(answer.json)
