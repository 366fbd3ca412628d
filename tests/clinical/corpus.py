"""Public FHIR resources and phenopackets, entered through the API as an integration would, and read back by `/fhir`.

Rules, not exceptions: nothing here knows a file. What a source does not say and the model asks for has a stand-in; what it
says and the model has no place for is left, and test_corpus.py lists it with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple
from unicodedata import normalize

from chassis import fhir as chassis_fhir
from clinical import choices, fhir, rules
from clinical.models import Patient
from tests.api import Answer, Api

from . import fhir_rules

Json = dict[str, Any]

KINDS_TAKEN = {"Patient", "Encounter", "Condition"}
KINDS = set(choices.ConsultationKind.values)
# What is narrower in HL7's ActCode; all else becomes ambulatory.
NARROWER = {"ACUTE": "IMP", "NONAC": "IMP"}
# The R4 status, and the transitions to what is nearest.
WAYS: dict[str, list[str]] = {
    "planned": [], "arrived": ["in-progress"], "triaged": ["in-progress"], "in-progress": ["in-progress"],
    "onleave": ["in-progress", "on-hold"], "finished": ["in-progress", "completed"], "unknown": ["in-progress", "completed"],
    "cancelled": ["cancelled"], "entered-in-error": ["entered-in-error"],
}  # fmt: skip
LONGEST_NUMBER = Patient._meta.get_field("mrn").max_length or 0
TERMINOLOGIES = {uri: name for name, uri in fhir.CODE_SYSTEMS.items()}
TERMINOLOGIES |= {chassis_fhir.MONDO: "MONDO", chassis_fhir.OMIM: "OMIM", chassis_fhir.ORPHANET: "ORPHA"}
SEVERITIES = {code: word for word, code in fhir.SEVERITIES.items()}
UNITS = {"a": "Y", "mo": "M", "wk": "W", "d": "D"}
SEXES = {"MALE": "male", "FEMALE": "female", "OTHER_SEX": "other", "UNKNOWN_SEX": "unknown"}
SEPARATOR = "; "
CLINICAL, VERIFICATION = "/condition-clinical", "/condition-ver-status"
TERM = re.compile(r"\((HP:\d{7})\)$")


class Pair(NamedTuple):
    """Something of the source, and what came back of it; both are called by `name`."""

    name: str
    source: Json
    ours: Json


@dataclass
class Taken:
    """What became of a file: what was entered and read back, and what was refused, with the answer (or None: unasked)."""

    pairs: list[Pair] = field(default_factory=list)
    refused: list[tuple[str, Json, Answer | None]] = field(default_factory=list)
    # References of the source, as ours.
    known: dict[str, str] = field(default_factory=dict)


def made(answer: Answer, status: int = 201) -> Json:
    assert answer.status == status, answer.content
    return dict(answer.json)


def kept(answer: Answer, body: Json) -> Json:
    """The record, whose JSON says all that was sent: text in NFC, times as the same instant."""
    record = made(answer)
    for name, value in body.items():
        assert _same(record[name]) == _same(value), name
    return record


def _same(value: Any) -> Any:
    if isinstance(value, str):
        return (
            datetime.fromisoformat(value) if "T" in value and value[:2].isdigit() else normalize("NFC", value).strip()
        )
    return [_same(item) for item in value] if isinstance(value, list) else value


def concept_codes(concept: Json | None, system: str = "") -> list[str]:
    """The codes, of any system or of the one whose URI ends so."""
    codings = (concept or {}).get("coding", [])
    return [one["code"] for one in codings if "code" in one and one.get("system", "").endswith(system)]


def resources_of(document: Json) -> list[tuple[str, Json]]:
    """The resources of a file, with their full URLs."""
    if document["resourceType"] != "Bundle":
        return [("", document)]
    return [(entry.get("fullUrl", ""), entry["resource"]) for entry in document.get("entry", []) if "resource" in entry]


def is_r4(resource: Json) -> bool:
    """Whether it is one of those that are taken, and of this version: the same repositories hold others."""
    kind = resource["resourceType"]
    if kind not in KINDS_TAKEN:
        return False
    try:
        getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind).model_validate(resource)
    except ValueError:
        return False
    return kind != "Encounter" or resource["status"] in WAYS


def names_of(url: str, resource: Json) -> set[str]:
    """What others may call it."""
    return {url, f"{resource['resourceType']}/{resource.get('id')}"} - {""}


def of_kind(resources: Iterable[tuple[str, Json]], kind: str) -> Iterator[tuple[str, Json]]:
    return ((url, found) for url, found in resources if found["resourceType"] == kind)


def record_number(patient: Json) -> Json:
    """The identifier that is the hospital's own: of type MR, or the first that says who gave it, or the resource's id."""
    whole = [one for one in patient.get("identifier", []) if one.get("system") and one.get("value")]
    own = [one for one in whole if "MR" in concept_codes(one.get("type"))]
    return next(iter([*own, *whole]), {"system": "urn:ietf:rfc:3986", "value": patient.get("id", "unnumbered")})


def name_in_use(patient: Json) -> Json:
    """The official or usual one that has not ended, or else the first."""
    names = [one for one in patient.get("name", []) if "family" in one or "given" in one]
    current = [one for one in names if "end" not in one.get("period", {}) and one.get("use") not in {"old", "maiden"}]
    best = [one for one in current if one.get("use") in {"official", "usual"}]
    return next(iter([*best, *current, *names]), {"family": "Unnamed"})


def patient_body(patient: Json) -> Json:
    number, name = record_number(patient), name_in_use(patient)
    return {
        "mrn_system": number["system"],
        "mrn": number["value"],
        "family_name": name.get("family"),
        "given_names": name.get("given", []),
        "birth_date": patient.get("birthDate"),
        "deceased_on": patient.get("deceasedDateTime", "")[:10] or None,
        "sex": patient.get("gender", "unknown"),
    }


def reason_words(encounter: Json) -> list[str]:
    concepts = encounter.get("reasonCode", [])
    words = [word for one in concepts for word in (one.get("text"), *(c.get("display") for c in one.get("coding", [])))]
    return list(dict.fromkeys(word for word in words if word))


def practitioner_of(encounter: Json) -> str:
    """Whom the first participant names."""
    people = [one["individual"] for one in encounter.get("participant", []) if "individual" in one]
    return next((one.get("display") or one.get("reference") or "" for one in people), "")[:250]


def planned_start(encounter: Json) -> str | None:
    """R5's element, where the source has it."""
    found = [one for one in encounter.get("extension", []) if one["url"] == fhir.R5_PLANNED_START]
    return found[0].get("valueDateTime") if found else None


