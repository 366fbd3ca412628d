"""An analysis as a Phenopacket: judged by the schema's own protocol buffers, by its documentation, and by public packets."""

import json
import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from phenopackets import Phenopacket  # type: ignore[import-untyped]  # no stubs

from genomics import choices, phenopacket
from tests.api import Api

from . import factories, files

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) / "phenopackets" if os.environ.get("CAREWAY_CORPUS") else None
FILES = sorted(CORPUS.glob("*.json")) if CORPUS else []

Json = dict[str, Any]

# What the documentation of schema 2.0 marks REQUIRED, by the member that holds such an element.
REQUIRED = {
    "phenopacket": "id metaData",
    "subject": "id",
    "biosamples": "id",
    "interpretations": "id progressStatus",
    "diagnosis": "disease",
    "genomicInterpretations": "subjectOrBiosampleId interpretationStatus variantInterpretation",
    "variantInterpretation": "acmgPathogenicityClassification variationDescriptor",
    "variationDescriptor": "id moleculeContext",
    "geneContext": "valueId symbol",
    "expressions": "syntax value",
    "extensions": "name value",
    "vcfRecord": "genomeAssembly chrom pos ref alt",
    "metaData": "created createdBy resources phenopacketSchemaVersion",
    "resources": "id name namespacePrefix url version iriPrefix",
    "disease": "id label",
    "allelicState": "id label",
    "sampledTissue": "id label",
    "taxonomy": "id label",
}
TERMS = {"disease", "allelicState", "sampledTissue", "taxonomy"}
CURIE = re.compile(r"[A-Za-z][A-Za-z0-9.]*:\w+")

VARIANT: Json = {
    "id": "5f2a6c1e-8d3b-8f4a-9b7c-2d1e0f9a8b7c", "chrom": "3", "pos": 179218303, "end_pos": 179218303, "ref": "G", "alt": "A",
    "zygosity": "heterozygous", "rs_ids": ["rs1", "rs22"], "gene_symbol": "PIK3CA", "hgvs_c": "c.1633G>A", "hgvs_p": "p.Glu545Lys",
    "qual": 812.25, "filters": [], "info": {"DP": 96},
}  # fmt: skip
FINDING: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d13", "variant": VARIANT, "classification": "likely-pathogenic",
    "condition": "MONDO:0016054", "inheritance": "HP:0000006",
}  # fmt: skip
SAMPLE: Json = {
    "id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d11", "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline",
    "collected_at": "2026-11-18T08:30:00Z", "parent": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d16", "status": "available",
}  # fmt: skip
ANALYSIS: Json = {"id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d12", "status": "reported", "genome_build": "GRCh38"}
FACTS: Json = {
    "analysis": ANALYSIS,
    "sample": SAMPLE,
    "findings": [FINDING],
    "report": {"outcome": "positive", "findings": [FINDING["id"]]},
    "changed": {"at": "2026-11-20T09:00:00.000001Z", "by": "development:dr-lindqvist"},
}


def finding(number: int = 1, **values: Any) -> Json:
    variant = {**VARIANT, **values.pop("variant", {})}
    return {**FINDING, "id": FINDING["id"][:-1] + str(number), "variant": variant, **values}


def packet(*findings: Json, **changes: Any) -> Json:
    """The packet of FACTS with other findings; its report names them all unless told otherwise."""
    facts: Json = {**FACTS, "findings": list(findings), **changes}
    if "report" not in changes:
        facts["report"] = {"outcome": "positive", "findings": [found["id"] for found in findings]}
    return phenopacket.phenopacket(deepcopy(facts))


