"""What a patient has, or was thought to have."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets
from .consultation import Consultation
from .moments import IsNotAfter, IsNotBefore, IsOnset, LatestDate, moment_field
from .patient import Patient


class CodingsAreValid(models.Func):
    """The SQL function that migration 0001 makes: each coding has the form of its system, and none stands twice."""

    function = "codings_are_valid"
    output_field = models.BooleanField()


@tracked
class Diagnosis(Record):
    """A condition of a patient (FHIR R4 Condition). `status` is its verificationStatus; the first coding is primary."""

    machine = choices.DIAGNOSIS_MACHINE
    patient = models.ForeignKey(Patient, models.PROTECT, db_constraint=False, db_index=False, related_name="diagnoses")
    consultation = models.ForeignKey(
        Consultation, models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="diagnoses"
    )
    codings = models.JSONField()
    display = models.CharField(max_length=255, default="")
    clinical_status = models.CharField(max_length=20, null=True, choices=choices.ClinicalStatus.choices)
    severity = models.CharField(max_length=20, null=True, choices=choices.Severity.choices)
    onset = moment_field()
    abated = moment_field()
    status = status_field(choices.VerificationStatus, choices.DIAGNOSIS_MACHINE)

    objects: ClassVar[Any] = querysets.DiagnosisQuerySet.as_manager()

    database_rules: ClassVar = {
        "diagnosis_patient": Rule("/patient", "unknown-reference", "There is no such record."),
        "diagnosis_consultation": Rule("/consultation", "other-patient", "Must be a consultation of this patient."),
    }

    class Meta:
        verbose_name_plural = "diagnoses"
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.DIAGNOSIS_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["consultation"]),
            frozen(
                "settled",
                ["codings", "display", "clinical_status", "severity", "onset", "abated"],
                once=pgtrigger.Q(old__status="entered-in-error"),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "organization",
                "patient",
                KT("codings__0__system"),
                KT("codings__0__code"),
                condition=Q(clinical_status__in=choices.ACTIVE) & ~Q(status="refuted"),
                name="%(app_label)s_%(class)s_active_once",
                violation_error_code="duplicate",
                violation_error_message="The patient has an active diagnosis of this primary code already.",
            ),
            rule("codings", CodingsAreValid("codings"), "Must be codes of their systems, each once."),
            one_of("clinical_status", choices.ClinicalStatus),
            one_of("severity", choices.Severity),
            rule("onset", IsOnset("onset"), "Must be a partial date, an ISO 8601 age, or an onset term of HPO."),
            rule("abated", IsOnset("abated"), "Must be a partial date, an ISO 8601 age, or an onset term of HPO."),
            rule("abated_before_onset", IsNotBefore("abated", "onset"), "Must not lie before onset."),
            rule("onset_in_future", IsNotAfter("onset", LatestDate("updated_at")), "Must not lie in the future."),
            rule("abated_in_future", IsNotAfter("abated", LatestDate("updated_at")), "Must not lie in the future."),
            # FHIR R4 Condition, invariants con-3, con-4 and con-5.
            rule(
                "con_3",
                Q(clinical_status__isnull=False) | Q(status="entered-in-error"),
                "clinical_status is required unless the diagnosis was entered in error.",
            ),
            rule(
                "con_4",
                Q(clinical_status__isnull=False, clinical_status__in=choices.ABATED) | Q(abated=None),
                "What has abated is inactive, in remission or resolved.",
            ),
            rule(
                "con_5",
                Q(clinical_status=None) | ~Q(status="entered-in-error"),
                "A diagnosis that was entered in error has no clinical_status.",
            ),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("patient", name="by_patient"),
            listing("consultation", name="by_consultation"),
            listing("status", name="by_status"),
            models.Index(
                "organization", KT("codings__0__code"), "created_at", "id", name="%(app_label)s_%(class)s_by_code"
            ),
        ]
