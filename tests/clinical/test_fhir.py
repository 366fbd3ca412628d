"""A consultation as FHIR R4: judged by fhir.resources, by the rules of tests/fhir_r4.py and fhir_rules.py, and by field."""

from __future__ import annotations

import uuid
from base64 import b64decode
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from clinical import choices, fhir, rules

from . import fhir_rules
from .fhir_rules import Json, all_of, code_of, judged, one_of

HL7 = "http://terminology.hl7.org/CodeSystem"
WHEN = {
    "version": 1,
    "created_at": "2026-11-18T08:30:00Z",
    "updated_at": "2026-11-18T08:30:00.5Z",
    "created_by": "d:ek",
}
RECORD = {**WHEN, "status": "recorded", "status_reason": ""}
SNAPSHOT: Json = {
    "status": "ready",
    "assay": "panel",
    "panel_code": "R59.1",
    "genome_build": "GRCh38",
    "pipeline_name": "sarek",
    "pipeline_version": "3.5.1",
    "version": 3,
    "ingested_at": "2026-11-18T10:05:00.123456Z",
}
FACTS: Json = {
    "consultation": {
        **WHEN, "id": str(uuid.UUID(int=1)), "status": "completed", "status_reason": "", "kind": "AMB", "practitioner": "dr-ek",
        "scheduled_at": "2026-11-18T08:00:00Z", "started_at": "2026-11-18T08:05:00Z", "ended_at": "2026-11-18T08:45:00Z",
        "reason": "Seizures.", "note": "Seen.\nTwice.",
    },
    "patient": {
        **WHEN, "id": str(uuid.UUID(int=2)), "status": "registered", "mrn_system": "urn:oid:1.2.3", "mrn": "0007",
        "family_name": "Ek", "given_names": ["Ada", "B"], "birth_date": "2019-04", "sex": "female", "deceased_on": "2025",
        "active": True, "merged_into": None,
    },
    "merged": [],
    "diagnoses": [
        {
            **WHEN, "id": str(uuid.UUID(int=3)), "status_reason": "", "display": "Epilepsy", "clinical_status": "resolved",
            "verification_status": "confirmed", "severity": "severe", "onset": "P1Y3M", "abated": "2024-05",
            "codings": [{"system": "SNOMED CT", "code": "84757009", "display": "Epilepsy (disorder)"}],
        }
    ],
    "phenotypes": [{**RECORD, "id": str(uuid.UUID(int=4)), "term": "HP:0001250", "excluded": False, "onset": "P3W"}],
    "addenda": [{**RECORD, "id": str(uuid.UUID(int=5)), "note": "Later."}],
    "genomic_links": [
        {
            **RECORD, "id": str(uuid.UUID(int=6)), "analysis_id": str(uuid.UUID(int=7)), "relation": "reviewed",
            "verification": "verified", "snapshot": SNAPSHOT, "checked_at": "2026-11-18T08:30:00Z",
        }
    ],
}  # fmt: skip


def rendered(**changes: Any) -> Json:
    """The bundle of FACTS, with members changed in a part (of a list: in its first), or the part itself."""
    facts = deepcopy(FACTS)
    for part, values in changes.items():
        if isinstance(values, list):
            facts[part] = values
        else:
            (facts[part][0] if isinstance(facts[part], list) else facts[part]).update(values)
    return fhir.consultation_bundle(facts, organization="st-elsewhere")


def text_of(document: Json) -> str:
    return b64decode(document["content"][0]["attachment"]["data"]).decode()