def elements(value: Any, name: str = "phenopacket") -> Iterator[tuple[str, Json]]:
    """Every object, with the member that holds it."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield name, item
            for member, inner in item.items():
                yield from elements(inner, member)


def faults(found: Json) -> set[str]:
    """What the documentation asks and the protocol buffers let pass."""
    wrong = {
        f"{name}.{member}"
        for name, element in elements(found)
        for member in REQUIRED.get(name, "").split()
        if not element.get(member)
    }
    prefixes = [row.get("namespacePrefix") for row in found.get("metaData", {}).get("resources", [])]
    used = [str(element.get("id")) for name, element in elements(found) if name in TERMS]
    wrong |= {"curie" for id_ in used if not CURIE.fullmatch(id_)}
    wrong |= {"resource" for id_ in used if id_.split(":")[0] not in prefixes}
    wrong |= {"unused-resource" for prefix in prefixes if prefix not in {id_.split(":")[0] for id_ in used}}
    described = [element.get("id") for name, element in elements(found) if name == "variationDescriptor"]
    people = {found.get("subject", {}).get("id"), *(row.get("id") for row in found.get("biosamples", []))}
    whose = {row.get("subjectOrBiosampleId") for name, row in elements(found) if name == "genomicInterpretations"}
    wrong |= {"descriptor-twice"} if len(set(described)) != len(described) else set()
    wrong |= {"whose"} if not whose <= people else set()
    wrong |= {"empty" for _, element in elements(found) for value in element.values() if value in (None, "", [], {})}
    return wrong


def moment(found: Json) -> Json:
    """The same with the time of its making as a time: protocol buffers write it with fewer zeros."""
    meta = {**found["metaData"], "created": datetime.fromisoformat(found["metaData"]["created"])}
    return {**found, "metaData": meta}


def judged(found: Json) -> Json:
    """The packet, which is one of the schema's (it refuses unknown members and words) and breaks no documented rule."""
    message = ParseDict(found, Phenopacket(), ignore_unknown_fields=False)
    assert moment(MessageToDict(message)) == moment(found)
    assert faults(found) == set()
    return found


def interpretation(found: Json) -> Json:
    (only,) = found["interpretations"]
    return dict(only)


def genomic(found: Json) -> Json:
    (only,) = interpretation(found)["diagnosis"]["genomicInterpretations"]
    return dict(only)


def descriptor(found: Json) -> Json:
    return dict(genomic(found)["variantInterpretation"]["variationDescriptor"])


class TestPacket:
    def test_it_is_of_the_analysis_and_its_patient(self) -> None:
        found = judged(packet(FINDING))
        assert (found["id"], found["subject"]["id"]) == (ANALYSIS["id"], factories.PATIENT)
        assert found["metaData"]["phenopacketSchemaVersion"] == "2.0"
        assert (found["metaData"]["created"], found["metaData"]["createdBy"]) == tuple(FACTS["changed"].values())

    def test_its_sample(self) -> None:
        (sample,) = packet(FINDING)["biosamples"]
        assert sample == {
            "id": SAMPLE["id"],
            "individualId": factories.PATIENT,
            "derivedFromId": SAMPLE["parent"],
            "sampledTissue": {"id": "UBERON:0000178", "label": "blood"},
            "timeOfCollection": {"timestamp": "2026-11-18T08:30:00Z"},
        }
        bare = {**SAMPLE, "collected_at": None, "parent": None, "kind": "dna"}
        assert judged(packet(sample=bare, report=None))["biosamples"][0].keys() == {"id", "individualId"}

    def test_each_ontology_is_described_once_and_no_other(self) -> None:
        found = packet(FINDING, finding(2, condition="OMIM:219700"), finding(4, condition="ORPHA:58"))
        prefixes = [row["namespacePrefix"] for row in judged(found)["metaData"]["resources"]]
        assert prefixes == ["GENO", "MONDO", "NCBITaxon", "OMIM", "ORPHA", "UBERON"]

    def test_the_variant(self) -> None:
        record = {
            "genomeAssembly": "GRCh38", "chrom": "3", "pos": "179218303", "id": "rs1;rs22", "ref": "G", "alt": "A", "qual": "812.25",
            "filter": "PASS",
        }  # fmt: skip
        assert descriptor(judged(packet(FINDING))) == {
            "id": FINDING["id"],
            "expressions": [{"syntax": "hgvs.c", "value": "c.1633G>A"}, {"syntax": "hgvs.p", "value": "p.Glu545Lys"}],
            "vcfRecord": record,
            "extensions": [{"name": "variant_id", "value": VARIANT["id"]}, {"name": "gene_symbol", "value": "PIK3CA"}],
            "moleculeContext": "genomic",
            "allelicState": {"id": "GENO:0000135", "label": "heterozygous"},
        }

    def test_what_is_not_known_is_not_there(self) -> None:
        unknown = {"rs_ids": None, "gene_symbol": None, "hgvs_c": None, "hgvs_p": None, "qual": None, "filters": None}
        found = descriptor(judged(packet(finding(variant={**unknown, "zygosity": "unknown"}))))
        assert found.keys() == {"id", "vcfRecord", "extensions", "moleculeContext"}
        assert found["vcfRecord"].keys() == {"genomeAssembly", "chrom", "pos", "ref", "alt"}

    def test_failed_filters_and_symbolic_alleles(self) -> None:
        symbolic = {"alt": "<DEL>", "end_pos": 179218399, "filters": ["q10", "s50"], "qual": 60.0}
        info = {"SVTYPE": "DEL", "SVLEN": -96, "DP": 4}
        record = descriptor(judged(packet(finding(variant={**symbolic, "info": info}))))["vcfRecord"]
        assert (record["filter"], record["qual"]) == ("q10;s50", "60")
        assert record["info"] == "END=179218399;SVTYPE=DEL;SVLEN=-96"

    @pytest.mark.parametrize(
        ("table", "words", "without"),
        [
            (phenopacket.CLASSIFICATIONS, choices.Classification, set()),
            (phenopacket.PROGRESS, choices.Outcome, set()),
            (phenopacket.ALLELIC_STATES, choices.Zygosity, {"unknown"}),
            (phenopacket.TISSUES, choices.SampleKind, {"tissue", "dna", "rna", "other"}),
            (phenopacket.STATUSES, choices.Classification, set(choices.PATHOGENIC_TIERS)),
        ],
    )
    def test_every_word_of_ours_has_one_of_theirs(self, table: Json, words: Any, without: set[str]) -> None:
        assert table.keys() | without == set(words.values)


