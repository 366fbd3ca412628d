"""Links to the analyses of the other service."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets
from .consultation import Consultation


class IsSmall(models.Func):
    """Whether a JSON value has at most 4 KiB as text."""

    template = "octet_length(%(expressions)s::text) <= 4096"
    output_field = models.BooleanField()


@tracked
class GenomicLink(Record):
    """A consultation's link to an analysis, with a snapshot of what it was when the other service was asked.

    Nothing refers to the other service's tables: docs/adr/0010.
    """

    machine = choices.ENTRY_MACHINE
    consultation = models.ForeignKey(
        Consultation, models.PROTECT, db_constraint=False, db_index=False, related_name="genomic_links"
    )
    analysis_id = models.UUIDField()
    relation = models.CharField(max_length=20, choices=choices.Relation.choices)
    verification = models.CharField(
        max_length=20, choices=choices.Verification.choices, default="pending", editable=False
    )
    snapshot = models.JSONField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    status = status_field(choices.EntryStatus, choices.ENTRY_MACHINE)

    objects: ClassVar[Any] = querysets.GenomicLinkQuerySet.as_manager()

    database_rules: ClassVar = {
        "genomiclink_consultation": Rule("", "unknown-reference", "There is no such consultation."),
    }

    class Meta:
        verbose_name = "genomic link"
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.ENTRY_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["consultation", "analysis_id"]),
            pgtrigger.FSM(
                name="verification",
                field="verification",
                transitions=[("pending", word) for word in choices.SETTLED],
            ),
            frozen("settled", ["snapshot", "checked_at"], once=~pgtrigger.Q(old__verification="pending")),
            frozen("retired", ["relation", "verification"], once=~pgtrigger.Q(old__status="recorded")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["consultation", "analysis_id"],
                condition=Q(status="recorded"),
                name="%(app_label)s_%(class)s_once",
                violation_error_code="duplicate",
                violation_error_message="The consultation has a link to this analysis already.",
            ),
            one_of("relation", choices.Relation),
            one_of("verification", choices.Verification),
            rule(
                "verification_checked",
                Q(verification="pending", checked_at=None, snapshot__isnull=True)
                | Q(verification="verified", checked_at__isnull=False, snapshot__isnull=False)
                | Q(verification__in=["rejected", "gone"], checked_at__isnull=False, snapshot__isnull=True),
                "Only a verified link has a snapshot, and only a checked one has checked_at.",
            ),
            rule("snapshot", IsSmall("snapshot"), "A snapshot has at most 4 KiB."),
        ]
        indexes: ClassVar = [
            listing("consultation", name="list"),
            listing("consultation", "verification", name="by_verification"),
            # What verify_links reads.
            models.Index(
                fields=["id"],
                condition=Q(verification="pending", status="recorded"),
                name="%(app_label)s_%(class)s_pending",
            ),
        ]
