"""The demo data: made once, the same everywhere, and as a laboratory would have written them."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import pytest

from genomics import demo
from genomics.models import Analysis, Finding, Report, Sample, Variant
from tests.api import Api

# --- ACMG/AMP 2015, for this test alone: the product computes no classification -----------------------------------------

STRENGTHS = {"PVS": "VeryStrong", "PS": "Strong", "PM": "Moderate", "PP": "Supporting"}
BENIGN_STRENGTHS = {"BA": "StandAlone", "BS": "Strong", "BP": "Supporting"}


def strength(criterion: str) -> tuple[str, str]:
    """Direction and strength of a criterion; ClinGen's modifier replaces the strength in its name."""
    code, _, modifier = criterion.partition("_")
    family = code.rstrip("0123456789")
    if family in STRENGTHS:
        return "pathogenic", modifier or STRENGTHS[family]
    return "benign", modifier or BENIGN_STRENGTHS[family]


def classify(criteria: list[str]) -> str:
    """Richards et al. 2015, table 5: rules for combining criteria."""
    counts = Counter(map(strength, criteria))
    very, strong, moderate, supporting = (
        counts["pathogenic", name] for name in ("VeryStrong", "Strong", "Moderate", "Supporting")
    )
    pathogenic = (
        (very >= 1 and (strong >= 1 or moderate >= 2 or (moderate == 1 and supporting >= 1) or supporting >= 2))
        or very >= 2
        or strong >= 2
        or (
            strong == 1
            and (moderate >= 3 or (moderate == 2 and supporting >= 2) or (moderate == 1 and supporting >= 4))
        )
    )
    likely_pathogenic = (
        (very >= 1 and moderate == 1)
        or (strong == 1 and 1 <= moderate <= 2)
        or (strong == 1 and supporting >= 2)
        or moderate >= 3
        or (moderate == 2 and supporting >= 2)
        or (moderate == 1 and supporting >= 4)
    )
    benign = counts["benign", "StandAlone"] >= 1 or counts["benign", "Strong"] >= 2
    likely_benign = (counts["benign", "Strong"] == 1 and counts["benign", "Supporting"] >= 1) or counts[
        "benign", "Supporting"
    ] >= 2
    if (pathogenic or likely_pathogenic) and (benign or likely_benign):
        return "uncertain-significance"
    if pathogenic or likely_pathogenic:
        return "pathogenic" if pathogenic else "likely-pathogenic"
    if benign or likely_benign:
        return "benign" if benign else "likely-benign"
    return "uncertain-significance"


class TestCombiningTable:
    @pytest.mark.parametrize(
        ("criteria", "classification"),
        [
            ("PVS1 PS1", "pathogenic"),
            ("PVS1 PM1 PM2", "pathogenic"),
            ("PVS1 PM2 PP3", "pathogenic"),
            ("PVS1 PP1 PP3", "pathogenic"),
            ("PS1 PS3", "pathogenic"),
            ("PS1 PM1 PM2 PM5", "pathogenic"),
            ("PS1 PM1 PM2 PP2 PP3", "pathogenic"),
            ("PS1 PM1 PP1 PP2 PP3 PP4", "pathogenic"),
            ("PVS1 PM2", "likely-pathogenic"),
            ("PS2 PM1", "likely-pathogenic"),
            ("PS2 PM1 PM2_Supporting", "likely-pathogenic"),
            ("PS3 PP1 PP3", "likely-pathogenic"),
            ("PM1 PM2 PM5", "likely-pathogenic"),
            ("PM1 PM2 PP2 PP3", "likely-pathogenic"),
            ("PM1 PP1 PP2 PP3 PP4", "likely-pathogenic"),
            ("PVS1", "uncertain-significance"),
            ("PS1", "uncertain-significance"),
            ("PM1 PM2 PP3", "uncertain-significance"),
            ("", "uncertain-significance"),
            ("PS1 PS3 BS1 BS2", "uncertain-significance"),
            ("BA1", "benign"),
            ("BS1 BS2", "benign"),
            ("BS1 BP4", "likely-benign"),
            ("BP4 BP7", "likely-benign"),
            ("BP4", "uncertain-significance"),
            ("PVS1_Strong PS3", "pathogenic"),
            ("PM3_VeryStrong PM2_Supporting PP4", "pathogenic"),
        ],
    )
    def test_it_combines_as_published(self, criteria: str, classification: str) -> None:
        assert classify(criteria.split()) == classification