class TestInterpretation:
    @pytest.mark.parametrize(
        ("outcome", "classification", "progress"),
        [
            ("positive", "pathogenic", "SOLVED"),
            ("positive", "uncertain-significance", "UNSOLVED"),
            ("negative", "benign", "UNSOLVED"),
            ("inconclusive", "uncertain-significance", "UNSOLVED"),
            ("inconclusive", "pathogenic", "UNSOLVED"),
        ],
    )
    def test_its_progress_is_what_the_report_says(self, outcome: str, classification: str, progress: str) -> None:
        report = {"outcome": outcome, "findings": [FINDING["id"]]}
        found = judged(packet({**FINDING, "classification": classification}, report=report))
        assert interpretation(found)["progressStatus"] == progress

    def test_it_is_in_progress_until_a_report_names_the_finding(self) -> None:
        for report in (None, {"outcome": "positive", "findings": ["another"]}):
            assert interpretation(judged(packet(FINDING, report=report)))["progressStatus"] == "IN_PROGRESS"

    def test_there_is_one_for_each_condition(self) -> None:
        one, two, three = finding(1), finding(2, condition="OMIM:219700", classification="benign"), finding(4)
        found = judged(packet(one, two, three))["interpretations"]
        held = {
            row["diagnosis"]["disease"]["id"]: (
                row["progressStatus"],
                [told["id"] for name, told in elements(row) if name == "variationDescriptor"],
            )
            for row in found
        }
        assert held == {"MONDO:0016054": ("SOLVED", [one["id"], three["id"]]), "OMIM:219700": ("UNSOLVED", [two["id"]])}
        assert len({row["id"] for row in found}) == 2

    def test_a_report_without_findings_is_an_interpretation_without_a_diagnosis(self) -> None:
        found = judged(packet(report={"outcome": "negative", "findings": []}))
        assert interpretation(found) == {"id": ANALYSIS["id"], "progressStatus": "UNSOLVED"}
        assert "interpretations" not in judged(packet(report=None))

    @pytest.mark.parametrize(("classification", "theirs"), phenopacket.CLASSIFICATIONS.items())
    def test_its_classification(self, classification: str, theirs: str) -> None:
        found = judged(packet(finding(classification=classification)))
        assert genomic(found)["variantInterpretation"]["acmgPathogenicityClassification"] == theirs

    @pytest.mark.parametrize(
        ("classification", "inheritance", "zygosity", "status"),
        [
            ("pathogenic", None, "heterozygous", "CAUSATIVE"),
            ("likely-pathogenic", "HP:0000006", "heterozygous", "CAUSATIVE"),
            ("pathogenic", "HP:0000007", "homozygous", "CAUSATIVE"),
            ("pathogenic", "HP:0000007", "heterozygous", "CONTRIBUTORY"),
            ("uncertain-significance", None, "heterozygous", "CANDIDATE"),
            ("likely-benign", None, "heterozygous", "REJECTED"),
            ("benign", None, "heterozygous", "REJECTED"),
        ],
    )
    def test_its_status(self, classification: str, inheritance: str | None, zygosity: str, status: str) -> None:
        one = finding(classification=classification, inheritance=inheritance, variant={"zygosity": zygosity})
        assert genomic(judged(packet(one)))["interpretationStatus"] == status

    def test_two_that_cause_it_each_contribute(self) -> None:
        parts = interpretation(judged(packet(finding(1), finding(2))))["diagnosis"]["genomicInterpretations"]
        assert [part["interpretationStatus"] for part in parts] == ["CONTRIBUTORY"] * 2

    @pytest.mark.parametrize("origin", choices.SampleOrigin.values)
    def test_only_a_germline_variant_is_the_patients_own(self, origin: str) -> None:
        found = genomic(judged(packet(FINDING, sample={**SAMPLE, "origin": origin})))
        assert found["subjectOrBiosampleId"] == (factories.PATIENT if origin == "germline" else SAMPLE["id"])

    @pytest.mark.parametrize("part", ["analysis", "sample"])
    def test_nothing_is_said_from_what_was_entered_in_error(self, part: str) -> None:
        found = judged(packet(FINDING, **{part: {**FACTS[part], "status": "entered-in-error"}}))
        assert "interpretations" not in found


