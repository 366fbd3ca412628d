"""The tables of this service, and the invariants that the database holds for it."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from chassis.constraints import Rule, listing, not_in_future, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from . import choices, querysets, rules


@tracked
class Specimen(Record):
    """A specimen of one patient (FHIR R4 Specimen). The API calls it a sample."""

    machine = choices.MACHINE
    accession = models.CharField(max_length=32)
    patient_id = models.UUIDField()
    kind = models.CharField(max_length=20, choices=choices.Kind.choices)
    origin = models.CharField(max_length=20, choices=choices.Origin.choices)
    preservation = models.CharField(max_length=20, null=True, choices=choices.Preservation.choices)
    labels = ArrayField(models.CharField(max_length=20), default=list)
    comment = models.TextField(default="")
    collected_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    picture = models.JSONField(null=True, editable=False)
    # The named composite foreign key of migration 0002 makes it one of the same organization and patient.
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="children"
    )
    status = status_field(choices.Status, choices.MACHINE)

    objects: ClassVar = querysets.SpecimenQuerySet.as_manager()
    database_rules: ClassVar = {
        "specimen_parent": Rule(
            "/parent", "other-patient", "The parent must be a sample of the same patient.", conflict=True
        ),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.MACHINE.triggers(),
            frozen("identity", ["patient_id", "accession", "parent_id"], once=~pgtrigger.Q(old__status="expected")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "accession"],
                name="%(app_label)s_%(class)s_unique_accession",
                violation_error_code="duplicate",
                violation_error_message="A sample with this accession exists already.",
            ),
            # Target of the composite foreign key in migration 0002.
            models.UniqueConstraint(
                fields=["id", "organization", "patient_id"], name="%(app_label)s_%(class)s_patient_key"
            ),
            rule(
                "accession", Q(accession__regex=rules.ACCESSION), "Must be 3 to 32 capital letters, digits and hyphens."
            ),
            one_of("kind", choices.Kind),
            one_of("origin", choices.Origin),
            one_of("preservation", choices.Preservation),
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
            # The export, deleting a specimen, and the foreign key ask for its children.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="%(app_label)s_%(class)s_parent"),
        ]
