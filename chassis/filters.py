"""Query parameters, strictly: a parameter nobody declared, or one given twice, is a mistake the client should hear of."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from .pagination import KeysetPagination
from .problems import MAX_FAULTS, Problem
from .text import control_character, normalised


class BooleanField(forms.Field):
    """`true` or `false`, as JSON writes them; Django's own would take anything else for absent."""

    def to_python(self, value: Any) -> bool | None:
        if value in {None, ""}:
            return None
        if value not in {"true", "false"}:
            raise forms.ValidationError("Must be true or false.", code="invalid-choice")
        return bool(value == "true")

    def clean(self, value: Any) -> bool | None:
        return self.to_python(value)


class BooleanFilter(django_filters.BooleanFilter):
    field_class = BooleanField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, widget=forms.TextInput, **options)


class TextFilter(django_filters.CharFilter):
    """Compares text in the form in which it is stored: a client may have typed it decomposed."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return cast("QuerySet[Any]", super().filter(qs, normalised(value)))


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with problems for what it cannot use."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        check_parameters(request, self._declared(view))
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise Problem(
                "invalid",
                errors=[
                    {
                        "parameter": name,
                        "code": str(error.code or "invalid").replace("_", "-"),
                        "message": _message(filterset.form.fields[name], error),
                    }
                    for name, errors in filterset.errors.as_data().items()
                    for error in errors
                ],
            )
        return cast("QuerySet[Any]", filterset.qs)

    def _declared(self, view: Any) -> set[str]:
        filterset_class = getattr(view, "filterset_class", None)
        return {*KeysetPagination.parameters, *(filterset_class.base_filters if filterset_class else ())}


def _message(field: Any, error: Any) -> str:
    if error.code == "invalid_choice":  # Django's words would quote what the client sent
        return f"Must be one of {', '.join(str(word) for word, _ in field.choices if word)}."
    return " ".join(map(str, error))


def check_parameters(request: Request, declared: set[str]) -> None:
    """Raises Problem invalid for a query parameter that is unknown, given twice, or holds a control character."""
    faults = []
    for name, values in request.query_params.lists():
        # An unknown name is not echoed: what a client mistypes into a URL may be anything.
        if name not in declared:
            faults.append(
                {
                    "parameter": "",
                    "code": "unknown-parameter",
                    "message": f"Known here: {', '.join(sorted(declared)) or 'none'}.",
                }
            )
        elif len(values) > 1:
            faults.append({"parameter": name, "code": "repeated", "message": "Must be given once."})
        elif control_character(values[0], multiline=False):
            faults.append(
                {"parameter": name, "code": "control-character", "message": "Must not hold control characters."}
            )
        elif not normalised(values[0]):  # blanks alone would switch a filter off
            faults.append({"parameter": name, "code": "empty", "message": "Must not be empty; leave it out instead."})
    if faults:
        raise Problem("invalid", errors=faults[:MAX_FAULTS])