def at(name: str, number: int = 0) -> Callable[[Json], Json]:
    return lambda found: [element for held, element in elements(found) if held == name][number]


MUTATIONS: list[tuple[str, Callable[[Json], Any]]] = [
    *(
        (f"{name}.{member}", lambda found, name=name, member=member: at(name)(found).pop(member))
        for name, members in REQUIRED.items()
        if name != "geneContext"
        for member in members.split()
    ),
    ("geneContext.valueId", lambda found: at("variationDescriptor")(found).update(geneContext={"symbol": "PIK3CA"})),
    ("geneContext.symbol", lambda found: at("variationDescriptor")(found).update(geneContext={"valueId": "HGNC:8975"})),
    ("curie", lambda found: at("disease")(found).update(id="Marfan syndrome")),
    ("resource", lambda found: at("disease")(found).update(id="DOID:14323")),
    ("unused-resource", lambda found: at("sampledTissue")(found).update(id="MONDO:0000001")),
    ("descriptor-twice", lambda found: at("variationDescriptor", 1)(found).update(id=FINDING["id"])),
    ("whose", lambda found: at("genomicInterpretations")(found).update(subjectOrBiosampleId="somebody")),
    ("empty", lambda found: found.update(files=[])),
]
REFUSED: list[tuple[str, Callable[[Json], Any]]] = [
    ("progressStatus", lambda found: at("interpretations")(found).update(progressStatus="POSITIVE")),
    ("interpretationStatus", lambda found: at("genomicInterpretations")(found).update(interpretationStatus="LIKELY")),
    ("acmg", lambda found: at("variantInterpretation")(found).update(acmgPathogenicityClassification="benign")),
    ("moleculeContext", lambda found: at("variationDescriptor")(found).update(moleculeContext="GENOMIC")),
    ("pos", lambda found: at("vcfRecord")(found).update(pos="first")),
    ("zygosity", lambda found: at("variationDescriptor")(found).update(zygosity="x")),
    ("created", lambda found: at("metaData")(found).update(created="yesterday")),
]


class TestTheJudges:
    @pytest.mark.parametrize(("key", "change"), MUTATIONS, ids=[key for key, _ in MUTATIONS])
    def test_the_documented_rules_bite(self, key: str, change: Callable[[Json], Any]) -> None:
        found = judged(packet(FINDING, finding(4)))
        change(found)
        assert key in faults(found)

    @pytest.mark.parametrize(("member", "change"), REFUSED, ids=[member for member, _ in REFUSED])
    def test_the_schema_knows_its_words(self, member: str, change: Callable[[Json], Any]) -> None:
        found = packet(FINDING)
        change(found)
        with pytest.raises(ParseError, match=member):
            judged(found)


