"""The tables of this service, and the invariants that the database holds for it."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.db.models.lookups import Regex

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from . import choices, querysets, rules

# Clocks of laboratories differ a little; a sample from tomorrow is a mistake.
CLOCK_SKEW = timedelta(minutes=5)


@tracked
class Sample(Record):
    """A specimen of one patient (FHIR R4 Specimen, Phenopackets v2 Biosample)."""

    machine = choices.SAMPLE_MACHINE
    accession = models.CharField(max_length=32)
    patient_id = models.UUIDField()
    kind = models.CharField(max_length=20, choices=choices.SampleKind.choices)
    origin = models.CharField(max_length=20, choices=choices.SampleOrigin.choices)
    collected_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="children"
    )
    status = status_field(choices.SampleStatus, choices.SAMPLE_MACHINE)

    database_rules: ClassVar = {
        "sample_parent": Rule(
            "/parent", "other-patient", "The parent must be a sample of the same patient.", conflict=True
        ),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.SAMPLE_MACHINE.triggers(),
            # Analyses may stand on it by then: whose sample it is, and what it is called, no longer changes.
            frozen("identity", ["patient_id", "accession", "parent_id"], once=~pgtrigger.Q(old__status="expected")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "accession"],
                name="%(app_label)s_%(class)s_unique_accession",
                violation_error_code="duplicate",
                violation_error_message="A sample with this accession exists already.",
            ),
            # Targets of the composite foreign keys in migration 0001.
            models.UniqueConstraint(fields=["id", "organization"], name="%(app_label)s_%(class)s_key"),
            models.UniqueConstraint(
                fields=["id", "organization", "patient_id"], name="%(app_label)s_%(class)s_patient_key"
            ),
            rule(
                "accession", Q(accession__regex=rules.ACCESSION), "Must be 3 to 32 capital letters, digits and hyphens."
            ),
            one_of("kind", choices.SampleKind),
            one_of("origin", choices.SampleOrigin),
            rule(
                "received_before_collected",
                Q(received_at__gte=F("collected_at")) | Q(received_at=None) | Q(collected_at=None),
                "Must not lie before collected_at.",
            ),
            rule(
                "collected_in_future", Q(collected_at__lte=F("updated_at") + CLOCK_SKEW), "Must not lie in the future."
            ),
            rule("received_in_future", Q(received_at__lte=F("updated_at") + CLOCK_SKEW), "Must not lie in the future."),
            rule(
                "available_not_received",
                ~Q(status="available") | Q(received_at__isnull=False),
                "An available sample has received_at.",
            ),
            rule("own_parent", ~Q(parent=F("id")), "A sample is not its own parent."),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("patient_id", name="by_patient"),
            listing("status", name="by_status"),
            # Deleting a sample, and the foreign key, ask for its children.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="%(app_label)s_%(class)s_parent"),
        ]


@tracked
class Analysis(Record):
    """One sequencing analysis of a sample (FHIR R5 GenomicStudy); its variants come from one VCF file."""

    machine = choices.ANALYSIS_MACHINE
    sample = models.ForeignKey(Sample, models.PROTECT, db_constraint=False, db_index=False, related_name="analyses")
    assay = models.CharField(max_length=20, choices=choices.Assay.choices)
    panel_code = models.CharField(max_length=64, null=True)  # noqa: DJ001  (null says "no panel"; an empty code would say nothing)
    genome_build = models.CharField(max_length=10, choices=choices.GenomeBuild.choices)
    pipeline_name = models.CharField(max_length=64)
    pipeline_version = models.CharField(max_length=64)
    order_id = models.UUIDField(null=True)
    vcf_sample = models.CharField(max_length=200, null=True, editable=False)  # noqa: DJ001
    file_sha256 = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    file_size = models.BigIntegerField(null=True, editable=False)
    ingested_at = models.DateTimeField(null=True, editable=False)
    stored = models.IntegerField(null=True, editable=False)
    skipped_reference = models.IntegerField(null=True, editable=False)
    skipped_other_contigs = models.IntegerField(null=True, editable=False)
    duplicates = models.IntegerField(null=True, editable=False)
    warnings = models.JSONField(null=True, editable=False)
    status = status_field(choices.AnalysisStatus, choices.ANALYSIS_MACHINE)

    database_rules: ClassVar = {
        "analysis_sample": Rule("/sample", "unknown-reference", "There is no such record."),
    }

    class Meta:
        verbose_name_plural = "analyses"
        triggers: ClassVar = [*Record.Meta.triggers, *choices.ANALYSIS_MACHINE.triggers()]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["id", "organization"], name="%(app_label)s_%(class)s_key"),
            models.UniqueConstraint(
                fields=["sample", "file_sha256"],
                condition=Q(status__in=["ready", "reported"]),
                name="%(app_label)s_%(class)s_same_file",
                violation_error_code="duplicate",
                violation_error_message="Another analysis of this sample holds the same file.",
            ),
            one_of("assay", choices.Assay),
            one_of("genome_build", choices.GenomeBuild),
            rule(
                "panel_code",
                Q(("panel_code__isnull", False), ("assay", "panel")) | (~Q(assay="panel") & Q(panel_code__isnull=True)),
                "Is given if and only if the assay is panel.",
            ),
            rule("pipeline", ~Q(pipeline_name="") & ~Q(pipeline_version=""), "Must not be empty."),
            models.CheckConstraint(
                condition=Q(status__in=["registered", "cancelled"], file_sha256=None)
                | Q(status__in=["ready", "reported", "entered-in-error"], file_sha256__isnull=False, stored__gte=0),
                name="%(app_label)s_%(class)s_ready_has_file",
            ),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("sample", name="by_sample"),
            listing("status", name="by_status"),
            models.Index(
                fields=["order_id"], condition=Q(order_id__isnull=False), name="%(app_label)s_%(class)s_order"
            ),
        ]


class Variant(models.Model):
    """One ALT allele called in the chosen sample. Written by COPY alone, never changed; see docs/adr/0005.

    `pos` and `end_pos` are 1-based and inclusive, after trimming; `chrom` is 1 to 25 (23 X, 24 Y, 25 MT). `id` is the
    digest of the allele, the same in every analysis; with the analysis it is the primary key.
    """

    # No constraint in the database: checked row by row it doubles the time of COPY. The ingestion holds the analysis's
    # row, and a trigger refuses the deletion of an analysis that has left its first state.
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="variants")
    id = models.UUIDField()
    chrom = models.SmallIntegerField()
    pos = models.IntegerField()
    end_pos = models.IntegerField()
    ref = models.TextField()
    alt = models.TextField()
    kind = models.CharField(max_length=20, choices=choices.VariantKind.choices)
    genotype = models.CharField(max_length=200)
    zygosity = models.CharField(max_length=20, choices=choices.Zygosity.choices)
    qual = models.FloatField(null=True)
    filters = ArrayField(models.TextField(), null=True)
    depth = models.IntegerField(null=True)
    depth_ref = models.IntegerField(null=True)
    depth_alt = models.IntegerField(null=True)
    genotype_quality = models.IntegerField(null=True)
    rs_ids = ArrayField(models.TextField(), null=True)
    gene_symbol = models.CharField(max_length=64, null=True)  # noqa: DJ001  (null says "not annotated")
    consequence = models.CharField(max_length=100, null=True)  # noqa: DJ001
    hgvs_c = models.CharField(max_length=400, null=True)  # noqa: DJ001
    hgvs_p = models.CharField(max_length=400, null=True)  # noqa: DJ001
    record_line = models.IntegerField()
    alt_index = models.SmallIntegerField()
    info = models.JSONField()

    pk = models.CompositePrimaryKey("analysis", "id")
    objects = querysets.VariantQuerySet.as_manager()

    class Meta:
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(chrom__range=(1, 25), pos__gte=1, end_pos__gte=F("pos")),
                name="%(app_label)s_%(class)s_position",
            ),
            one_of("kind", choices.VariantKind),
            one_of("zygosity", choices.Zygosity),
        ]
        indexes: ClassVar = [
            models.Index(fields=["analysis", "chrom", "pos", "id"], name="%(app_label)s_%(class)s_position"),
            models.Index(
                fields=["analysis", "chrom", "pos"],
                include=["end_pos"],
                condition=Q(end_pos__gt=F("pos") + rules.LOOK_BACK),
                name="%(app_label)s_%(class)s_long",
            ),
            models.Index(
                fields=["analysis", "gene_symbol", "chrom", "pos", "id"],
                condition=Q(gene_symbol__isnull=False),
                name="%(app_label)s_%(class)s_gene",
            ),
            models.Index(
                "analysis", "rs_ids__0", condition=Q(rs_ids__isnull=False), name="%(app_label)s_%(class)s_rs_id"
            ),
            models.Index(fields=["analysis"], condition=Q(rs_ids__len__gt=1), name="%(app_label)s_%(class)s_rs_ids"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class CriteriaAreDistinct(models.Func):
    """The SQL function that migration 0001 makes: no ACMG/AMP code stands twice, with whatever strength."""

    function = "criteria_are_distinct"
    output_field = models.BooleanField()


@tracked
class Finding(Record):
    """A person's classification of a variant (Phenopackets v2 VariantInterpretation)."""

    machine = choices.FINDING_MACHINE
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="findings")
    # With the analysis it references a variant: the named composite foreign key of migration 0001, which no field of
    # Django's can declare (a ForeignObject makes none).
    variant = models.UUIDField()
    classification = models.CharField(max_length=30, choices=choices.Classification.choices)
    criteria = ArrayField(models.CharField(max_length=20), default=list)
    condition = models.CharField(max_length=20, null=True)  # noqa: DJ001
    inheritance = models.CharField(max_length=20, null=True, choices=choices.Inheritance.choices)  # noqa: DJ001
    comment = models.TextField(default="")
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="successors")
    status = status_field(choices.FindingStatus, choices.FINDING_MACHINE)

    database_rules: ClassVar = {
        "finding_variant": Rule("/variant", "unknown-reference", "The analysis has no such variant."),
        "finding_analysis": Rule("/analysis", "unknown-reference", "There is no such record."),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.FINDING_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["analysis", "variant", "supersedes"]),
            frozen(
                "settled",
                ["classification", "criteria", "condition", "inheritance", "comment"],
                once=~pgtrigger.Q(old__status="draft"),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["analysis", "condition", "variant"],
                condition=Q(status="confirmed"),
                nulls_distinct=False,
                name="%(app_label)s_%(class)s_confirmed_once",
                violation_error_code="duplicate",
                violation_error_message="This variant has a confirmed finding for this condition; supersede that one.",
            ),
            models.UniqueConstraint(
                fields=["supersedes"],
                condition=Q(status__in=["draft", "confirmed", "superseded"]),
                name="%(app_label)s_%(class)s_superseded_once",
                violation_error_code="duplicate",
                violation_error_message="Another finding supersedes that one already.",
            ),
            one_of("classification", choices.Classification),
            one_of("inheritance", choices.Inheritance),
            rule(
                "condition_required",
                Q(condition__isnull=False) | ~Q(classification__in=["pathogenic", "likely-pathogenic"]),
                "Is required for a pathogenic or likely pathogenic finding.",
            ),
            rule(
                "condition",
                Q(condition__regex=rules.CONDITION),
                "Must be a MONDO, OMIM or ORPHA identifier such as MONDO:0016054.",
            ),
            rule(
                "criteria",
                # An array's own text quotes an element that holds a comma, so no element can pass for two.
                Regex(Cast("criteria", models.TextField()), rf"^\{{({rules.CRITERION}(,{rules.CRITERION})*)?\}}$"),
                "Must be ACMG/AMP 2015 codes.",
            ),
            rule("criteria_repeated", CriteriaAreDistinct("criteria"), "Uses a code twice."),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("analysis", name="by_analysis"),
            # What the foreign key of a variant, and a variant's findings, are found by.
            models.Index(fields=["analysis", "variant"], name="%(app_label)s_%(class)s_variant"),
        ]