def encounter_body(encounter: Json, patient: str) -> Json:
    """A planned or cancelled one has not begun: its period is when it was to be."""
    code = encounter["class"].get("code", "")
    start, end = (encounter.get("period", {}).get(name) for name in ("start", "end"))
    begun = encounter["status"] not in {"planned", "cancelled"}
    body = {
        "patient": patient,
        "kind": code if code in KINDS else NARROWER.get(code, "AMB"),
        "practitioner": practitioner_of(encounter),
        "reason": SEPARATOR.join(reason_words(encounter))[:500],
        "scheduled_at": _timestamp(planned_start(encounter) or (None if begun else start)),
        "started_at": _timestamp(start) if begun else None,
        "ended_at": _timestamp(end) if begun and start else None,
    }
    return {name: value for name, value in body.items() if value}


def _timestamp(text: str | None) -> str | None:
    """A date begins at midnight; how precise it was is compared later."""
    return f"{text}{'-01-01'[3 * (text.count('-')) :]}T00:00:00Z" if text and "T" not in text else text


def condition_body(condition: Json) -> Json:
    """Without patient and consultation."""
    found = [_coding_body(one) for one in condition.get("code", {}).get("coding", []) if holds_code(one)]
    codings = list({(one["system"], one["code"]): one for one in found[::-1]}.values())[::-1]
    wrong = "entered-in-error" in concept_codes(condition.get("verificationStatus"), VERIFICATION)
    abated = moment_of(condition, "abatement")
    verified = (
        "unconfirmed"
        if wrong
        else next(iter(concept_codes(condition.get("verificationStatus"), VERIFICATION)), "unconfirmed")
    )
    clinical = "resolved" if abated else "active"
    body = {
        "codings": codings,
        "display": condition.get("code", {}).get("text", "")[:255],
        "clinical_status": next(iter(concept_codes(condition.get("clinicalStatus"), CLINICAL)), clinical),
        "verification_status": verified,
        "severity": next(
            (SEVERITIES[c] for c in concept_codes(condition.get("severity"), chassis_fhir.SNOMED) if c in SEVERITIES),
            None,
        ),
        "onset": moment_of(condition, "onset"),
        "abated": abated,
    }
    return {name: value for name, value in body.items() if value}


