"""Signed reports."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from chassis.constraints import Rule, listing, one_of
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets
from .analysis import Analysis


@tracked
class Report(Record):
    """A signed statement about an analysis (FHIR R4 DiagnosticReport). Signed content never changes."""

    machine = choices.REPORT_MACHINE
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="reports")
    # An array, so that history keeps which findings a draft named; a trigger of migration 0002 holds them to the analysis.
    findings = ArrayField(models.UUIDField(), default=list)
    outcome = models.CharField(max_length=20, choices=choices.Outcome.choices)
    conclusion = models.TextField()
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="successors"
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    number = models.CharField(max_length=20, null=True, editable=False)
    signed_by = models.CharField(max_length=250, null=True, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    content = models.JSONField(null=True, editable=False)
    content_sha256 = models.CharField(max_length=64, null=True, editable=False)
    status = status_field(choices.ReportStatus, choices.REPORT_MACHINE)

    objects: ClassVar[Any] = querysets.ReportQuerySet.as_manager()

    database_rules: ClassVar = {
        "report_analysis": Rule("/analysis", "unknown-reference", "There is no such record."),
        "report_replaces": Rule("/replaces", "unknown-reference", "There is no such report on this analysis."),
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
            # Target of the composite foreign key in migration 0002.
            models.UniqueConstraint(fields=["id", "analysis"], name="%(app_label)s_%(class)s_key"),
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
