"""A consultation as HL7 FHIR R4: a Bundle of its Patient, Encounter, Conditions, Observations, notes and genomic studies.

What is mapped are the representations that the API shows. What was entered in error is never left out: its own status
says so, so that whoever stored an earlier bundle learns of it. Nothing asks the genomics service.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from chassis.fhir import (
    HPO,
    LOINC,
    SNOMED,
    UCUM,
    Element,
    bundle,
    coding,
    concept,
    curie_coding,
    identifier,
    logical_reference,
    present,
    reference,
    resource,
    uuid_identifier,
)  # fmt: skip

from .choices import OPEN
from .rules import ONSET_TERMS

Facts = dict[str, Any]

HL7 = "http://terminology.hl7.org/CodeSystem"

# R4 has no word for discontinued: the R5 one stands beside `finished`, where HL7's cross-version package puts it.
ENCOUNTER_STATUS = {
    "planned": "planned", "in-progress": "in-progress", "on-hold": "onleave", "completed": "finished",
    "discontinued": "finished", "cancelled": "cancelled", "entered-in-error": "entered-in-error",
}  # fmt: skip
R5_STATUS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.status"
R5_PLANNED_START = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate"
REASON_CANCELLED = "http://hl7.org/fhir/StructureDefinition/encounter-reasonCancelled"
# HL7 lists Observation and DocumentReference among its contexts; an Encounter has no place of its own for a reason.
STATUS_REASON = "http://hl7.org/fhir/StructureDefinition/event-statusReason"
CLASSES = {"AMB": "ambulatory", "VR": "virtual", "IMP": "inpatient encounter", "EMER": "emergency", "HH": "home health"}
# Those whose codes have no prefix; the others are CURIEs.
CODE_SYSTEMS = {
    "SNOMED CT": SNOMED,
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
}
SEVERITIES = {"mild": "255604002", "moderate": "6736007", "severe": "24484000"}
PRESENT = coding(SNOMED, "52101004", "Present")
ABSENT = coding(SNOMED, "2667000", "Absent")
CONSULT_NOTE = coding(LOINC, "11488-4", "Consult note")
ADDENDUM = coding(LOINC, "55107-7", "Addendum Document")
STUDY_STATUS = {
    "registered": "in-progress", "ready": "completed", "reported": "completed", "cancelled": "not-done",
    "entered-in-error": "entered-in-error",
}  # fmt: skip
REFUSED = {"rejected", "gone"}  # links that the other service answered with no: they say nothing of this patient
AGE = re.compile(r"P(?:(\d+)W|(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?)")


def consultation_bundle(facts: Facts, *, organization: str) -> Element:
    """The consultation and all that is known of it here; `facts` are representations, by what they are."""
    consultation = facts["consultation"]
    patient = _patient(facts["patient"], facts["merged"])
    whose = {"subject": reference(patient), "encounter": reference(consultation)}
    wrong = consultation["status"] == "entered-in-error"
    conditions = [_condition(diagnosis, whose) for diagnosis in facts["diagnoses"]]
    links = [link for link in facts["genomic_links"] if link["verification"] not in REFUSED]
    resources = [
        patient,
        _encounter(facts, links, subject=whose["subject"], organization=organization),
        *conditions,
        *(_observation(phenotype, whose, wrong=wrong) for phenotype in facts["phenotypes"]),
        *_documents(consultation, facts["addenda"], whose, wrong=wrong),
        *(_study(link, whose, wrong=wrong) for link in links),
    ]
    changed_at = max((shown["meta"]["lastUpdated"] for shown in resources), key=datetime.fromisoformat)
    return bundle("collection", resources, timestamp=changed_at)


def _meta(record: Facts) -> Element:
    return {"versionId": str(record["version"]), "lastUpdated": record["updated_at"]}


def _practitioner(name: str) -> Element:
    return logical_reference("Practitioner", identifier(name))


def _state(record: Facts, right: str, *, wrong: bool) -> str:
    """Nothing of a consultation that never was is right."""
    return "entered-in-error" if wrong or record["status"] == "entered-in-error" else right


def _reason(url: str, reason: str) -> list[Element]:
    return [{"url": url, "valueCodeableConcept": concept(text=reason)}] if reason else []


def _patient(patient: Facts, merged: list[Facts]) -> Element:
    survivor = patient["merged_into"]
    links = [_link(uuid_identifier(survivor), "replaced-by")] if survivor else []
    return resource(
        "Patient",
        patient["id"],
        meta=_meta(patient),
        identifier=[_record_number(patient)],
        active=patient["active"],
        name=[present(family=patient["family_name"], given=patient["given_names"])],
        gender=patient["sex"],
        birthDate=patient["birth_date"],
        deceasedDateTime=patient["deceased_on"],
        link=[*links, *(_link(_record_number(other), "replaces") for other in merged)],
    )


def _record_number(patient: Facts) -> Element:
    kind = concept(coding(f"{HL7}/v2-0203", "MR", "Medical record number"))
    return {"type": kind, **identifier(patient["mrn"], system=patient["mrn_system"])}


def _link(known_as: Element, kind: str) -> Element:
    return {"other": logical_reference("Patient", known_as), "type": kind}


def _encounter(facts: Facts, links: list[Facts], *, subject: Element, organization: str) -> Element:
    consultation = facts["consultation"]
    kind, reason = consultation["kind"], consultation["reason"]
    return resource(
        "Encounter",
        consultation["id"],
        meta=_meta(consultation),
        extension=_extensions(consultation),
        status=ENCOUNTER_STATUS[consultation["status"]],
        _status=_r5_status(consultation["status"]),
        **{"class": coding(f"{HL7}/v3-ActCode", kind, CLASSES[kind])},
        subject=subject,
        participant=[{"individual": _practitioner(consultation["practitioner"])}],
        period=present(start=consultation["started_at"], end=consultation["ended_at"]),
        reasonCode=[concept(text=reason)] if reason else None,
        diagnosis=[*_relevant(facts["diagnoses"], "verification_status"), *_relevant(links, "status")],
        serviceProvider=logical_reference("Organization", identifier(organization)),
    )


def _extensions(consultation: Facts) -> list[Element]:
    scheduled, status = consultation["scheduled_at"], consultation["status"]
    planned = [{"url": R5_PLANNED_START, "valueDateTime": scheduled}] if scheduled else []
    url = REASON_CANCELLED if status == "cancelled" else STATUS_REASON
    return [*planned, *_reason(url, consultation["status_reason"])]


def _r5_status(status: str) -> Element | None:
    return {"extension": [{"url": R5_STATUS, "valueCode": status}]} if status == "discontinued" else None


def _relevant(records: list[Facts], status: str) -> list[Element]:
    """A condition or a study is relevant to an encounter (R4, Encounter.diagnosis); what we did with a study is its use."""
    return [
        present(condition=reference(record), use=concept(text=record.get("relation")))
        for record in records
        if record[status] != "entered-in-error"
    ]


def _condition(diagnosis: Facts, whose: dict[str, Element]) -> Element:
    course, severity = diagnosis["clinical_status"], diagnosis["severity"]
    category = coding(f"{HL7}/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
    return resource(
        "Condition",
        diagnosis["id"],
        meta=_meta(diagnosis),
        clinicalStatus=concept(coding(f"{HL7}/condition-clinical", course)) if course else None,
        verificationStatus=concept(coding(f"{HL7}/condition-ver-status", diagnosis["verification_status"])),
        category=[concept(category)],
        severity=concept(coding(SNOMED, SEVERITIES[severity], severity.capitalize())) if severity else None,
        code=concept(*map(_coding, diagnosis["codings"]), text=diagnosis["display"]),
        **whose,
        **_moment("onset", diagnosis["onset"]),
        **_moment("abatement", diagnosis["abated"]),
        recordedDate=diagnosis["created_at"],
        recorder=_practitioner(diagnosis["created_by"]),
    )


def _coding(chosen: Facts) -> Element:
    code, display = chosen["code"], chosen.get("display")
    system = CODE_SYSTEMS.get(chosen["system"])
    return coding(system, code, display) if system else curie_coding(code, display)


def _moment(name: str, moment: str | None) -> Element:
    """`name[x]` of a Condition, which has no concept among its types: a term becomes text with its code."""
    if not moment:
        return {}
    if moment in ONSET_TERMS:
        return {f"{name}String": f"{ONSET_TERMS[moment].capitalize()} ({moment})"}
    if not moment.startswith("P"):
        return {f"{name}DateTime": moment}
    age = _age(moment)
    return {f"{name}Age": age} if age else {f"{name}String": moment}


def _age(text: str) -> Element | None:
    """As a quantity of one unit; None where no one unit is exact (P1M3D), and for birth, since R4's Age is more than 0."""
    found = AGE.fullmatch(text)
    weeks, years, months, days = found.groups() if found else (None, None, None, None)
    whole = 12 * int(years or 0) + int(months or 0)
    if weeks:
        value, unit = int(weeks), "wk"
    elif days:
        value, unit = (0 if whole else int(days)), "d"
    else:
        value, unit = (whole, "mo") if months else (int(years or 0), "a")
    return {"value": value, "unit": unit, "system": UCUM, "code": unit} if value else None