def holds_code(coding: Json) -> bool:
    """Whether it is a code of a terminology that a diagnosis may have."""
    system = TERMINOLOGIES.get(coding.get("system", ""))
    return bool(system) and rules.is_code(str(system), _prefixed(str(system), coding.get("code", "")))


def _prefixed(system: str, code: str) -> str:
    return code if system not in {"OMIM", "ORPHA"} or ":" in code else f"{system}:{code}"


def _coding_body(coding: Json) -> Json:
    system = TERMINOLOGIES[coding["system"]]
    body = {"system": system, "code": _prefixed(system, coding["code"])}
    return {**body, "display": coding["display"][:255]} if coding.get("display") else body


def moment_of(condition: Json, name: str) -> str | None:
    """A date to the day, a whole age in a unit we have, or text that is a moment; None for what we cannot say."""
    if date := condition.get(f"{name}DateTime"):
        return str(date)[:10]
    age = condition.get(f"{name}Age", {})
    if age.get("code") in UNITS and "comparator" not in age and float(age["value"]).is_integer():
        return f"P{int(age['value'])}{UNITS[age['code']]}"
    text = condition.get(f"{name}String", "")
    found = TERM.search(text)
    text = found[1] if found else text
    return text if rules.is_onset(text) else None


def take_fhir(api: Api, document: Json, others: Iterable[Json]) -> Taken:
    """Enters the patients, encounters and conditions of a file; patients it only names may be in others."""
    taken, resources = Taken(), []
    for url, found in resources_of(document):
        if is_r4(found):
            resources.append((url, found))
        elif found["resourceType"] in KINDS_TAKEN:
            taken.refused.append((found["resourceType"], found, None))
    elsewhere = [found for other in others for found in resources_of(other)]
    patients: dict[str, str] = {}
    for url, person in of_kind(resources, "Patient"):
        patients |= dict.fromkeys(names_of(url, person), _enter_patient(api, person))
    visits: dict[str, tuple[str, Json]] = {}
    for url, encounter in of_kind(resources, "Encounter"):
        patient = _patient_of(api, encounter, patients, elsewhere)
        body = encounter_body(encounter, patient)
        visit = kept(api.post("consultations", body), body)["id"]
        visits |= dict.fromkeys(names_of(url, encounter), (visit, encounter))
        taken.pairs.append(Pair("Encounter", encounter, {"id": visit}))
    for _, condition in of_kind(resources, "Condition"):
        visit, _ = visits.get(condition.get("encounter", {}).get("reference", ""), ("", {}))
        patient = _patient_of(api, condition, patients, elsewhere)
        visit = visit or made(api.post("consultations", {"patient": patient, "kind": "AMB"}))["id"]
        _enter_condition(api, taken, condition, patient, visit)
    _finish(api, taken)
    for url, person in of_kind(resources, "Patient"):
        taken.pairs.append(Pair("Patient", person, {"id": patients[next(iter(names_of(url, person)))]}))
        _retire(api, taken.pairs[-1])
    taken.known = {name: f"urn:uuid:{id_}" for name, id_ in patients.items()}
    taken.known |= {name: f"urn:uuid:{visit}" for name, (visit, _) in visits.items()}
    return _read_back(api, taken)


def _enter_patient(api: Api, patient: Json) -> str:
    body = patient_body(patient)
    return str(kept(api.post("patients", body), body)["id"])


def _patient_of(api: Api, resource: Json, patients: dict[str, str], elsewhere: list[tuple[str, Json]]) -> str:
    named = resource["subject"].get("reference", "")
    if named not in patients:
        found = [one for url, one in of_kind(elsewhere, "Patient") if named in names_of(url, one)]
        stranger = {"identifier": [{"system": "urn:ietf:rfc:3986", "value": named or "unnamed"}]}
        patients[named] = _enter_patient(api, next(iter(found), stranger))
    return patients[named]


