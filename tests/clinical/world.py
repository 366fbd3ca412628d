"""One of everything, for the laws that hold for every service; tests/worlds.py says what each name means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api import Api
from tests.worlds import Body, Records

from . import factories

table = "clinical_patient"
unique = "mrn"
edits: list[Body] = [{"family_name": name} for name in ("Okafor", "Lindqvist", "Haddad", "Mejía Ruiz", "Suharto")]
first_move: Body = {"to": "entered-in-error", "reason": "Registered by mistake."}
streamed: tuple[str, bytes] | None = None
without_words: dict[str, str] = {}
variables = {
    "CAREWAY_GENOMICS_URL": "http://genomics.analyses.svc:8000/",
    "CAREWAY_GENOMICS_TOKEN_FILE": "/var/run/secrets/careway/token",
}


def plain(number: int) -> tuple[str, Body]:
    return "patients", factories.patient_body(mrn=f"N-{number:09}")


def build(api: Api) -> Records:
    patient, visit = factories.patient(api)["id"], factories.consultation(api)
    ended = factories.completed(api, patient=visit["patient"])["id"]
    return {
        "patient": {"pk": patient},
        "consultation": {"pk": factories.consultation(api)["id"]},
        "diagnosis": {"pk": factories.diagnosis(api, visit["patient"], consultation=visit["id"])["id"]},
        "phenotype": {"consultation": visit["id"], "pk": factories.phenotype(api, visit["id"])["id"]},
        "link": {"consultation": visit["id"], "pk": factories.link(api, visit["id"])["id"]},
        "addendum": {"consultation": ended, "pk": factories.addendum(api, ended)["id"]},
    }


def grow(api: Api) -> None:
    survivor = factories.merged_patient(api)["merged_into"]
    for status in factories.WAYS:
        factories.consultation_that_is(api, status, patient=survivor)
    confirmed = factories.diagnosis(api, survivor, verification_status="confirmed", onset="P3W")
    api.move(f"diagnoses/{confirmed['id']}", "refuted")
    phenotype = factories.phenotype(api, onset="HP:0003577")
    api.move(factories.path_of(phenotype, "phenotypes"), "entered-in-error", "Another patient's.")


def foreign_references(api: Api, mine: Records, theirs: Records) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    patient = mine["patient"]["pk"]
    consultation, diagnosis = {"patient": patient, "kind": "AMB"}, factories.diagnosis_body(patient)
    their_patient, their_consultation = theirs["patient"]["pk"], theirs["consultation"]["pk"]
    for path, body, member, value in (
        ("consultations", consultation, "patient", their_patient),
        ("diagnoses", diagnosis, "patient", their_patient),
        ("diagnoses", diagnosis, "consultation", their_consultation),
    ):
        yield "POST", path, {**body, member: value}, member
    for path, member, value in (
        (f"consultations/{mine['consultation']['pk']}", "patient", their_patient),
        (f"diagnoses/{mine['diagnosis']['pk']}", "patient", their_patient),
        (f"diagnoses/{mine['diagnosis']['pk']}", "consultation", their_consultation),
    ):
        yield "PATCH", path, {member: value}, member


def foreign_filters(theirs: Records) -> list[str]:
    return [
        f"patients?mrn_system={factories.SYSTEM}",
        f"consultations?patient={theirs['patient']['pk']}",
        "consultations?practitioner=dr-okafor",
        f"diagnoses?consultation={theirs['phenotype']['consultation']}",
        "diagnoses?code=MONDO:0016054",
    ]
