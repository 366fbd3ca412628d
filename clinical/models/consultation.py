"""Meetings of a patient with a practitioner."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from chassis.constraints import Rule, listing, not_in_future, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets
from .patient import Patient


@tracked
class Consultation(Record):
    """A meeting of one patient with a practitioner (FHIR Encounter). Once ended it takes addenda alone."""

    machine = choices.CONSULTATION_MACHINE
    patient = models.ForeignKey(
        Patient, models.PROTECT, db_constraint=False, db_index=False, related_name="consultations"
    )
    kind = models.CharField(max_length=10, choices=choices.ConsultationKind.choices)
    practitioner = models.CharField(max_length=250, default="")
    scheduled_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, default="")
    note = models.TextField(default="")
    status = status_field(choices.ConsultationStatus, choices.CONSULTATION_MACHINE)

    objects: ClassVar[Any] = querysets.ConsultationQuerySet.as_manager()

    database_rules: ClassVar = {
        "consultation_patient": Rule("/patient", "unknown-reference", "There is no such record."),
        "patient_active": Rule("/patient", "not-active", "Must be an active patient.", conflict=True),
        "follows_merge": Rule(
            "/patient", "not-merged", "Only a merge moves a record to another patient.", conflict=True
        ),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.CONSULTATION_MACHINE.triggers(),
            frozen(
                "ended",
                ["kind", "practitioner", "scheduled_at", "started_at", "ended_at", "reason", "note"],
                once=~pgtrigger.Q(old__status__in=choices.OPEN),
            ),
        ]
        constraints: ClassVar = [
            # Targets of the composite foreign keys in migration 0003.
            models.UniqueConstraint(fields=["id", "organization"], name="%(app_label)s_%(class)s_key"),
            models.UniqueConstraint(
                fields=["id", "organization", "patient"], name="%(app_label)s_%(class)s_patient_key"
            ),
            one_of("kind", choices.ConsultationKind),
            rule(
                "ended_before_started",
                Q(ended_at__gte=F("started_at")) | Q(started_at=None) | Q(ended_at=None),
                "Must not lie before started_at.",
            ),
            rule("ended_not_started", Q(ended_at=None) | Q(started_at__isnull=False), "Needs started_at."),
            not_in_future("started_in_future", "started_at"),
            not_in_future("ended_in_future", "ended_at"),
            rule(
                "without_start",
                Q(started_at__isnull=False) | ~Q(status__in=choices.STARTED),
                "A consultation that has begun has started_at.",
            ),
            rule(
                "without_end",
                Q(ended_at__isnull=False) | ~Q(status__in=choices.ENDED),
                "A consultation that has ended has ended_at.",
            ),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("patient", name="by_patient"),
            listing("practitioner", name="by_practitioner"),
            listing("status", name="by_status"),
        ]