def _enter_condition(api: Api, taken: Taken, condition: Json, patient: str, visit: str) -> None:
    body = {**condition_body(condition), "patient": patient, "consultation": visit}
    if not body.get("codings"):
        taken.refused.append(("Condition", condition, None))
        return
    answer = api.post("diagnoses", body)
    if answer.status == 409:
        taken.refused.append(("Condition", condition, answer))
        return
    record = kept(answer, body)
    if "entered-in-error" in concept_codes(condition.get("verificationStatus"), VERIFICATION):
        made(api.move(f"diagnoses/{record['id']}", "entered-in-error", "As in the source."), 200)
    taken.pairs.append(Pair("Condition", condition, {"id": record["id"], "visit": visit}))


def _finish(api: Api, taken: Taken) -> None:
    """Encounters come to their status last: nothing is entered in one that has ended."""
    for name, source, ours in taken.pairs:
        for step in WAYS[source["status"]] if name == "Encounter" else []:
            made(api.move(f"consultations/{ours['id']}", step, "As in the source."), 200)


def _retire(api: Api, pair: Pair) -> None:
    path = f"patients/{pair.ours['id']}"
    if pair.source.get("active") is False:
        made(api.patch(path, {"active": False}, If_Match=api.get(path).etag), 200)


def _read_back(api: Api, taken: Taken) -> Taken:
    """Each in a bundle of a consultation that shows it, which both judges pass."""
    bundles: dict[str, Json] = {}
    for number, (name, source, ours) in enumerate(taken.pairs):
        if name == "Patient":
            visits = api.get(f"consultations?patient={ours['id']}&limit=1").json["results"]
            visit = visits[0]["id"] if visits else _visit(api, ours["id"])
        else:
            visit = ours.get("visit", ours["id"])
        if visit not in bundles:
            bundles[visit] = fhir_rules.judged(made(api.get(f"consultations/{visit}/fhir"), 200))
        found = next(one for one in fhir_rules.all_of(bundles[visit], name) if one["id"] == ours["id"])
        taken.pairs[number] = Pair(name, source, found)
    return taken


def _visit(api: Api, patient: str) -> str:
    """Somebody who never came, and is not active: becomes active for as long as it takes to plan a consultation."""
    path = f"patients/{patient}"
    active = api.get(path).json["active"]
    if not active:
        made(api.patch(path, {"active": True}, If_Match=api.get(path).etag), 200)
    visit = made(api.post("consultations", {"patient": patient, "kind": "AMB"}))["id"]
    if not active:
        made(api.patch(path, {"active": False}, If_Match=api.get(path).etag), 200)
    return str(visit)


def time_of(element: Json | None) -> str | None:
    """A TimeElement as a moment; None for what we cannot say."""
    element = element or {}
    age = element.get("age", {})
    text = age.get("iso8601duration") or element.get("ontologyClass", {}).get("id") or element.get("timestamp", "")[:10]
    return text if text and rules.is_onset(text) else None


def disease_code(disease: Json) -> Json | None:
    """The coding, where its prefix is a terminology of ours."""
    term = disease.get("term", {})
    system, code = term.get("id", "").partition(":")[0], term.get("id", "")
    if system not in rules.CODES or not rules.is_code(system, code):
        return None
    return {"system": system, "code": code, "display": term.get("label", "")[:255] or code}


def take_phenopacket(api: Api, packet: Json) -> Taken:
    """Enters the subject, the features and the diseases; a term that is there twice needs a consultation of its own."""
    taken, subject = Taken(), packet.get("subject", {})
    died = subject.get("vitalStatus", {}).get("timeOfDeath", {}).get("timestamp", "")[:10] or None
    body = {
        "mrn_system": "urn:ga4gh:phenopackets:individual",
        "mrn": subject.get("id", "unnumbered")[:LONGEST_NUMBER],
        "given_names": [subject.get("id", "unnumbered")[:100]],
        "birth_date": subject.get("dateOfBirth", "")[:10] or None,
        "deceased_on": died,
        "sex": SEXES[subject.get("sex", "UNKNOWN_SEX")],
    }
    patient = kept(api.post("patients", body), body)["id"]
    visits: list[tuple[str, set[str]]] = [(_visit(api, patient), set())]
    for feature in packet.get("phenotypicFeatures", []):
        _enter_feature(api, taken, feature, patient, visits)
    for disease in packet.get("diseases", []):
        _enter_disease(api, taken, disease, patient, visits[0][0])
    bundles = {visit: fhir_rules.judged(made(api.get(f"consultations/{visit}/fhir"), 200)) for visit, _ in visits}
    for number, (name, source, ours) in enumerate(taken.pairs):
        taken.pairs[number] = Pair(name, source, SHOWN[name](_resource(bundles[ours["visit"]], ours["id"])))
    taken.pairs.append(Pair("subject", subject, individual_of(fhir_rules.one_of(bundles[visits[0][0]], "Patient"))))
    return taken