def _observation(phenotype: Facts, whose: dict[str, Element], *, wrong: bool) -> Element:
    return resource(
        "Observation",
        phenotype["id"],
        meta=_meta(phenotype),
        extension=_reason(STATUS_REASON, phenotype["status_reason"]),
        status=_state(phenotype, "final", wrong=wrong),
        code=concept(coding(HPO, phenotype["term"])),
        **whose,
        issued=phenotype["created_at"],
        performer=[_practitioner(phenotype["created_by"])],
        valueCodeableConcept=concept(ABSENT if phenotype["excluded"] else PRESENT),
        component=_onset(phenotype["onset"]),
    )


def _onset(onset: str | None) -> list[Element]:
    """A component, since an Observation's own times say when it was made. HPO's Onset is the question; any form answers."""
    if not onset:
        return []
    value: Element = _moment("value", onset)
    if onset in ONSET_TERMS:
        value = {"valueCodeableConcept": concept(coding(HPO, onset, f"{ONSET_TERMS[onset].capitalize()} onset"))}
    elif age := value.pop("valueAge", None):
        value = {"valueQuantity": age}
    return [{"code": concept(coding(HPO, "HP:0003674", "Onset")), **value}]


def _documents(consultation: Facts, addenda: list[Facts], whose: dict[str, Element], *, wrong: bool) -> list[Element]:
    """The note and its addenda: an R4 Encounter has no note, and DocumentReference has the word for an addendum."""
    # The note is a member of the consultation and has no id of its own; this one is always the same.
    named = {**consultation, "id": str(uuid5(UUID(consultation["id"]), "note"))}
    progress = "preliminary" if consultation["status"] in OPEN else "final"
    note = _document(named, CONSULT_NOTE, progress, whose, wrong=wrong)
    notes = [note] if consultation["note"] else []
    appended = [{"code": "appends", "target": reference(note)} for note in notes]
    return notes + [
        _document(
            addendum,
            ADDENDUM,
            "final",
            whose,
            wrong=wrong,
            extension=_reason(STATUS_REASON, addendum["status_reason"]),
            author=[_practitioner(addendum["created_by"])],
            relatesTo=appended,
        )
        for addendum in addenda
    ]