class TestPatient:
    def test_who_it_is(self) -> None:
        patient = one_of(judged(rendered()), "Patient")
        (number,) = patient["identifier"]
        assert (code_of(number["type"]), number["system"], number["value"]) == ("MR", "urn:oid:1.2.3", "0007")
        assert patient["name"] == [{"family": "Ek", "given": ["Ada", "B"]}]
        assert (patient["gender"], patient["active"]) == ("female", True)
        assert (patient["birthDate"], patient["deceasedDateTime"]) == ("2019-04", "2025")

    def test_one_name_is_enough_and_what_is_not_known_is_not_there(self) -> None:
        bare = {"family_name": None, "birth_date": None, "deceased_on": None, "active": False}
        patient = one_of(judged(rendered(patient=bare)), "Patient")
        assert patient["name"] == [{"given": ["Ada", "B"]}]
        assert patient["active"] is False
        assert not {"birthDate", "deceasedDateTime", "link"} & patient.keys()

    def test_merged_ones_name_each_other(self) -> None:
        survivor = str(uuid.UUID(int=9))
        old = judged(rendered(patient={"status": "merged", "active": False, "merged_into": survivor}))
        assert one_of(old, "Patient")["link"] == [
            {
                "other": {
                    "type": "Patient",
                    "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{survivor}"},
                },
                "type": "replaced-by",
            }
        ]
        new = judged(rendered(merged=[{**FACTS["patient"], "mrn": "0008"}]))
        (link,) = one_of(new, "Patient")["link"]
        assert (link["type"], link["other"]["identifier"]["value"]) == ("replaces", "0008")


class TestEncounter:
    def test_what_it_was(self) -> None:
        encounter = one_of(rendered(), "Encounter")
        assert encounter["class"] == {"system": f"{HL7}/v3-ActCode", "code": "AMB", "display": "ambulatory"}
        assert encounter["period"] == {"start": "2026-11-18T08:05:00Z", "end": "2026-11-18T08:45:00Z"}
        assert encounter["reasonCode"] == [{"text": "Seizures."}]
        assert encounter["participant"][0]["individual"]["identifier"]["value"] == "dr-ek"
        assert encounter["serviceProvider"]["identifier"]["value"] == "st-elsewhere"
        assert encounter["extension"] == [{"url": fhir.R5_PLANNED_START, "valueDateTime": "2026-11-18T08:00:00Z"}]

    def test_what_is_not_known_is_not_there(self) -> None:
        bare = {
            "scheduled_at": None,
            "started_at": None,
            "ended_at": None,
            "reason": "",
            "note": "",
            "status": "planned",
        }
        none: list[Any] = []
        bundle = judged(rendered(consultation=bare, diagnoses=none, phenotypes=none, addenda=none, genomic_links=none))
        assert not {"extension", "period", "reasonCode", "diagnosis", "_status"} & one_of(bundle, "Encounter").keys()
        assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["Patient", "Encounter"]

    def test_conditions_and_studies_are_relevant_to_it_unless_in_error(self) -> None:
        relevant = one_of(rendered(), "Encounter")["diagnosis"]
        condition, study = ({"reference": f"urn:uuid:{uuid.UUID(int=number)}"} for number in (3, 6))
        assert relevant == [{"condition": condition}, {"condition": study, "use": {"text": "reviewed"}}]
        wrong = {"clinical_status": None, "abated": None, "verification_status": "entered-in-error"}
        bundle = judged(
            rendered(diagnoses=wrong, genomic_links={"status": "entered-in-error", "status_reason": "His."})
        )
        assert "diagnosis" not in one_of(bundle, "Encounter")
        assert (len(all_of(bundle, "Condition")), len(all_of(bundle, "Procedure"))) == (1, 1)

    def test_every_kind_and_every_status_has_a_word(self) -> None:
        assert set(fhir.CLASSES) == set(choices.ConsultationKind.values)
        assert set(fhir.ENCOUNTER_STATUS) == set(choices.ConsultationStatus.values)


