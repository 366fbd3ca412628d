"""People."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets, rules
from .moments import IsNotAfter, IsNotBefore, IsPartialDate, LatestDate


class AreNames(models.Func):
    """Whether an array of text is flat, and holds neither null nor an empty text."""

    template = "coalesce(array_ndims(%(expressions)s), 1) = 1 AND ('' <> ALL (%(expressions)s)) IS TRUE"
    output_field = models.BooleanField()


class IsRecordNumber(models.Func):
    """Whether a number has blanks inside alone, and no compatibility form (NFKC), which only looks like another."""

    template = r"(%(expressions)s ~ '^\S(.*\S)?$' AND %(expressions)s IS NFKC NORMALIZED)"
    output_field = models.BooleanField()


@tracked
class Patient(Record):
    """A person under care (FHIR R4 Patient). One who was registered twice is merged into the other record."""

    machine = choices.PATIENT_MACHINE
    mrn_system = models.CharField(max_length=200)
    mrn = models.CharField(max_length=64)
    family_name = models.CharField(max_length=100, null=True)
    given_names = ArrayField(models.CharField(max_length=100), default=list)
    birth_date = models.CharField(max_length=10, null=True)
    sex = models.CharField(max_length=10, choices=choices.Sex.choices)
    deceased_on = models.CharField(max_length=10, null=True)
    active = models.BooleanField(default=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, editable=False, related_name="merged"
    )
    status = status_field(choices.PatientStatus, choices.PATIENT_MACHINE)

    objects: ClassVar[Any] = querysets.PatientQuerySet.as_manager()

    database_rules: ClassVar = {
        "patient_survivor": Rule("/into", "unknown-reference", "There is no such record."),
        "patient_merged_into": Rule("/into", "not-registered", "Must be a registered patient.", conflict=True),
        "patient_still_survivor": Rule("/to", "still-survivor", "Others were merged into this one.", conflict=True),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.PATIENT_MACHINE.triggers(),
            frozen(
                "settled",
                ["mrn_system", "mrn", "family_name", "given_names", "birth_date", "sex", "deceased_on", "active"],
                once=~pgtrigger.Q(old__status="registered"),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "mrn_system", "mrn"],
                condition=~Q(status="entered-in-error"),
                name="%(app_label)s_%(class)s_unique_mrn",
                violation_error_code="duplicate",
                violation_error_message="A patient with this number exists already.",
            ),
            # Target of the composite foreign keys in migration 0003.
            models.UniqueConstraint(fields=["id", "organization"], name="%(app_label)s_%(class)s_key"),
            rule("mrn", IsRecordNumber("mrn"), "Must not hold what is invisible or looks like another character."),
            rule("mrn_system", Q(mrn_system__regex=rules.MRN_SYSTEM), "Must be a URI such as urn:oid:1.2.3."),
            rule(
                "family_name",
                Q(family_name__isnull=False, family_name__gt="") | (Q(family_name=None) & Q(given_names__len__gt=0)),
                "A patient has a family name or a given name.",
            ),
            rule("given_names", AreNames("given_names"), "Must be names, none of them empty."),
            one_of("sex", choices.Sex),
            rule("birth_date", IsPartialDate("birth_date"), "Must be YYYY, YYYY-MM or YYYY-MM-DD."),
            rule("deceased_on", IsPartialDate("deceased_on"), "Must be YYYY, YYYY-MM or YYYY-MM-DD."),
            rule(
                "birth_date_in_future",
                IsNotAfter("birth_date", LatestDate("updated_at")),
                "Must not lie in the future.",
            ),
            rule(
                "deceased_on_in_future",
                IsNotAfter("deceased_on", LatestDate("updated_at")),
                "Must not lie in the future.",
            ),
            rule("deceased_before_birth", IsNotBefore("deceased_on", "birth_date"), "Must not lie before birth_date."),
            rule("active", Q(active=False) | Q(status="registered"), "Only a registered patient is active."),
            rule(
                "merged_into",
                Q(status="merged", merged_into__isnull=False) | (~Q(status="merged") & Q(merged_into=None)),
                "A merged patient, and no other, names the one it was merged into.",
            ),
            rule("own_survivor", ~Q(merged_into=F("id")), "A patient is not merged into itself."),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("mrn", name="by_mrn"),
            listing("family_name", name="by_name"),
            listing("status", name="by_status"),
            # Deleting a patient, a merge, and a link's check ask for those merged into one.
            models.Index(
                fields=["merged_into"], condition=Q(merged_into__isnull=False), name="%(app_label)s_%(class)s_merged"
            ),
        ]