def shown(api: Api, analysis: str) -> Json:
    answer = api.get(f"analyses/{analysis}/phenopacket")
    assert answer.status == 200, answer.content
    return judged(answer.json)


class TestView:
    def test_a_registered_analysis_has_a_sample_and_nothing_to_say(self, api: Api) -> None:
        made = factories.analysis(api)
        found = shown(api, made["id"])
        assert [row["id"] for row in found["biosamples"]] == [made["sample"]]
        assert found["subject"]["id"] == made["patient_id"] == factories.PATIENT
        assert "interpretations" not in found

    def test_only_confirmed_findings_count(self, api: Api) -> None:
        analysis = factories.ready_analysis(api)["id"]
        draft = factories.finding(api, analysis)
        assert "interpretations" not in shown(api, analysis)
        api.move(f"findings/{draft['id']}", "confirmed")
        assert interpretation(shown(api, analysis))["progressStatus"] == "IN_PROGRESS"
        newer = factories.finding(api, analysis, supersedes=draft["id"], classification="pathogenic")
        api.move(f"findings/{newer['id']}", "confirmed")
        assert descriptor(shown(api, analysis))["id"] == newer["id"]

    def test_a_signed_report_solves_it_until_it_is_in_error(self, api: Api) -> None:
        made = factories.signed_report(api)
        assert interpretation(shown(api, made["analysis"]))["progressStatus"] == "SOLVED"
        assert shown(api, made["analysis"])["metaData"]["createdBy"] == "development:dr-lindqvist"
        api.move(f"reports/{made['id']}", "entered-in-error", "wrong patient")
        assert interpretation(shown(api, made["analysis"]))["progressStatus"] == "IN_PROGRESS"

    def test_whatever_a_file_holds(self, api: Api) -> None:
        analysis = factories.ready_analysis(api, files.RICH)["id"]
        variants = api.get(f"analyses/{analysis}/variants").json["results"]
        for row in variants:
            factories.confirmed_finding(api, analysis, variant=row["id"])
        records = [element for name, element in elements(shown(api, analysis)) if name == "vcfRecord"]
        assert {(row["chrom"], row["pos"], row["ref"], row["alt"]) for row in records} == {
            (row["chrom"], str(row["pos"]), row["ref"], row["alt"]) for row in variants
        }
        assert [row["info"] for row in records if row["alt"] == "<DEL>"] == ["END=9000;SVTYPE=DEL;SVLEN=-8000"]

    def test_an_unchanged_one_is_not_sent_again(self, api: Api) -> None:
        analysis = factories.ready_analysis(api)["id"]
        path = f"analyses/{analysis}/phenopacket"
        first = api.get(path)
        again = api.get(path, If_None_Match=first.etag)
        assert (first.header("Content-Type"), again.status, again.content) == ("application/json", 304, b"")
        assert api.call("HEAD", path).etag == first.etag
        factories.confirmed_finding(api, analysis)
        changed = api.get(path, If_None_Match=first.etag)
        assert (changed.status, changed.etag != first.etag) == (200, True)

    def test_it_is_read_alone(self, api: Api) -> None:
        path = f"analyses/{factories.analysis(api)['id']}/phenopacket"
        assert api.post(path, {}).status == 405
        assert api.get(f"{path}?x=1").json["errors"][0]["code"] == "unknown-parameter"
        assert api.as_(scopes=("genomics:write",)).get(path).json["scope"] == "genomics:read"

    def test_another_organization_sees_none_of_it(self, api: Api) -> None:
        other = api.as_(organization="mercy", subject="dr-stranger")
        mine, theirs = (factories.signed_report(caller) for caller in (api, other))
        assert other.get(f"analyses/{mine['analysis']}/phenopacket").json["code"] == "not-found"
        text = api.get(f"analyses/{mine['analysis']}/phenopacket").content.decode()
        for secret in (theirs["id"], theirs["analysis"], *theirs["findings"], "mercy", "dr-stranger"):
            assert secret not in text


