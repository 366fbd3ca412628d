"""Representations of this service's resources, each declared once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import F, Func, TextField
from rest_framework import serializers

from chassis.representation import Computed
from chassis.serializers import (
    RECORD_FIELDS,
    ListField,
    RecordSerializer,
    Text,
    TimestampField,
    TransitionSerializer,
    UUIDField,
    matching,
)

from .choices import CHROMOSOMES
from .models import Analysis, Finding, Report, Sample, Variant
from .rules import ACCESSION, CONDITION, CRITERION, repeated_criterion


class AccessionField(Text):
    """Upper-cased before it is judged: laboratories print it either way."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        # Other alphabets have capitals among A to Z (of the dotless i, of the long s), and would name another sample.
        return text.upper() if text.isascii() else text


class SampleSerializer(RecordSerializer):
    accession = AccessionField(
        max_length=32,
        validators=[matching(ACCESSION, "Must be 3 to 32 letters, digits and hyphens.")],
        help_text="The laboratory's number of the sample, upper-cased.",
    )
    parent = UUIDField(  # type: ignore[assignment]  # `parent` is a method of nested serializers, a member of ours
        source="parent_id",
        required=False,
        allow_null=True,
        help_text="A sample of the same patient that this one was taken from.",
    )

    class Meta:
        model = Sample
        example: ClassVar = {
            "accession": "S-2026-0001",
            "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "kind": "blood",
            "origin": "germline",
            "collected_at": "2026-11-18T08:30:00Z",
            "received_at": "2026-11-18T10:05:00Z",
        }
        fields: ClassVar = [
            "id", "accession", "patient_id", "kind", "origin", "collected_at", "received_at", "parent", *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS)


class SampleTransitionSerializer(TransitionSerializer):
    """A sample arrives, and becomes available, in one step."""

    received_at = TimestampField(required=False, help_text="With `available`: when the sample was received.")


class AnalysisSerializer(RecordSerializer):
    sample = UUIDField(source="sample_id", help_text="An available sample.")
    # By a join on the sample's key. History leaves it out: an event has no sample of its own time.
    patient_id = Computed(
        F("sample__patient_id"), UUIDField(), history=False, help_text="Whose sample it is, as an opaque UUID."
    )
    panel_code = Text(required=False, allow_null=True, max_length=64, help_text="If and only if the assay is panel.")

    warnings = Computed(
        F("warnings"),
        ListField(child=serializers.DictField(), allow_null=True),
        help_text="What the reader counted, a code each.",
    )

    class Meta:
        model = Analysis
        example: ClassVar = {
            "sample": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d11",
            "assay": "wes",
            "genome_build": "GRCh38",
            "pipeline_name": "sarek",
            "pipeline_version": "3.5.1",
        }
        ingested: ClassVar = [
            "vcf_sample", "file_sha256", "file_size", "ingested_at", "stored", "skipped_reference", "skipped_other_contigs",
            "duplicates", "warnings",
        ]  # fmt: skip
        fields: ClassVar = [
            "id", "sample", "patient_id", "assay", "panel_code", "genome_build", "pipeline_name", "pipeline_version", "order_id",
            *ingested, *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *ingested[:-1], *RECORD_FIELDS)


class FindingSerializer(RecordSerializer):
    analysis = UUIDField(source="analysis_id", help_text="An analysis that is ready or reported.")
    variant = UUIDField(help_text="A variant of that analysis.")
    criteria = ListField(
        child=Text(
            max_length=20,
            validators=[matching(f"^{CRITERION}$", "Must be an ACMG/AMP 2015 code such as PM2_Supporting.")],
        ),
        required=False,
        max_length=28,
        help_text="ACMG/AMP 2015 criteria that were met, one strength a code.",
    )
    condition = Text(
        required=False,
        allow_null=True,
        max_length=20,
        validators=[matching(CONDITION, "Must be a MONDO, OMIM or ORPHA identifier such as MONDO:0016054.")],
        help_text="The disease as a CURIE; required for a pathogenic or likely pathogenic finding.",
    )
    comment = Text(required=False, allow_blank=True, max_length=4000, multiline=True)
    supersedes = UUIDField(
        source="supersedes_id", required=False, allow_null=True, help_text="A confirmed finding of the same variant."
    )

    class Meta:
        model = Finding
        example: ClassVar = {
            "analysis": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d12",
            "variant": "5f2a6c1e-8d3b-8f4a-9b7c-2d1e0f9a8b7c",
            "classification": "likely-pathogenic",
            "criteria": ["PS2", "PM1", "PM2_Supporting"],
            "condition": "MONDO:0016054",
        }
        fields: ClassVar = [
            "id", "analysis", "variant", "classification", "criteria", "condition", "inheritance", "comment", "supersedes",
            *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS)

    def validate_criteria(self, criteria: list[str]) -> list[str]:
        if code := repeated_criterion(criteria):
            raise serializers.ValidationError(f"{code} is used twice.", code="criteria-repeated")
        return criteria


class ReportSerializer(RecordSerializer):
    analysis = UUIDField(source="analysis_id", help_text="An analysis that is ready.")
    findings = ListField(
        child=UUIDField(),
        required=False,
        max_length=200,
        help_text="Confirmed findings of that analysis, each variant once.",
    )
    conclusion = Text(max_length=20_000, multiline=True)
    replaces = UUIDField(
        source="replaces_id",
        required=False,
        allow_null=True,
        help_text="The signed report that this one amends or corrects.",
    )
    content = Computed(
        F("content"), serializers.DictField(allow_null=True), help_text="What was signed, frozen; null before."
    )

    class Meta:
        model = Report
        example: ClassVar = {
            "analysis": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d12",
            "findings": ["019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d13"],
            "outcome": "positive",
            "conclusion": "A likely pathogenic variant in PIK3CA explains the findings.",
        }
        signed: ClassVar = ["revision", "number", "signed_by", "signed_at", "content", "content_sha256"]
        fields: ClassVar = ["id", "analysis", "findings", "outcome", "conclusion", "replaces", *signed, *RECORD_FIELDS]
        read_only_fields = ("id", *signed[:4], "content_sha256", *RECORD_FIELDS)

    def validate_findings(self, findings: list[Any]) -> list[Any]:
        if len(set(findings)) != len(findings):
            raise serializers.ValidationError("Names a finding twice.", code="repeated")
        return findings


# A constant array indexed by the code: cheaper than a CASE of 25 branches, and nothing to bind.
CHROMOSOME = Func(
    F("chrom"),
    template=f"(ARRAY[{', '.join(map(repr, CHROMOSOMES))}])[%(expressions)s]",
    output_field=TextField(),
)


class VariantSerializer(RecordSerializer):
    """Read-only: variants come from VCF files alone."""

    chrom = Computed(CHROMOSOME, serializers.ChoiceField(choices=CHROMOSOMES))
    info = Computed(F("info"), serializers.DictField(), help_text="Selected INFO values of the record.")

    class Meta:
        model = Variant
        fields: ClassVar = [
            "id", "chrom", "pos", "end_pos", "ref", "alt", "kind", "genotype", "zygosity", "qual", "filters", "depth", "depth_ref",
            "depth_alt", "genotype_quality", "rs_ids", "gene_symbol", "consequence", "hgvs_c", "hgvs_p", "record_line", "alt_index",
            "info",
        ]  # fmt: skip
        read_only_fields = fields
