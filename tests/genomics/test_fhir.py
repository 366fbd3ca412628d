"""A report as FHIR R4: judged by fhir.resources, by the rules of tests/fhir_r4.py, and field by field."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from genomics import choices, fhir
from tests import fhir_r4
from tests.api import Api

from . import factories, files

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) / "fhir" if os.environ.get("CAREWAY_CORPUS") else None

Json = dict[str, Any]

VARIANT: Json = {
    "id": "5f2a6c1e-8d3b-8f4a-9b7c-2d1e0f9a8b7c", "chrom": "3", "pos": 179218303, "end_pos": 179218303, "ref": "G", "alt": "A",
    "kind": "snv", "genotype": "0/1", "zygosity": "heterozygous", "depth": 96, "depth_alt": 45, "rs_ids": ["rs104886003"],
    "gene_symbol": "PIK3CA", "hgvs_c": "NM_006218.4:c.1633G>A", "hgvs_p": "NP_006209.2:p.(Glu545Lys)",
}  # fmt: skip
FINDING: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d13", "variant": VARIANT, "classification": "likely-pathogenic",
    "criteria": ["PS2", "PM2_Supporting"], "condition": "MONDO:0016054", "inheritance": "HP:0000006",
    "comment": "Seen before.", "created_by": "development:dr-okafor", "confirmed_by": "development:dr-haddad",
}  # fmt: skip
REPORT: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d14", "revision": 2, "outcome": "positive", "conclusion": "It explains it.",
    "replaces": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d15", "created_by": "development:dr-okafor", "number": "R26-000001",
    "status": "amended", "signed_by": "development:dr-lindqvist", "signed_at": "2026-11-20T09:00:00Z",
}  # fmt: skip
SAMPLE: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d11", "accession": "S-2026-0001", "patient_id": factories.PATIENT, "kind": "blood",
    "origin": "germline", "collected_at": "2026-11-18T08:30:00Z", "received_at": "2026-11-18T10:05:00Z",
    "parent": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d16", "status": "available",
}  # fmt: skip
ANALYSIS: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d12", "order_id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d17", "assay": "wes",
    "panel_code": None, "genome_build": "GRCh38", "pipeline_name": "sarek", "pipeline_version": "3.5.1", "file_sha256": "00",
}  # fmt: skip
CONTENT: Json = {"report": REPORT, "sample": SAMPLE, "analysis": ANALYSIS, "findings": [FINDING]}
EMPTY = {"rs_ids": None, "gene_symbol": None, "hgvs_c": None, "hgvs_p": None, "depth": None, "depth_alt": None}


def rendered(status: str = "amended", **changes: Json) -> Json:
    """The bundle of CONTENT, with members changed in its parts (`finding` and `variant` too)."""
    content = deepcopy(CONTENT)
    content["findings"][0] |= changes.pop("finding", {})
    content["findings"][0]["variant"] |= changes.pop("variant", {})
    for part, values in changes.items():
        content[part] |= values
    return fhir.report_bundle(
        content, status=status, organization="st-elsewhere", changed_at="2026-11-20T09:00:00.000001Z"
    )


def judged(bundle: Json) -> Json:
    """The bundle, which both judges pass."""
    Bundle.model_validate(bundle)
    assert fhir_r4.faults(bundle) == []
    return bundle


def resource(bundle: Json, kind: str) -> Json:
    return next(fhir_r4.resources(bundle, kind))


def components(bundle: Json) -> dict[str, Any]:
    """The values of the first observation's components, by code; of a concept its first code, or its text."""
    found = {}
    for part in resource(bundle, "Observation")["component"]:
        value = fhir_r4.choice(part, "value")
        concept = isinstance(value, dict) and ("coding" in value or "text" in value)
        coding = value["coding"][0] if concept and "coding" in value else {}
        found[part["code"]["coding"][0]["code"]] = coding.get("code") or value["text"] if concept else value
    return found


