"""Demo data for development: patients, consultations and diagnoses; the other service has their samples and analyses.

Everything goes through the operations that the API calls, so the demo cannot hold what the API would refuse. The links
are pending, since nothing is served yet while they are made: `manage.py verify_links` settles them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import records
from chassis.history import recorded
from chassis.issuers import Caller

from . import operations
from .models import Consultation, Diagnosis, GenomicLink, Patient

# The genomics service has samples and analyses by the same ids.
PATIENTS = [UUID(f"01890a5d-ac96-774b-bcce-b302099a80{number:02x}") for number in range(0x57, 0x5D)]
ANALYSES = [UUID(f"01890a5d-ac96-774b-bcce-b302099a90{number:02x}") for number in range(0x57, 0x5B)]

# MRN, family name, given names, birth date, sex. Nobody's: the names are made up.
PEOPLE: list[tuple[str, str | None, list[str], str | None, str]] = [
    ("00010017", "Okafor", ["Ada", "Ngozi"], "2019-04", "female"),
    ("00010018", "Lindqvist", ["Nils"], "2024-11-02", "male"),
    ("00010019", "Mejía Ruiz", ["Inés"], "1984", "female"),
    ("00004711", "Haddad", ["ليلى"], "1979-02-28", "female"),
    ("00010021", None, ["Suharto"], "1990", "unknown"),
    ("00010022", "Okafor", ["Ada"], "2019", "female"),
]
WHEN = datetime(2026, 11, 12, 8, 30, tzinfo=UTC)


def seed() -> str:
    """Makes the demo once; answers one line that says what there is."""
    if Patient.objects.exists():
        return f"kept ({Patient.objects.count()} patients)"
    doctor, other = _person("dr-okafor", "st-elsewhere"), _person("dr-haddad", "general-hospital")
    for number, person in enumerate(PEOPLE):
        _patient(other if number == 3 else doctor, number, *person)
    _overgrowth(doctor)
    _cystic_fibrosis(doctor)
    _breast_cancer(doctor, 2, "reviewed")
    _breast_cancer(other, 3, "discussed")
    with recorded(doctor):
        _planned(doctor, 4, "Referred for seizures of unknown cause.", WHEN + timedelta(days=20))
        twice = Patient.objects.select_for_update().get(pk=PATIENTS[5])
        operations.move_patient(twice, caller=doctor, to="merged", reason="Registered twice.", into=PATIENTS[0])
    counted = (Patient, "patients"), (Consultation, "consultations"), (Diagnosis, "diagnoses"), (GenomicLink, "links")
    return ", ".join(f"{model._default_manager.count()} {words}" for model, words in counted)


def _person(name: str, organization: str) -> Caller:
    return Caller(actor=f"development:{name}", subject=name, organization=organization, scopes=frozenset())


def _patient(
    caller: Caller, number: int, mrn: str, family_name: str | None, given_names: list[str], birth_date: str | None, sex: str
) -> None:  # fmt: skip
    with recorded(caller):
        records.create(
            Patient, caller=caller, id=PATIENTS[number], mrn_system="urn:oid:2.16.840.1.113883.19.5", mrn=mrn,
            family_name=family_name, given_names=given_names, birth_date=birth_date, sex=sex,
        )  # fmt: skip


def _overgrowth(doctor: Caller) -> None:
    with recorded(doctor):
        first = _begun(doctor, 0, "Overgrowth of the left leg.")
        for term, excluded, onset in (
            ("HP:0001250", True, None),
            ("HP:0001528", False, "P6M"),
            ("HP:0000098", False, "2021"),
        ):
            operations.record_phenotype(
                caller=doctor, consultation_id=first.pk, term=term, excluded=excluded, onset=onset
            )
        _diagnosed(doctor, 0, first, "MONDO", "MONDO:0016054", status="provisional", onset="HP:0003577")
        _linked(doctor, 0, first, "ordered")
        operations.edit_consultation(first, caller=doctor, ended_at=WHEN + timedelta(minutes=40))
        operations.move_consultation(first, caller=doctor, to="completed", reason="")
        operations.add_addendum(
            caller=doctor, consultation_id=first.pk, note="The mother called: first noticed in May."
        )
        _planned(doctor, 0, "The exome is reported.", WHEN + timedelta(days=13))


def _cystic_fibrosis(doctor: Caller) -> None:
    with recorded(doctor):
        visit = _begun(doctor, 1, "Newborn screening was positive.")
        operations.record_phenotype(caller=doctor, consultation_id=visit.pk, term="HP:0002205", onset="P3W")
        _diagnosed(doctor, 1, visit, "ICD-10", "E84.0", status="confirmed", severity="moderate", onset="P3W")
        _linked(doctor, 1, visit, "reviewed")


def _breast_cancer(doctor: Caller, number: int, relation: str) -> None:
    with recorded(doctor):
        visit = _begun(doctor, number, "Her sister carries a variant in BRCA1.")
        _diagnosed(doctor, number, visit, "SNOMED CT", "254837009", status="differential")
        _linked(doctor, number, visit, relation)


def _planned(doctor: Caller, number: int, reason: str, scheduled_at: datetime, **values: Any) -> Consultation:
    return operations.plan_consultation(
        caller=doctor, patient_id=PATIENTS[number], kind="AMB", scheduled_at=scheduled_at, reason=reason, **values
    )


def _begun(doctor: Caller, number: int, reason: str) -> Consultation:
    when = WHEN + timedelta(hours=number)
    planned = _planned(doctor, number, reason, when, started_at=when + timedelta(minutes=5))
    operations.move_consultation(planned, caller=doctor, to="in-progress", reason="")
    return planned


def _diagnosed(doctor: Caller, number: int, visit: Consultation, system: str, code: str, **values: Any) -> None:
    operations.diagnose(
        caller=doctor, patient_id=PATIENTS[number], consultation_id=visit.pk,
        codings=[{"system": system, "code": code}], clinical_status="active", **values,
    )  # fmt: skip


def _linked(doctor: Caller, number: int, visit: Consultation, relation: str) -> None:
    records.create(
        GenomicLink, caller=doctor, consultation_id=visit.pk, analysis_id=ANALYSES[number], relation=relation
    )
