"""Sequencing analyses."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import status_field

from .. import choices
from .sample import Sample


@tracked
class Analysis(Record):
    """One sequencing analysis of a sample (FHIR R5 GenomicStudy); its variants come from one VCF file."""

    machine = choices.ANALYSIS_MACHINE
    sample = models.ForeignKey(Sample, models.PROTECT, db_constraint=False, db_index=False, related_name="analyses")
    assay = models.CharField(max_length=20, choices=choices.Assay.choices)
    panel_code = models.CharField(max_length=64, null=True)  # null says "no panel"; an empty code would say nothing
    genome_build = models.CharField(max_length=10, choices=choices.GenomeBuild.choices)
    pipeline_name = models.CharField(max_length=64)
    pipeline_version = models.CharField(max_length=64)
    order_id = models.UUIDField(null=True)
    vcf_sample = models.CharField(max_length=200, null=True, editable=False)
    file_sha256 = models.CharField(max_length=64, null=True, editable=False)
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
                condition=Q(status__in=choices.INGESTED),
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