class TestReport:
    @pytest.fixture
    def report(self) -> Json:
        return resource(judged(rendered()), "DiagnosticReport")

    def test_it_is_a_report_on_genetics(self, report: Json) -> None:
        assert report["code"]["coding"][0]["code"] == "51969-4"
        assert report["category"][0]["coding"][0]["code"] == "GE"

    def test_its_number_stays_and_its_version_counts_revisions(self, report: Json) -> None:
        assert report["identifier"] == [{"value": "R26-000001", "assigner": {"display": "st-elsewhere"}}]
        assert report["meta"]["versionId"] == "2"

    def test_the_patient_is_an_opaque_identifier(self, report: Json) -> None:
        named = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{factories.PATIENT}"}
        assert report["subject"] == {"type": "Patient", "identifier": named}
        assert list(fhir_r4.resources(rendered(), "Patient")) == []

    def test_it_says_who_signed_what_when(self, report: Json) -> None:
        assert report["resultsInterpreter"][0]["identifier"]["value"] == "development:dr-lindqvist"
        assert (report["issued"], report["conclusion"]) == ("2026-11-20T09:00:00Z", "It explains it.")
        assert report["effectiveDateTime"] == "2026-11-18T08:30:00Z"
        assert report["performer"][0]["identifier"]["value"] == "st-elsewhere"

    def test_it_names_the_order(self, report: Json) -> None:
        order = ANALYSIS["order_id"]
        assert report["basedOn"][0]["identifier"]["value"] == f"urn:uuid:{order}"

    @pytest.mark.parametrize(
        ("outcome", "code"), [("positive", "LA6576-8"), ("negative", "LA6577-6"), ("inconclusive", "LA9663-1")]
    )
    def test_its_outcome_is_a_code(self, outcome: str, code: str) -> None:
        found = resource(rendered(report={"outcome": outcome}), "DiagnosticReport")
        assert found["conclusionCode"][0]["coding"][0]["code"] == code

    def test_what_is_not_known_is_not_there(self) -> None:
        unsigned = {"number": None, "signed_by": None, "signed_at": None}
        bare = {"collected_at": None, "received_at": None, "parent": None, "status": "expected", "kind": "other"}
        analysis = {"order_id": None, "assay": "array"}
        finding: Json = {
            "criteria": [],
            "condition": None,
            "inheritance": None,
            "comment": "",
            "classification": "benign",
        }
        variant = {**EMPTY, "zygosity": "unknown", "kind": "breakend", "chrom": "MT", "alt": "G]chr3:9]"}
        bundle = rendered(
            "preliminary", report=unsigned, sample=bare, analysis=analysis, finding=finding, variant=variant
        )
        report = resource(judged(bundle), "DiagnosticReport")
        assert not {"identifier", "issued", "resultsInterpreter", "basedOn", "effectiveDateTime"} & report.keys()
        specimen = resource(bundle, "Specimen")
        assert not {"collection", "receivedTime", "parent", "status"} & specimen.keys()
        assert specimen["type"] == {"text": "other"}
        assert not {"note", "method"} & resource(bundle, "Observation").keys()
        shown = components(bundle).keys()
        assert shown == {"62374-4", "92822-6", "81254-5", "69547-8", "69551-0", "48002-0", "53037-8"}


class TestSpecimen:
    def test_it_is_the_sample(self) -> None:
        specimen = resource(rendered(), "Specimen")
        assert specimen["accessionIdentifier"]["value"] == "S-2026-0001"
        assert specimen["collection"] == {"collectedDateTime": "2026-11-18T08:30:00Z"}
        assert specimen["receivedTime"] == "2026-11-18T10:05:00Z"
        assert specimen["parent"][0]["identifier"]["value"].endswith("2d16")

    @pytest.mark.parametrize(
        ("status", "shown"),
        [
            ("expected", None),
            ("available", "available"),
            ("exhausted", "unavailable"),
            ("rejected", "unsatisfactory"),
            ("entered-in-error", "entered-in-error"),
        ],
    )
    def test_its_status(self, status: str, shown: str | None) -> None:
        assert resource(judged(rendered(sample={"status": status})), "Specimen").get("status") == shown