def _enter_feature(api: Api, taken: Taken, feature: Json, patient: str, visits: list[tuple[str, set[str]]]) -> None:
    term = feature.get("type", {}).get("id", "")
    if not re.fullmatch(rules.PHENOTYPE, term):
        taken.refused.append(("phenotypicFeature", feature, None))
        return
    free = [visit for visit in visits if term not in visit[1]]
    if not free:
        free = [(_visit(api, patient), set())]
        visits.extend(free)
    visit, terms = free[0]
    terms.add(term)
    body = {"term": term, "excluded": feature.get("excluded", False), "onset": time_of(feature.get("onset"))}
    record = kept(api.post(f"consultations/{visit}/phenotypes", body), body)
    taken.pairs.append(Pair("phenotypicFeature", feature, {"id": record["id"], "visit": visit}))


def _enter_disease(api: Api, taken: Taken, disease: Json, patient: str, visit: str) -> None:
    coding = disease_code(disease)
    if not coding:
        taken.refused.append(("disease", disease, None))
        return
    abated = time_of(disease.get("resolution"))
    excluded = disease.get("excluded", False)
    body = {
        "patient": patient,
        "consultation": visit,
        "codings": [coding],
        "clinical_status": "inactive" if excluded else "resolved" if abated else "active",
        "verification_status": "refuted" if excluded else "confirmed",
        "onset": time_of(disease.get("onset")),
        "abated": abated,
    }
    answer = api.post("diagnoses", body)
    if answer.status == 409:
        taken.refused.append(("disease", disease, answer))
        return
    taken.pairs.append(Pair("disease", disease, {"id": kept(answer, body)["id"], "visit": visit}))


def _resource(bundle: Json, id_: str) -> Json:
    return next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["id"] == id_)


def individual_of(patient: Json) -> Json:
    """A Patient as a phenopacket's subject."""
    sex = next(theirs for theirs, ours in SEXES.items() if ours == patient["gender"])
    died = patient.get("deceasedDateTime")
    return {
        "id": patient["identifier"][0]["value"],
        "sex": sex,
        "dateOfBirth": patient.get("birthDate"),
        **({"vitalStatus": {"status": "DECEASED", "timeOfDeath": {"timestamp": died}}} if died else {}),
    }


def feature_of(observation: Json) -> Json:
    """An Observation as a phenopacket's feature."""
    excluded = observation["valueCodeableConcept"]["coding"] == [fhir.ABSENT]
    onset = _time_element(next(iter(observation.get("component", [])), {}), "value")
    return {"type": {"id": observation["code"]["coding"][0]["code"]}, "excluded": excluded, "onset": onset}


def disease_of(condition: Json) -> Json:
    """A Condition as a phenopacket's disease."""
    coding = condition["code"]["coding"][0]
    system = TERMINOLOGIES[coding["system"]]
    excluded = concept_codes(condition["verificationStatus"]) == ["refuted"]
    return {
        "term": {"id": _prefixed(system, coding["code"]), "label": coding["display"]},
        "excluded": excluded,
        "onset": _time_element(condition, "onset"),
        "resolution": _time_element(condition, "abatement"),
    }


def _time_element(holder: Json, name: str) -> Json:
    age = holder.get(f"{name}Age") or holder.get(f"{name}Quantity")
    text = holder.get(f"{name}String", "")
    codes = [*concept_codes(holder.get(f"{name}CodeableConcept")), *TERM.findall(text)]
    if codes:
        return {"ontologyClass": {"id": codes[0], "label": f"{rules.ONSET_TERMS[codes[0]].capitalize()} onset"}}
    if age or text:
        duration = f"P{age['value']}{UNITS[age['code']]}" if age else text
        return {"age": {"iso8601duration": duration}}
    date = holder.get(f"{name}DateTime")
    return {"timestamp": date} if date else {}


SHOWN = {"phenotypicFeature": feature_of, "disease": disease_of}
