"""Query parameters of this service's lists, each mapped to a question of the queryset."""

from __future__ import annotations

from typing import ClassVar

import django_filters

from .choices import Status
from .models import Specimen


class SpecimenFilter(django_filters.FilterSet):
    accession = django_filters.CharFilter(max_length=32)
    patient_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=Status.choices)

    class Meta:
        model = Specimen
        fields: ClassVar = ["accession", "patient_id", "status"]