class TestCondition:
    def test_what_it_is(self) -> None:
        condition = one_of(rendered(), "Condition")
        chosen = {"system": "http://snomed.info/sct", "code": "84757009", "display": "Epilepsy (disorder)"}
        assert condition["code"] == {"coding": [chosen], "text": "Epilepsy"}
        assert condition["severity"]["coding"][0] == {
            "system": "http://snomed.info/sct",
            "code": "24484000",
            "display": "Severe",
        }
        assert (code_of(condition["clinicalStatus"]), code_of(condition["verificationStatus"])) == (
            "resolved",
            "confirmed",
        )
        assert condition["encounter"] == {"reference": f"urn:uuid:{uuid.UUID(int=1)}"}
        assert condition["recordedDate"] == "2026-11-18T08:30:00Z"
        assert condition["recorder"]["identifier"]["value"] == "d:ek"

    @pytest.mark.parametrize(
        ("system", "code", "uri", "bare"),
        [
            ("SNOMED CT", "84757009", "http://snomed.info/sct", "84757009"),
            ("ICD-10", "G40.9", "http://hl7.org/fhir/sid/icd-10", "G40.9"),
            ("ICD-10-CM", "G40.909", "http://hl7.org/fhir/sid/icd-10-cm", "G40.909"),
            ("MONDO", "MONDO:0016054", "http://purl.obolibrary.org/obo/mondo.owl", "MONDO:0016054"),
            ("OMIM", "OMIM:219700", "http://www.omim.org", "219700"),
            ("ORPHA", "ORPHA:58", "http://www.orpha.net", "58"),
        ],
    )
    def test_each_terminology_has_its_uri(self, system: str, code: str, uri: str, bare: str) -> None:
        bundle = judged(rendered(diagnoses={"codings": [{"system": system, "code": code}], "display": ""}))
        assert one_of(bundle, "Condition")["code"] == {"coding": [{"system": uri, "code": bare}]}

    @pytest.mark.parametrize("severity", choices.Severity.values)
    def test_every_severity_has_a_code(self, severity: str) -> None:
        judged(rendered(diagnoses={"severity": severity}))

    @pytest.mark.parametrize("word", choices.VerificationStatus.values)
    def test_every_verification_status_is_r4s(self, word: str) -> None:
        wrong = {"clinical_status": None, "abated": None} if word == "entered-in-error" else {}
        bundle = judged(rendered(diagnoses={"verification_status": word, **wrong}))
        assert code_of(one_of(bundle, "Condition")["verificationStatus"]) == word


