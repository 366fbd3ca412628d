"""Query parameters of this service's lists, each mapped to a question of the queryset."""

from __future__ import annotations

from typing import ClassVar

import django_filters

from chassis.filters import TextFilter

from . import choices
from .models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype
from .querysets import DiagnosisQuerySet


class PatientFilter(django_filters.FilterSet):
    mrn = TextFilter(max_length=64, label="The hospital's number, as it was given.")
    mrn_system = TextFilter(max_length=200, label="Narrows `mrn` to the numbers of one system.")
    family_name = TextFilter(max_length=100, label="As it was given; no search for parts of it.")
    status = django_filters.ChoiceFilter(choices=choices.PatientStatus.choices)

    class Meta:
        model = Patient
        fields: ClassVar = ["mrn", "mrn_system", "family_name", "status"]


class ConsultationFilter(django_filters.FilterSet):
    patient = django_filters.UUIDFilter(field_name="patient_id")
    practitioner = TextFilter(max_length=250)
    status = django_filters.ChoiceFilter(choices=choices.ConsultationStatus.choices)

    class Meta:
        model = Consultation
        fields: ClassVar = ["patient", "practitioner", "status"]


class PhenotypeFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=choices.EntryStatus.choices)

    class Meta:
        model = Phenotype
        fields: ClassVar = ["status"]


class AddendumFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=choices.EntryStatus.choices)

    class Meta:
        model = Addendum
        fields: ClassVar = ["status"]


class DiagnosisFilter(django_filters.FilterSet):
    patient = django_filters.UUIDFilter(field_name="patient_id")
    consultation = django_filters.UUIDFilter(field_name="consultation_id")
    code = django_filters.CharFilter(method="by_code", max_length=20, label="The code of the primary coding.")
    verification_status = django_filters.ChoiceFilter(field_name="status", choices=choices.VerificationStatus.choices)

    class Meta:
        model = Diagnosis
        fields: ClassVar = ["patient", "consultation", "verification_status"]

    def by_code(self, queryset: DiagnosisQuerySet, name: str, code: str) -> DiagnosisQuerySet:
        return queryset.coded(code)


class GenomicLinkFilter(django_filters.FilterSet):
    verification = django_filters.ChoiceFilter(choices=choices.Verification.choices)

    class Meta:
        model = GenomicLink
        fields: ClassVar = ["verification"]