class TestObservation:
    def test_it_is_a_variant_that_is_present(self) -> None:
        found = resource(rendered(), "Observation")
        assert found["id"] == FINDING["id"]
        assert found["code"]["coding"][0]["code"] == "69548-6"
        assert found["valueCodeableConcept"]["coding"][0]["code"] == "LA9633-4"
        assert found["performer"][0]["identifier"]["value"] == "development:dr-haddad"
        assert found["note"] == [{"text": "Seen before."}]

    def test_its_components(self) -> None:
        assert components(rendered()) == {
            "62374-4": "LA26806-2",
            "48000-4": "LA21256-5",
            "92822-6": "LA30102-0",
            "81254-5": {"low": {"value": 179218303}, "high": {"value": 179218303}},
            "69547-8": "G",
            "69551-0": "A",
            "48019-4": "SO:0001483",
            "81252-9": "rs104886003",
            "48018-6": "PIK3CA",
            "48004-6": "NM_006218.4:c.1633G>A",
            "48005-3": "NP_006209.2:p.(Glu545Lys)",
            "48002-0": "LA6683-2",
            "53034-5": "LA6706-1",
            "82121-5": {
                "value": 45,
                "unit": "reads per base pair",
                "system": "http://unitsofmeasure.org",
                "code": "{reads}/{base}",
            },
            "53037-8": "LA26332-9",
            "81259-4": "MONDO:0016054",
            "condition-inheritance": "HP:0000006",
        }

    def test_the_criteria_stand_with_the_classification(self) -> None:
        (part,) = (
            one
            for one in resource(rendered(), "Observation")["component"]
            if one["code"]["coding"][0]["code"] == "53037-8"
        )
        assert part["valueCodeableConcept"]["text"] == "Likely pathogenic (ACMG/AMP 2015: PS2, PM2_Supporting)"

    @pytest.mark.parametrize(
        ("table", "words", "without"),
        [
            (fhir.OUTCOMES, choices.Outcome, set()),
            (fhir.CLASSIFICATIONS, choices.Classification, set()),
            (fhir.ORIGINS, choices.SampleOrigin, set()),
            (fhir.BUILDS, choices.GenomeBuild, set()),
            (fhir.ZYGOSITIES, choices.Zygosity, {"unknown"}),
            (fhir.KINDS, choices.VariantKind, {"breakend"}),
            (fhir.SPECIMEN_TYPES, choices.SampleKind, {"other"}),
            (fhir.SPECIMEN_STATUS, choices.SampleStatus, {"expected"}),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_every_word_of_ours_has_a_code(self, table: dict[str, Any], words: Any, without: set[str]) -> None:
        assert table.keys() | without == set(words.values)
        assert len(set(table.values())) == len(table)

    def test_every_chromosome_but_the_mitochondrial_has_a_code(self) -> None:
        assert fhir.CHROMOSOME_CODES.keys() == set(choices.CHROMOSOMES) - {"MT"}
        for chrom in choices.CHROMOSOMES:
            judged(rendered(variant={"chrom": chrom}))


def change(kind: str, path: str, value: Any) -> Callable[[Json], None]:
    """Sets a member of the first resource of the kind."""

    def apply(bundle: Json) -> None:
        at: Any = resource(bundle, kind)
        *way, last = path.split("/")
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[last] = value

    return apply


@pytest.mark.parametrize(
    ("key", "apply"),
    [
        ("binding", change("DiagnosticReport", "status", "superseded")),
        ("binding", change("Specimen", "status", "exhausted")),
        ("binding", change("Observation", "status", "confirmed")),
        ("form", change("DiagnosticReport", "issued", "2026-11-20T09:00:00")),
        ("check-digit", change("DiagnosticReport", "code/coding/0/code", "51969-5")),
        ("check-digit", change("Specimen", "type/coding/0/code", "119297001")),
        ("ele-1", change("Observation", "note", None)),
        ("resolves", change("Specimen", "id", "other")),
        ("target", change("DiagnosticReport", "subject/type", "Practitioner")),
        ("full-url", change("Specimen", "id", "other")),
        ("obs-6", change("Observation", "dataAbsentReason", {"text": "lost"})),
        ("obs-7", change("Observation", "component/0/code/coding/0/code", "69548-6")),
        ("rng-2", change("Observation", "component/3/valueRange/low/value", 10**9)),
    ],
)
def test_the_rules_bite_on_what_we_say(key: str, apply: Callable[[Json], None]) -> None:
    bundle = rendered()
    apply(bundle)
    if key == "resolves":
        del bundle["entry"][1]
    assert key in fhir_r4.keys(bundle)


def signed(api: Api, **values: Any) -> Json:
    return factories.signed_report(api, **values)


def amended(api: Api, old: Json, to: str = "amended") -> Json:
    draft = factories.report(api, old["analysis"], old["findings"], replaces=old["id"])
    answer = api.as_(subject="dr-lindqvist").move(f"reports/{draft['id']}", to)
    assert answer.status == 200, answer.content
    return dict(answer.json)


def shown(api: Api, report: Json) -> Json:
    answer = api.get(f"reports/{report['id']}/fhir")
    assert answer.status == 200, answer.content
    return judged(answer.json)


def draft(api: Api, to: str = "") -> Json:
    analysis = factories.ready_analysis(api)["id"]
    made = factories.report(api, analysis, [factories.confirmed_finding(api, analysis)["id"]])
    return dict(api.move(f"reports/{made['id']}", to, "because").json) if to else made


def in_error(api: Api, report: Json) -> Json:
    return dict(api.move(f"reports/{report['id']}", "entered-in-error", "wrong patient").json)


def superseded(api: Api, first: str = "final") -> Json:
    """A report that another one has replaced; `first` is the status it was signed with."""
    old = signed(api)
    if first != "final":
        old = amended(api, old, first)
    amended(api, old)
    return dict(api.get(f"reports/{old['id']}").json)


STATES: list[tuple[str, Callable[[Api], Json], str, str]] = [
    ("preliminary", draft, "preliminary", "final"),
    ("cancelled", lambda api: draft(api, "cancelled"), "cancelled", "final"),
    ("entered-in-error", lambda api: in_error(api, draft(api)), "entered-in-error", "entered-in-error"),
    ("final", signed, "final", "final"),
    ("amended", lambda api: amended(api, signed(api)), "amended", "final"),
    ("corrected", lambda api: amended(api, signed(api), "corrected"), "corrected", "final"),
    ("superseded", superseded, "final", "final"),
    ("superseded", lambda api: superseded(api, "corrected"), "corrected", "final"),
    ("entered-in-error", lambda api: in_error(api, signed(api)), "entered-in-error", "entered-in-error"),
]


class TestView:
    @pytest.mark.parametrize(("status", "make", "report", "results"), STATES)
    def test_each_state(self, api: Api, status: str, make: Callable[[Api], Json], report: str, results: str) -> None:
        made = make(api)
        assert made["status"] == status
        bundle = shown(api, made)
        assert resource(bundle, "DiagnosticReport")["status"] == report
        assert {one["status"] for one in fhir_r4.resources(bundle, "Observation")} == {results}

    def test_the_states_are_all_there_are(self) -> None:
        assert {status for status, *_ in STATES} == set(choices.ReportStatus.values)

    def test_revisions_share_the_number(self, api: Api) -> None:
        first = signed(api)
        second = amended(api, first)
        third = factories.report(api, first["analysis"], first["findings"], replaces=second["id"])
        found = [resource(shown(api, one), "DiagnosticReport") for one in (first, second, third)]
        assert [one["meta"]["versionId"] for one in found] == ["1", "2", "3"]
        assert {one["identifier"][0]["value"] for one in found} == {first["number"]}

    def test_whatever_a_file_holds(self, api: Api) -> None:
        analysis = factories.ready_analysis(api, files.RICH)["id"]
        variants = api.get(f"analyses/{analysis}/variants").json["results"]
        benign = {"classification": "benign", "criteria": ["BA1"], "condition": None}
        findings = [factories.confirmed_finding(api, analysis, variant=row["id"], **benign)["id"] for row in variants]
        made = factories.report(api, analysis, findings, outcome="negative")
        found = [one["id"] for one in fhir_r4.resources(shown(api, made), "Observation")]
        assert found == sorted(findings)

    def test_its_media_type(self, api: Api) -> None:
        path = f"reports/{draft(api)['id']}/fhir"
        types = {
            accept: api.get(path, Accept=accept).header("Content-Type")
            for accept in ("application/fhir+json", "application/json", "*/*")
        }
        assert types == {
            "application/fhir+json": "application/fhir+json",
            "application/json": "application/json",
            "*/*": "application/fhir+json",
        }
        assert api.get(path, Accept="application/fhir+xml").status == 406

    def test_an_unchanged_one_is_not_sent_again(self, api: Api) -> None:
        made = draft(api)
        path = f"reports/{made['id']}/fhir"
        first = api.get(path)
        again = api.get(path, If_None_Match=first.etag)
        assert (again.status, again.content, again.etag) == (304, b"", first.etag)
        api.patch(f"reports/{made['id']}", {"conclusion": "Otherwise."}, If_Match='"1"')
        changed = api.get(path, If_None_Match=first.etag)
        assert (changed.status, changed.etag != first.etag) == (200, True)

    def test_head_is_get_without_the_body(self, api: Api) -> None:
        path = f"reports/{draft(api)['id']}/fhir"
        head = api.call("HEAD", path)
        assert (head.status, head.content, head.etag) == (200, b"", api.get(path).etag)

    def test_it_is_read_alone(self, api: Api) -> None:
        path = f"reports/{draft(api)['id']}/fhir"
        assert api.post(path, {}).status == 405
        assert api.get(f"{path}?_format=json").json["errors"][0]["code"] == "unknown-parameter"
        assert api.as_(scopes=("genomics:write",)).get(path).json["scope"] == "genomics:read"

    def test_another_organization_sees_none_of_it(self, api: Api) -> None:
        other = api.as_(organization="mercy", subject="dr-stranger")
        mine, theirs = draft(api), draft(other)
        for made, reader in ((signed(api), other), (mine, other), (theirs, api)):
            refused = reader.get(f"reports/{made['id']}/fhir")
            assert (refused.status, refused.json["code"]) == (404, "not-found")
        foreign = api.get(f"reports/{mine['id']}/fhir").content.decode()
        for secret in (theirs["id"], *theirs["findings"], theirs["analysis"], "mercy", "dr-stranger"):
            assert secret not in foreign


# What the public examples say and a sample or a report of ours cannot, with the reason.
UNHELD = {
    "Specimen.meta": "no profile is claimed",
    "Specimen.subject": "an opaque UUID, not a Patient with a URL",
    "Specimen.type.coding": "whole blood is blood; v2-0487 is not used",
    "Specimen.accessionIdentifier.system": "the organization is named as assigner, by no URI",
    "Specimen.container": "tubes are not kept",
    "DiagnosticReport.category": "reports are of genetics (GE), not of the laboratory at large (LAB)",
    "DiagnosticReport.code": "reports are genetic analysis reports, not blood counts",
    "DiagnosticReport.effectiveDateTime": "the sample's collection, to the second",
    "DiagnosticReport.encounter": "known to the clinical service alone",
    "DiagnosticReport.issued": "the server's time of signing",
    "DiagnosticReport.meta": "the server's own",
    "DiagnosticReport.performer": "the caller's organization, as a logical reference",
    "DiagnosticReport.result": "findings, not blood counts",
    "DiagnosticReport.resultsInterpreter": "who signed, as a logical reference",
    "DiagnosticReport.subject": "an opaque UUID, not a Patient with a URL",
    "DiagnosticReport.text": "no narrative is made",
}  # fmt: skip


def leaves(value: Any, path: str) -> dict[str, Any]:
    """The example's members that are compared: those of no unheld one."""
    if path in UNHELD or path.endswith((".id", ".resourceType")):
        return {}
    if not isinstance(value, dict):
        return {path: value}
    return {name: leaf for key, member in value.items() for name, leaf in leaves(member, f"{path}.{key}").items()}


@pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public FHIR resources")
class TestTheCorpus:
    def test_what_a_sample_and_a_report_can_hold_comes_back(self, api: Api) -> None:
        assert CORPUS
        specimen = json.loads((CORPUS / "US-Core__specimen-example-whole-blood.json").read_text())
        report = json.loads((CORPUS / "US-Core__diagnosticreport-cbc.json").read_text())
        collected = specimen["collection"]["collectedDateTime"]
        kind = {"258580003": "blood"}[specimen["type"]["coding"][0]["code"]]
        accession = specimen["accessionIdentifier"]["value"]
        sample = factories.available_sample(
            api, accession=accession, kind=kind, collected_at=collected, received_at="2022-09-28T07:00:00Z"
        )
        analysis = factories.ready_analysis(api, sample=sample["id"])["id"]
        bundle = shown(api, signed(api, analysis_id=analysis))
        for example in (specimen, report):
            name = example["resourceType"]
            ours = leaves(resource(bundle, name), name)
            expected = leaves(example, name)
            assert expected
            assert {path: ours.get(path) for path in expected} == expected
