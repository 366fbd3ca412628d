"""Query parameters of this service's lists, each mapped to a question of the queryset."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.validators import RegexValidator

from chassis.filters import BooleanFilter, TextField, TextFilter

from .choices import AnalysisStatus, FindingStatus, ReportStatus, SampleStatus, VariantKind, Zygosity
from .models import Analysis, Finding, Report, Sample, Variant
from .querysets import VariantQuerySet
from .rules import Region, parse_region


class AccessionField(TextField):
    """Upper-cased, as the accession itself is when it is written."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return text.upper() if text.isascii() else text


class AccessionFilter(TextFilter):
    field_class = AccessionField


class SampleFilter(django_filters.FilterSet):
    accession = AccessionFilter(max_length=32)
    patient_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=SampleStatus.choices)

    class Meta:
        model = Sample
        fields: ClassVar = ["accession", "patient_id", "status"]


class AnalysisFilter(django_filters.FilterSet):
    sample = django_filters.UUIDFilter(field_name="sample_id")
    order_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=AnalysisStatus.choices)

    class Meta:
        model = Analysis
        fields: ClassVar = ["sample", "order_id", "status"]


class FindingFilter(django_filters.FilterSet):
    analysis = django_filters.UUIDFilter(field_name="analysis_id")
    status = django_filters.ChoiceFilter(choices=FindingStatus.choices)

    class Meta:
        model = Finding
        fields: ClassVar = ["analysis", "status"]


class ReportFilter(django_filters.FilterSet):
    analysis = django_filters.UUIDFilter(field_name="analysis_id")
    status = django_filters.ChoiceFilter(choices=ReportStatus.choices)

    class Meta:
        model = Report
        fields: ClassVar = ["analysis", "status"]


class RegionField(forms.CharField):
    """Cleans to a Region."""

    def clean(self, value: Any) -> Region | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_region(text)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="region") from None


class RegionFilter(django_filters.CharFilter):
    field_class = RegionField


class VariantFilter(django_filters.FilterSet):
    """Within one analysis, in order of position. `gene` and `rs_id` have indexes; the others narrow a region's scan."""

    region = RegionFilter(method="by_region", label="1-based and inclusive, `chr` optional; answers what overlaps it.")
    gene = TextFilter(field_name="gene_symbol", max_length=64)
    kind = django_filters.ChoiceFilter(choices=VariantKind.choices)
    zygosity = django_filters.ChoiceFilter(choices=Zygosity.choices)
    passed = BooleanFilter(method="by_passed", label="Whether the record passed all filters.")
    min_qual = django_filters.NumberFilter(field_name="qual", lookup_expr="gte", min_value=0)
    min_depth = django_filters.NumberFilter(
        field_name="depth", lookup_expr="gte", min_value=0, max_value=2**31 - 1, decimal_places=0
    )
    consequence = TextFilter(max_length=100, label="A Sequence Ontology term, such as missense_variant.")
    rs_id = django_filters.CharFilter(
        method="by_rs_id", validators=[RegexValidator(r"^rs[0-9]{1,18}$", code="pattern")]
    )

    class Meta:
        model = Variant
        fields: ClassVar[list[str]] = []

    def by_region(self, queryset: VariantQuerySet, name: str, region: Region) -> VariantQuerySet:
        return queryset.overlapping(region)

    def by_passed(self, queryset: VariantQuerySet, name: str, answer: bool) -> VariantQuerySet:
        return queryset.passed(answer)

    def by_rs_id(self, queryset: VariantQuerySet, name: str, rs_id: str) -> VariantQuerySet:
        return queryset.known_as(rs_id)