@tracked
class Report(Record):
    """A signed statement about an analysis (FHIR R4 DiagnosticReport). Signed content never changes."""

    machine = choices.REPORT_MACHINE
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="reports")
    # An array, so that history keeps which findings a draft named; a trigger of migration 0001 holds them to the analysis.
    findings = ArrayField(models.UUIDField(), default=list)
    outcome = models.CharField(max_length=20, choices=choices.Outcome.choices)
    conclusion = models.TextField()
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="successors")
    revision = models.PositiveIntegerField(default=1, editable=False)
    number = models.CharField(max_length=20, null=True, editable=False)  # noqa: DJ001
    signed_by = models.CharField(max_length=250, null=True, editable=False)  # noqa: DJ001
    signed_at = models.DateTimeField(null=True, editable=False)
    content = models.JSONField(null=True, editable=False)
    content_sha256 = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    status = status_field(choices.ReportStatus, choices.REPORT_MACHINE)

    database_rules: ClassVar = {
        "report_analysis": Rule("/analysis", "unknown-reference", "There is no such record."),
        "report_findings": Rule(
            "/findings", "wrong-findings", "Must be confirmed findings of this analysis.", conflict=True
        ),
        "report_variant_once": Rule("/findings", "repeated", "Names a variant twice.", conflict=True),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.REPORT_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["analysis", "replaces", "revision"]),
            frozen(
                "signed",
                ["content", "content_sha256", "findings", "outcome", "conclusion", "number", "signed_by", "signed_at"],
                once=pgtrigger.Q(old__signed_at__isnull=False),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "number", "revision"], name="%(app_label)s_%(class)s_number"
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=Q(status__in=["preliminary", "final", "amended", "corrected", "superseded"]),
                name="%(app_label)s_%(class)s_replaced_once",
                violation_error_code="duplicate",
                violation_error_message="Another report replaces that one already.",
            ),
            one_of("outcome", choices.Outcome),
            models.CheckConstraint(
                condition=Q(status__in=["preliminary", "cancelled"], signed_at=None)
                | Q(status="entered-in-error")
                | Q(
                    status__in=["final", "amended", "corrected", "superseded"],
                    signed_at__isnull=False,
                    signed_by__isnull=False,
                    number__isnull=False,
                    content__isnull=False,
                    content_sha256__isnull=False,
                ),
                name="%(app_label)s_%(class)s_signed",
            ),
            models.CheckConstraint(
                condition=Q(signed_by=None) | ~Q(signed_by=F("created_by")), name="%(app_label)s_%(class)s_two_persons"
            ),
            models.CheckConstraint(
                condition=Q(replaces=None, revision=1) | Q(replaces__isnull=False, revision__gt=1),
                name="%(app_label)s_%(class)s_revision",
            ),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("analysis", name="by_analysis"),
            listing("status", name="by_status"),
        ]