# What the public packets say and an analysis of ours cannot, with the reason.
UNHELD = {
    "id": "the server's own, as all ids are",
    "subject.id": "a UUID",
    "subject.sex": "known to the clinical service alone",
    "subject.timeAtLastEncounter*": "known to the clinical service alone",
    "phenotypicFeatures*": "known to the clinical service alone",
    "diseases*": "known to the clinical service alone",
    "metaData*": "made by the server; publications are not kept",
    "interpretations.id": "made of the analysis and the condition",
    "*.disease.label": "conditions are kept as identifiers",
    "*.subjectOrBiosampleId": "the patient's UUID",
    "*.interpretationStatus": "of two pathogenic variants each contributes, as the documentation has it",
    "*.therapeuticActionability": "not kept; absent is UNKNOWN_ACTIONABILITY, the schema's default",
    "*.variationDescriptor.id": "the finding's",
    "*.geneContext*": "the HGNC id is not kept, and is required; the symbol is an extension",
    "*.expressions.hgvs.g.*": "annotation gives c. and p. alone",
}  # fmt: skip


def leaves(value: Any, path: str = "") -> dict[str, set[str]]:
    """The values of each path; lists are sets of values, expressions are told apart by their syntax."""
    found: dict[str, set[str]] = {}
    if isinstance(value, list):
        parts = [leaves(item, f"{path}.{item['syntax']}" if "syntax" in item else path) for item in value]
    elif isinstance(value, dict):
        parts = [leaves(member, f"{path}.{name}".strip(".")) for name, member in value.items()]
    else:
        parts = [{path: {str(value)}}]
    for part in parts:
        for name, values in part.items():
            found[name] = found.get(name, set()) | values
    return found


def entered(api: Api, theirs: Json) -> str:
    """The packet's variants as a VCF file, its classifications as findings, its conclusion as a report; the analysis."""
    rows = [element for name, element in elements(theirs) if name == "variantInterpretation"]
    lines = []
    for row in rows:
        record, told = row["variationDescriptor"]["vcfRecord"], row["variationDescriptor"]
        hgvs = {expression["syntax"]: expression["value"] for expression in told["expressions"]}
        effect = "|".join(("CSQ=" + record["alt"], "", told["geneContext"]["symbol"], hgvs["hgvs.c"], hgvs["hgvs.p"]))
        call = {"GENO:0000135": "0/1", "GENO:0000136": "1/1"}[told["allelicState"]["id"]]
        lines.append(
            files.record(record["chrom"], record["pos"], record["ref"], record["alt"], info=effect, samples=[call])
        )
    analysis = factories.ready_analysis(api, files.file(*lines, meta=[files.VEP]), genome_build="GRCh38")["id"]
    stored = {row["pos"]: row["id"] for row in api.get(f"analyses/{analysis}/variants").json["results"]}
    words = {word: ours for ours, word in phenopacket.CLASSIFICATIONS.items()}
    findings = [
        factories.confirmed_finding(
            api,
            analysis,
            variant=stored[row["variationDescriptor"]["vcfRecord"]["pos"]],
            classification=words[row["acmgPathogenicityClassification"]],
            condition=theirs["interpretations"][0]["diagnosis"]["disease"]["id"],
        )["id"]
        for row in rows
    ]
    report = factories.report(api, analysis, findings)
    assert api.as_(subject="dr-lindqvist").move(f"reports/{report['id']}", "final").status == 200
    return str(analysis)


@pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public phenopackets")
class TestTheCorpus:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_what_an_analysis_can_hold_comes_back(self, api: Api, path: Path) -> None:
        theirs = json.loads(path.read_text())
        ours = leaves(shown(api, entered(api, theirs)))
        expected = {
            name: {value.replace("hg38", "GRCh38").removeprefix("chr") for value in values}
            for name, values in leaves(theirs).items()
            if not any(fnmatch(name, pattern) for pattern in UNHELD)
        }
        assert {name: ours.get(name) for name in expected} == expected

    def test_every_excuse_is_needed(self) -> None:
        said = {name for path in FILES for name in leaves(json.loads(path.read_text()))}
        assert [pattern for pattern in UNHELD if not any(fnmatch(name, pattern) for name in said)] == []
