"""Specimens."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from chassis.constraints import Rule, listing, not_in_future, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, rules


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
            # Targets of the composite foreign keys in migration 0002.
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
            not_in_future("collected_in_future", "collected_at"),
            not_in_future("received_in_future", "received_at"),
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