@pytest.fixture
def small(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo with an exome of 2,000 variants."""
    monkeypatch.setattr(demo, "EXOME_VARIANTS", 2_000)
    demo.seed()


def contents() -> dict[str, Any]:
    """Everything of the demo that does not depend on when it was made."""
    return {
        "samples": sorted(Sample.objects.values_list("organization", "accession", "patient_id", "status")),
        "analyses": sorted(Analysis.objects.values_list("file_sha256", "stored", "assay", "panel_code", "status")),
        "variants": sorted(Variant.objects.values_list("analysis__file_sha256", "id", "genotype", "qual")),
        "findings": sorted(Finding.objects.values_list("variant", "classification", "criteria", "condition", "status")),
    }


class TestSeed:
    def test_a_second_call_keeps_what_the_first_one_made(self, small: None) -> None:
        before = contents()
        assert demo.seed() == "kept (5 samples)"
        assert contents() == before

    def test_it_is_the_same_every_time(self) -> None:
        def digest() -> str:
            return hashlib.sha256(b"".join(demo.small_vcf("A", [demo.BRCA1]))).hexdigest()

        assert digest() == digest()
        assert digest() == "aa72ed7c1eb6f94aefb74ef0cfb20c2cb13b73ea12ecae30ea03676917fdb3ce"

    def test_it_spans_two_organizations_that_do_not_see_each_other(self, small: None) -> None:
        organizations = ("st-elsewhere", "general-hospital")
        seen = {name: Api("genomics", organization=name).get("analyses").json["results"] for name in organizations}
        assert {name: len(rows) for name, rows in seen.items()} == {"st-elsewhere": 3, "general-hospital": 1}

    def test_it_holds_several_patients_and_a_signed_report(self, small: None) -> None:
        assert Sample.objects.values("patient_id").distinct().count() == 5
        (report,) = Report.objects.all()
        assert (report.status, report.signed_by) == ("final", "development:dr-lindqvist")
        assert report.created_by != report.signed_by

    def test_it_passes_every_system_check_that_the_api_would_make(self, small: None) -> None:
        api = Api("genomics")
        for resource in ("samples", "analyses", "findings", "reports"):
            for row in api.get(resource).json["results"]:
                assert api.get(f"{resource}/{row['id']}/history").status == 200

    def test_every_file_is_read_without_a_warning(self, small: None) -> None:
        assert list(Analysis.objects.values_list("warnings", flat=True)) == [[]] * 4

    def test_known_variants_carry_their_published_names(self, small: None) -> None:
        for known in (demo.PIK3CA, demo.CFTR, demo.BRCA1):
            found = Variant.objects.filter(hgvs_c=known[7])
            assert found.exists()
            assert {(row.gene_symbol, row.consequence, row.hgvs_p, tuple(row.rs_ids)) for row in found} == {
                (known[5], known[6], known[8], (known[4],))
            }

    def test_every_findings_criteria_justify_its_classification(self, small: None) -> None:
        findings = list(Finding.objects.all())
        assert len(findings) >= 2
        for finding in findings:
            assert classify(finding.criteria) == finding.classification, finding.criteria

    def test_no_criterion_contradicts_the_variants_consequence(self, small: None) -> None:
        # PVS1 is for null variants in a gene where loss of function is a known mechanism (ClinGen SVI, PVS1 decision tree).
        for finding in Finding.objects.all():
            variant = Variant.objects.of_analysis(finding.analysis_id).get(id=finding.variant)
            null = variant.consequence in {
                "frameshift_variant",
                "stop_gained",
                "splice_donor_variant",
                "splice_acceptor_variant",
            }
            assert null or not [code for code in finding.criteria if code.startswith("PVS1")], finding.criteria

    def test_it_has_a_whole_exome(self, db: None) -> None:
        demo.seed()
        exome = Analysis.objects.get(assay="wes")
        assert exome.stored is not None
        assert exome.stored >= 50_000
        assert Variant.objects.of_analysis(exome.pk).values("chrom").distinct().count() == 23
