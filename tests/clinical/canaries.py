"""Canaries in every member of this service's resources; tests/canaries.py has the words."""

from __future__ import annotations

from typing import Any

from tests.api import Answer, Api
from tests.canaries import Canaries
from tests.worlds import Records


def plant(api: Api, canary: Canaries) -> Records:
    patient, other, survivor = (_patient(api, canary) for _ in range(3))
    merge = {"to": "merged", "into": survivor, "reason": canary.word("transition.reason")}
    api.post(f"patients/{other}/transitions", merge, If_Match='"1"')
    open_, ended = _consultation(api, canary, patient), _consultation(api, canary, patient)
    for status in ("in-progress", "completed"):
        api.move(f"consultations/{ended}", status, canary.word("transition.reason"))
    phenotype = {
        "term": canary.legal("phenotype.term", "HP:9988776"),
        "onset": canary.legal("phenotype.onset", "P93Y7M"),
    }
    addendum = {"note": f"{canary.word('addendum.note')}\nand a second line"}
    link = {"analysis_id": canary.id("link.analysis_id"), "relation": "reviewed"}
    below = f"consultations/{open_}"
    return {
        "patient": {"pk": patient},
        "consultation": {"pk": open_},
        "diagnosis": {"pk": _diagnosis(api, canary, patient, open_)},
        "phenotype": {"consultation": open_, "pk": _made(api.post(f"{below}/phenotypes", phenotype))},
        "link": {"consultation": open_, "pk": _made(api.post(f"{below}/genomic-links", link))},
        "addendum": {"consultation": ended, "pk": _made(api.post(f"consultations/{ended}/addenda", addendum))},
    }


def break_files(api: Api, canary: Canaries, records: Records) -> None:
    """This service reads no files."""


def _patient(api: Api, canary: Canaries) -> str:
    body = {
        "mrn_system": f"urn:{canary.word('patient.mrn_system')}:5",
        "mrn": canary.word("patient.mrn"),
        "family_name": canary.word("patient.family_name"),
        "given_names": [canary.word("patient.given_names"), canary.word("patient.given_names")],
        "birth_date": canary.legal("patient.birth_date", "1907-08-19"),
        "deceased_on": canary.legal("patient.deceased_on", "1999-03-29"),
        "sex": "other",
    }
    return _made(api.post("patients", body, Idempotency_Key=canary.word("Idempotency-Key")))


def _consultation(api: Api, canary: Canaries, patient: str) -> str:
    body = {
        "patient": patient,
        "kind": "AMB",
        "practitioner": canary.word("consultation.practitioner"),
        "scheduled_at": canary.legal("consultation.scheduled_at", "1998-01-02T03:04:05Z", seen="1998-01-02"),
        "started_at": canary.legal("consultation.started_at", "1998-01-03T03:04:05Z", seen="1998-01-03"),
        "ended_at": canary.legal("consultation.ended_at", "1998-01-04T03:04:05Z", seen="1998-01-04"),
        "reason": f"{canary.word('consultation.reason')}\nand a second line",
        "note": canary.word("consultation.note"),
    }
    return _made(api.post("consultations", body))


def _diagnosis(api: Api, canary: Canaries, patient: str, consultation: str) -> str:
    code = canary.legal("diagnosis.codings.code", "MONDO:9753124")
    body: dict[str, Any] = {
        "patient": patient,
        "consultation": consultation,
        "codings": [{"system": "MONDO", "code": code, "display": canary.word("diagnosis.codings.display")}],
        "display": canary.word("diagnosis.display"),
        "clinical_status": "resolved",
        "onset": canary.legal("diagnosis.onset", "1911-05-23"),
        "abated": canary.legal("diagnosis.abated", "1912-06-24"),
    }
    return _made(api.post("diagnoses", body))


def _made(answer: Answer, status: int = 201) -> str:
    assert answer.status == status, answer.content
    return str(answer.json.get("id", ""))