def age(value: int, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


MOMENTS: list[tuple[str, str, Any]] = [
    ("1987", "DateTime", "1987"),
    ("1987-02", "DateTime", "1987-02"),
    ("1987-02-20", "DateTime", "1987-02-20"),
    ("P4Y", "Age", age(4, "a")),
    ("P15M", "Age", age(15, "mo")),
    ("P1Y3M", "Age", age(15, "mo")),
    ("P1Y0M", "Age", age(12, "mo")),
    ("P3W", "Age", age(3, "wk")),
    ("P10D", "Age", age(10, "d")),
    ("P0Y0M10D", "Age", age(10, "d")),
    # Months are not of one length, and R4's Age is more than zero.
    ("P1M3D", "String", "P1M3D"),
    ("P1Y2D", "String", "P1Y2D"),
    ("P0D", "String", "P0D"),
    ("P0Y", "String", "P0Y"),
    ("HP:0003577", "String", "Congenital (HP:0003577)"),
]


class TestMoments:
    @pytest.mark.parametrize(("moment", "kind", "value"), MOMENTS)
    @pytest.mark.parametrize(("member", "element"), [("onset", "onset"), ("abated", "abatement")])
    def test_of_a_condition(self, member: str, element: str, moment: str, kind: str, value: Any) -> None:
        assert rules.is_onset(moment)
        condition = one_of(judged(rendered(diagnoses={"onset": None, "abated": None, member: moment})), "Condition")
        assert {name: found for name, found in condition.items() if name.startswith(("onset", "abatement"))} == {
            f"{element}{kind}": value
        }

    @pytest.mark.parametrize(("moment", "kind", "value"), MOMENTS)
    def test_of_a_phenotype(self, moment: str, kind: str, value: Any) -> None:
        (part,) = one_of(judged(rendered(phenotypes={"onset": moment})), "Observation")["component"]
        assert part.pop("code")["coding"][0]["code"] == "HP:0003674"
        if moment.startswith("HP:"):
            assert code_of(part["valueCodeableConcept"]) == moment
        else:
            assert part == {{"Age": "valueQuantity"}.get(kind, f"value{kind}"): value}

    @pytest.mark.parametrize("term", rules.ONSET_TERMS)
    def test_every_term_of_onset_is_kept(self, term: str) -> None:
        bundle = judged(rendered(diagnoses={"onset": term}, phenotypes={"onset": term}))
        assert term in one_of(bundle, "Condition")["onsetString"]
        assert code_of(one_of(bundle, "Observation")["component"][0]["valueCodeableConcept"]) == term


class TestObservation:
    @pytest.mark.parametrize(("excluded", "code"), [(False, "52101004"), (True, "2667000")])
    def test_a_phenotype_is_present_or_absent(self, excluded: bool, code: str) -> None:
        found = one_of(judged(rendered(phenotypes={"excluded": excluded, "onset": None})), "Observation")
        assert found["code"]["coding"] == [{"system": "http://human-phenotype-ontology.org", "code": "HP:0001250"}]
        assert code_of(found["valueCodeableConcept"]) == code
        assert (found["status"], found["performer"][0]["identifier"]["value"]) == ("final", "d:ek")
        assert "component" not in found

    def test_one_in_error_says_so_and_why(self) -> None:
        found = one_of(
            judged(rendered(phenotypes={"status": "entered-in-error", "status_reason": "His."})), "Observation"
        )
        assert found["status"] == "entered-in-error"
        assert found["extension"] == [{"url": fhir.STATUS_REASON, "valueCodeableConcept": {"text": "His."}}]


class TestDocuments:
    def test_an_addendum_appends_to_the_note(self) -> None:
        note, addendum = all_of(rendered(), "DocumentReference")
        assert (text_of(note), text_of(addendum)) == ("Seen.\nTwice.", "Later.")
        assert (note["docStatus"], addendum["docStatus"]) == ("final", "final")
        assert addendum["relatesTo"] == [{"code": "appends", "target": {"reference": f"urn:uuid:{note['id']}"}}]
        assert note["id"] != FACTS["consultation"]["id"]
        assert [one["id"] for one in all_of(rendered(), "DocumentReference")] == [note["id"], addendum["id"]]

    def test_without_a_note_it_stands_alone(self) -> None:
        addendum = one_of(judged(rendered(consultation={"note": ""})), "DocumentReference")
        assert "relatesTo" not in addendum

    def test_the_note_of_an_open_consultation_is_preliminary(self) -> None:
        bundle = judged(rendered(consultation={"status": "in-progress", "ended_at": None}, addenda=[]))
        assert one_of(bundle, "DocumentReference")["docStatus"] == "preliminary"

    def test_one_in_error_says_so(self) -> None:
        bundle = judged(rendered(addenda={"status": "entered-in-error", "status_reason": "Not hers."}))
        states = [(one["status"], one["docStatus"]) for one in all_of(bundle, "DocumentReference")]
        assert states == [("current", "final"), ("entered-in-error", "entered-in-error")]


class TestStudy:
    @pytest.mark.parametrize(
        ("analysis", "status"),
        [
            ("registered", "in-progress"),
            ("ready", "completed"),
            ("reported", "completed"),
            ("cancelled", "not-done"),
            ("entered-in-error", "entered-in-error"),
            ("archived", "unknown"),
        ],
    )
    def test_its_status_is_that_of_the_snapshot(self, analysis: str, status: str) -> None:
        bundle = judged(rendered(genomic_links={"snapshot": {**SNAPSHOT, "status": analysis}}))
        assert one_of(bundle, "Procedure")["status"] == status

    def test_it_names_the_analysis_and_what_it_was_when_checked(self) -> None:
        study = one_of(rendered(), "Procedure")
        assert study["identifier"][0]["value"] == f"urn:uuid:{uuid.UUID(int=7)}"
        assert study["code"] == {"text": "Genomic study panel R59.1"}
        assert study["note"] == [{"time": "2026-11-18T08:30:00Z", "text": "GRCh38, sarek 3.5.1; then ready"}]

    @pytest.mark.parametrize("relation", choices.Relation.values)
    def test_only_one_that_was_ordered_was_made_in_the_encounter(self, relation: str) -> None:
        assert ("encounter" in one_of(judged(rendered(genomic_links={"relation": relation})), "Procedure")) == (
            relation == "ordered"
        )

    @pytest.mark.parametrize("verification", ["rejected", "gone"])
    def test_one_that_was_refused_is_left_out(self, verification: str) -> None:
        bundle = judged(rendered(genomic_links={"verification": verification, "snapshot": None}))
        assert all_of(bundle, "Procedure") == []
        assert len(one_of(bundle, "Encounter")["diagnosis"]) == 1

    def test_one_in_error_says_so_and_why(self) -> None:
        wrong = {"status": "entered-in-error", "status_reason": "Not hers."}
        study = one_of(judged(rendered(genomic_links=wrong)), "Procedure")
        assert (study["status"], study["statusReason"]) == ("entered-in-error", {"text": "Not hers."})


def change(kind: str, path: str, value: Any) -> Callable[[Json], None]:
    """Sets a member of the first resource of the kind."""

    def apply(bundle: Json) -> None:
        at: Any = all_of(bundle, kind)[0]
        *way, last = path.split("/")
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[last] = value

    return apply


WRONG_CODE = [{"coding": [{"system": f"{HL7}/condition-ver-status", "code": "entered-in-error"}]}]
MUTATIONS: list[tuple[str, Callable[[Json], None]]] = [
    ("binding", change("Encounter", "status", "completed")),
    ("binding", change("Encounter", "_status/extension/0/valueCode", "finished")),
    ("binding", change("Patient", "gender", "F")),
    ("binding", change("Patient", "link/0/type", "merged")),
    ("binding", change("Observation", "status", "recorded")),
    ("binding", change("Procedure", "status", "ready")),
    ("binding", change("DocumentReference", "status", "recorded")),
    ("binding", change("DocumentReference", "docStatus", "draft")),
    ("binding", change("Condition", "clinicalStatus/coding/0/system", "http://snomed.info/sct")),
    ("binding", change("Condition", "verificationStatus/coding/0/code", "sure")),
    ("form", change("Patient", "birthDate", "2019-4")),
    ("form", change("Encounter", "period/start", "2026-11-18T08:05:00")),
    ("check-digit", change("Condition", "severity/coding/0/code", "24484001")),
    ("check-digit", change("DocumentReference", "type/coding/0/code", "11488-5")),
    ("ele-1", change("Condition", "code/text", "")),
    ("ext-1", change("Encounter", "extension/0/extension", [{"url": "urn:x", "valueString": "y"}])),
    ("resolves", change("Condition", "encounter/reference", f"urn:uuid:{uuid.UUID(int=3)}9")),
    ("target", change("Condition", "encounter/reference", f"urn:uuid:{uuid.UUID(int=2)}")),
    ("target", change("Encounter", "serviceProvider/type", "Practitioner")),
    ("target", change("DocumentReference", "context/encounter/0/reference", f"urn:uuid:{uuid.UUID(int=2)}")),
    ("target", change("Procedure", "subject/reference", f"urn:uuid:{uuid.UUID(int=1)}")),
    ("per-1", change("Encounter", "period/end", "2026-11-18T08:04:00Z")),
    ("age-1", change("Condition", "onsetAge/value", 0)),
    ("age-1", change("Condition", "onsetAge/code", "Y")),
    ("con-4", change("Condition", "clinicalStatus/coding/0/code", "active")),
    ("con-5", change("Condition", "verificationStatus", WRONG_CODE[0])),
    ("obs-7", change("Observation", "component/0/code/coding/0/code", "HP:0001250")),
    ("full-url", change("Patient", "id", "other")),
    ("att-1", change("DocumentReference", "content/0/attachment", {"data": "AAAA"})),
    ("base64", change("DocumentReference", "content/0/attachment/data", "Seen.")),
    ("context", change("Encounter", "extension/0/url", fhir.REASON_CANCELLED)),
]  # fmt: skip


class TestTheRules:
    @staticmethod
    def bundle() -> Json:
        survivor = {"merged_into": str(uuid.UUID(int=9)), "status": "merged", "active": False}
        # Copied: codings that never change are constants of the module.
        return deepcopy(judged(rendered(patient=survivor, consultation={"status": "discontinued"})))

    @pytest.mark.parametrize(("key", "apply"), MUTATIONS)
    def test_they_bite_on_what_we_say(self, key: str, apply: Callable[[Json], None]) -> None:
        bundle = self.bundle()
        apply(bundle)
        assert key in {fault.key for fault in fhir_rules.faults(bundle)}

    def test_each_of_our_own_has_a_mutation(self) -> None:
        assert fhir_rules.RULES.keys() <= {key for key, _ in MUTATIONS}
