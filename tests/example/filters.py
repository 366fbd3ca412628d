"""Query parameters of this service's lists, each mapped to a question of the queryset."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet

from chassis.filters import TextFilter

from .choices import Status
from .models import Specimen


class AccessionFilter(TextFilter):
    """Upper-cased, as the accession itself is when it is written."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return super().filter(qs, value.upper() if value.isascii() else value)


class SpecimenFilter(django_filters.FilterSet):
    accession = AccessionFilter(max_length=32)
    patient_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=Status.choices)

    class Meta:
        model = Specimen
        fields: ClassVar = ["accession", "patient_id", "status"]
