"""Data types of FHIR R4, and the checker that every service's bundles go through: each of its rules can fail."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from chassis import fhir
from tests import fhir_r4

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) / "fhir" if os.environ.get("CAREWAY_CORPUS") else None
FILES = sorted(CORPUS.glob("*.json")) if CORPUS else []

Json = dict[str, Any]


class TestPresent:
    def test_it_leaves_out_what_says_nothing(self) -> None:
        assert fhir.present(a=None, b="", c=[], d={}) == {}

    def test_false_and_zero_say_something(self) -> None:
        assert fhir.present(a=False, b=0, c="x") == {"a": False, "b": 0, "c": "x"}

    def test_a_member_may_have_a_name_that_python_reserves(self) -> None:
        assert fhir.present(**{"class": "AMB"}) == {"class": "AMB"}


class TestDataTypes:
    def test_an_instant_is_in_utc(self) -> None:
        moment = datetime(2026, 11, 18, 9, 30, 0, 5, tzinfo=timezone(timedelta(hours=1)))
        assert fhir.instant(moment) == "2026-11-18T08:30:00.000005Z"

    def test_a_concept_without_a_code_is_text(self) -> None:
        assert fhir.concept(text="other") == {"text": "other"}
        assert fhir.concept(fhir.coding("s", "c")) == {"coding": [{"system": "s", "code": "c"}]}
        assert fhir.concept() == {}

    @pytest.mark.parametrize(
        ("curie", "system", "code"),
        [
            ("HP:0000006", "http://human-phenotype-ontology.org", "HP:0000006"),
            ("MONDO:0016054", "http://purl.obolibrary.org/obo/mondo.owl", "MONDO:0016054"),
            ("OMIM:219700", "http://www.omim.org", "219700"),
            ("ORPHA:58", "http://www.orpha.net", "58"),
        ],
    )
    def test_a_curie_has_its_own_code_system(self, curie: str, system: str, code: str) -> None:
        assert fhir.curie_coding(curie) == {"system": system, "code": code}

    def test_an_identifier_names_who_gave_it(self) -> None:
        assert fhir.identifier("R26-000001", assigner="st-elsewhere") == {
            "value": "R26-000001",
            "assigner": {"display": "st-elsewhere"},
        }

    def test_a_record_elsewhere_is_known_by_its_uuid(self) -> None:
        assert fhir.logical_reference("Patient", fhir.uuid_identifier("01890a5d")) == {
            "type": "Patient",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:01890a5d"},
        }

    def test_an_entry_is_referred_to_by_its_full_url(self) -> None:
        one = fhir.resource("Patient", "1", active=None)
        other = fhir.resource("Encounter", "2", subject=fhir.reference(one))
        made = fhir.bundle("collection", [one, other])
        assert one == {"resourceType": "Patient", "id": "1"}
        assert other["subject"] == {"reference": "urn:uuid:1"}
        assert [entry["fullUrl"] for entry in made["entry"]] == ["urn:uuid:1", "urn:uuid:2"]
        assert "timestamp" not in made

    def test_a_bundle_of_nothing_has_no_entries(self) -> None:
        assert fhir.bundle("collection", [], timestamp="2026-11-18T08:30:00Z") == {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": "2026-11-18T08:30:00Z",
        }


TERMS = "http://terminology.hl7.org/CodeSystem"


def diagnosed(patient: Json) -> Json:
    return fhir.resource(
        "Condition",
        "c",
        subject=fhir.reference(patient),
        clinicalStatus=fhir.concept(fhir.coding(f"{TERMS}/condition-clinical", "resolved")),
        verificationStatus=fhir.concept(fhir.coding(f"{TERMS}/condition-ver-status", "confirmed")),
        category=[fhir.concept(fhir.coding(f"{TERMS}/condition-category", "problem-list-item"))],
        onsetAge={"value": 4, "unit": "a", "system": fhir.UCUM, "code": "a"},
        abatementString="in childhood",
        stage=[{"summary": {"text": "II"}}],
        evidence=[{"code": [{"text": "biopsy"}]}],
        extension=[{"url": "urn:x", "valueString": "y"}],
    )


def observed(patient: Json) -> Json:
    part = fhir.concept(fhir.coding(fhir.SNOMED, "119297000"))
    return fhir.resource(
        "Observation",
        "o",
        status="final",
        code=fhir.concept(fhir.coding(fhir.LOINC, "718-7")),
        subject=fhir.reference(patient),
        performer=[{"reference": "#who"}],
        contained=[{"resourceType": "Practitioner", "id": "who"}],
        valueQuantity={"value": 9, "unit": "g/dL", "system": fhir.UCUM, "code": "g/dL"},
        referenceRange=[{"low": {"value": 12}, "high": {"value": 16}}],
        component=[{"code": part, "valueRange": {"low": {"value": 1}, "high": {"value": 2}}}],
    )


def sound() -> Json:
    """A bundle that breaks no rule, with one of each resource that a rule looks at."""
    patient = fhir.resource(
        "Patient",
        "p",
        gender="female",
        birthDate="1987-03",
        identifier=[{"use": "usual", "value": "7"}],
        name=[{"use": "official", "family": "Ek"}],
        contact=[{"name": {"text": "A. Ek"}}],
    )
    encounter = fhir.resource(
        "Encounter",
        "e",
        status="finished",
        period={"start": "2026-11-18T08:30:00Z", "end": "2026-11-18T09:30:00+01:00"},
        subject=fhir.reference(patient),
        **{"class": fhir.coding(f"{TERMS}/v3-ActCode", "AMB")},
    )
    made = [patient, diagnosed(patient), encounter, observed(patient)]
    return fhir.bundle("collection", made, timestamp="2026-11-18T08:30:00Z")


def put(path: str, value: Any) -> Callable[[Json], None]:
    """Sets a member, or removes it by Ellipsis; `1/resource/status` begins at the entries, `/type` at the bundle."""

    def change(bundle: Json) -> None:
        *way, last = path.strip("/").split("/")
        at: Any = bundle if path.startswith("/") else bundle["entry"]
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        place: Any = int(last) if isinstance(at, list) else last
        if value is ...:
            del at[place]
        else:
            at[place] = value

    return change


def document(*, timestamp: bool = True, first: str = "Composition", identified: bool = True) -> Callable[[Json], None]:
    def change(bundle: Json) -> None:
        bundle["type"] = "document"
        bundle["identifier"] = {"system": "urn:x", "value": "1"} if identified else {"value": "1"}
        if not timestamp:
            del bundle["timestamp"]
        bundle["entry"].insert(0, {"fullUrl": "urn:uuid:f", "resource": {"resourceType": first, "id": "f"}})

    return change


MUTATIONS: list[tuple[str, Callable[[Json], None]]] = [
    ("binding", put("/type", "pile")),
    ("binding", put("0/resource/gender", "F")),
    ("binding", put("0/resource/identifier/0/use", "primary")),
    ("binding", put("0/resource/name/0/use", "birth")),
    ("binding", put("1/resource/clinicalStatus/coding/0/code", "over")),
    ("binding", put("1/resource/verificationStatus/coding/0/system", "urn:x")),
    ("binding", put("2/resource/status", "completed")),
    ("binding", put("3/resource/status", "confirmed")),
    ("form", put("/timestamp", "2026-11-18")),
    ("form", put("/timestamp", "2026-11-18T08:30:00")),
    ("form", put("0/resource/birthDate", "18.11.1987")),
    ("form", put("0/resource/birthDate", "1987-13")),
    ("form", put("0/resource/id", "p p")),
    ("form", put("2/resource/period/start", "2026-11-18T8:30Z")),
    ("form", put("1/resource/verificationStatus/coding/0/system", "a b")),
    ("check-digit", put("3/resource/code/coding/0/code", "718-8")),
    ("check-digit", put("3/resource/code/coding/0/code", "LA6668-4")),
    ("check-digit", put("3/resource/component/0/code/coding/0/code", "119297001")),
    ("ele-1", put("0/resource/birthDate", None)),
    ("ele-1", put("0/resource/name", [])),
    ("ele-1", put("1/resource/evidence/0/code/0", {"text": ""})),
    ("ext-1", put("1/resource/extension/0/valueString", ...)),
    ("ext-1", put("1/resource/extension/0/extension", [{"url": "z", "valueCode": "z"}])),
    ("dom-2", put("3/resource/contained/0/contained", [{"resourceType": "Location"}])),
    ("dom-3", put("3/resource/performer", ...)),
    ("dom-4", put("3/resource/contained/0/meta", {"versionId": "1"})),
    ("dom-5", put("3/resource/contained/0/meta", {"security": [{"code": "R"}]})),
    ("bdl-1", put("/total", 4)),
    ("bdl-2", put("0/search", {"mode": "match"})),
    ("bdl-3", put("0/request", {"method": "GET", "url": "x"})),
    ("bdl-3", put("/type", "batch")),
    ("bdl-4", put("0/response", {"status": "200"})),
    ("bdl-5", put("2/resource", ...)),
    ("bdl-7", put("2/fullUrl", "urn:uuid:p")),
    ("bdl-8", put("2/fullUrl", "http://x/Encounter/e/_history/1")),
    ("bdl-9", document(identified=False)),
    ("bdl-10", document(timestamp=False)),
    ("bdl-11", document(first="Basic")),
    ("bdl-12", put("/type", "message")),
    ("full-url", put("2/fullUrl", ...)),
    ("full-url", put("2/fullUrl", "urn:uuid:other")),
    ("resolves", put("2/resource/subject", {"reference": "urn:uuid:nobody"})),
    ("resolves", put("2/resource/subject", {"reference": "Patient/7"})),
    ("resolves", put("2/resource/subject", {"display": "A. Ek"})),
    ("ref-1", put("3/resource/performer/0/reference", "#nobody")),
    ("target", put("2/resource/subject", {"reference": "urn:uuid:c"})),
    ("target", put("2/resource/subject", {"type": "Practitioner", "identifier": {"value": "7"}})),
    ("per-1", put("2/resource/period/end", "2026-11-18T08:29:59Z")),
    ("per-1", put("2/resource/period", {"start": "2026-11", "end": "2025"})),
    ("rng-2", put("3/resource/component/0/valueRange/low/value", 3)),
    ("qty-3", put("3/resource/valueQuantity/system", ...)),
    ("age-1", put("1/resource/onsetAge/code", "kg")),
    ("age-1", put("1/resource/onsetAge/value", -1)),
    ("obs-3", put("3/resource/referenceRange/0", {"appliesTo": [{"text": "adults"}]})),
    ("obs-6", put("3/resource/dataAbsentReason", {"text": "lost"})),
    ("obs-7", put("3/resource/component/0/code/coding/0", {"system": fhir.LOINC, "code": "718-7"})),
    ("con-1", put("1/resource/stage/0", {"type": {"text": "TNM"}})),
    ("con-2", put("1/resource/evidence/0", {"id": "e1"})),
    ("con-3", put("1/resource/clinicalStatus", ...)),
    ("con-4", put("1/resource/clinicalStatus/coding/0/code", "active")),
    ("con-5", put("1/resource/verificationStatus/coding/0/code", "entered-in-error")),
    ("pat-1", put("0/resource/contact/0", {"gender": "male"})),
]


class TestTheChecker:
    def test_it_passes_what_is_sound(self) -> None:
        Bundle.model_validate(sound())
        assert fhir_r4.faults(sound()) == []

    @pytest.mark.parametrize(("key", "change"), MUTATIONS, ids=[f"{key}-{n}" for n, (key, _) in enumerate(MUTATIONS)])
    def test_it_sees_what_is_broken(self, key: str, change: Callable[[Json], None]) -> None:
        broken = deepcopy(sound())
        change(broken)
        assert key in fhir_r4.keys(broken)

    def test_each_rule_has_a_row(self) -> None:
        assert {key for key, _ in MUTATIONS} == fhir_r4.RULES.keys()

    def test_a_sound_document_breaks_none(self) -> None:
        changed = sound()
        document()(changed)
        assert fhir_r4.faults(changed) == []

    def test_a_year_may_end_within_its_first_month(self) -> None:
        changed = sound()
        put("2/resource/period", {"start": "2026-11-18", "end": "2026"})(changed)
        assert fhir_r4.faults(changed) == []

    @pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public FHIR resources")
    def test_it_blames_no_public_resource(self) -> None:
        """Single examples of US Core refer to others beside them, a bundle of Synthea within itself."""
        assert FILES
        for path in FILES:
            found = json.loads(path.read_text())
            alone = found["resourceType"] != "Bundle"
            url = f"http://example.org/{found['resourceType']}/{found.get('id')}"
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": url, "resource": found}]}
            assert fhir_r4.keys(bundle if alone else found) <= ({"resolves"} if alone else set()), path.name
