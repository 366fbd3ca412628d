"""Query parameters of this service's lists, each mapped to a question of the queryset."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters

from chassis.filters import TextField, TextFilter

from .choices import Status
from .models import Specimen


class AccessionField(TextField):
    """Upper-cased, as the accession itself is when it is written."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return text.upper() if text.isascii() else text


class AccessionFilter(TextFilter):
    field_class = AccessionField


class SpecimenFilter(django_filters.FilterSet):
    accession = AccessionFilter(max_length=32)
    patient_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=Status.choices)

    class Meta:
        model = Specimen
        fields: ClassVar = ["accession", "patient_id", "status"]