def _document(
    record: Facts, kind: Element, progress: str, whose: dict[str, Element], *, wrong: bool, **members: Any
) -> Element:
    text = b64encode(record["note"].encode()).decode()
    return resource(
        "DocumentReference",
        record["id"],
        meta=_meta(record),
        status=_state(record, "current", wrong=wrong),
        docStatus=_state(record, progress, wrong=wrong),
        type=concept(kind),
        subject=whose["subject"],
        date=record["created_at"],
        content=[{"attachment": {"contentType": "text/plain; charset=utf-8", "data": text}}],
        context={"encounter": [whose["encounter"]]},
        **members,
    )


def _study(link: Facts, whose: dict[str, Element], *, wrong: bool) -> Element:
    """A Procedure, on which the Genomics Reporting guide bases its genomic study. It says what it was when checked."""
    snapshot, reason = link["snapshot"] or {}, link["status_reason"]
    made = whose if link["relation"] == "ordered" else {"subject": whose["subject"]}
    status = STUDY_STATUS.get(snapshot.get("status", ""), "unknown")
    return resource(
        "Procedure",
        link["id"],
        meta=_meta(link),
        identifier=[uuid_identifier(link["analysis_id"])],
        status=_state(link, status, wrong=wrong),
        statusReason=concept(text=reason) if reason else None,
        category=concept(coding(f"{HL7}/observation-category", "laboratory", "Laboratory")),
        code=concept(text=" ".join(filter(None, ("Genomic study", snapshot.get("assay"), snapshot.get("panel_code"))))),
        **made,
        note=_checked(snapshot, link["checked_at"]),
    )


def _checked(snapshot: Facts, moment: str | None) -> list[Element]:
    if not snapshot:
        return []
    pipeline = " ".join((snapshot["pipeline_name"], snapshot["pipeline_version"]))
    return [{"time": moment, "text": f"{snapshot['genome_build']}, {pipeline}; then {snapshot['status']}"}]
