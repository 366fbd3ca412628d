"""Query parameters, strictly: a parameter nobody declared, or one given twice, is a mistake the client should hear of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from .pagination import KeysetPagination
from .problems import MAX_FAULTS, Problem
from .statements import Question, Values
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


class TextField(forms.CharField):
    """Cleans to the form in which text is stored: a client may have typed it decomposed."""

    def clean(self, value: Any) -> str:
        return normalised(super().clean(value))


class TextFilter(django_filters.CharFilter):
    field_class = TextField


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with problems for what it cannot use.

    It cleans the parameters that are given, and makes no form of all of them: that costs a millisecond. A filterset has
    no say in it beyond its filters and their fields.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        return _filtered(view, queryset, self.given(request, view))

    def narrow(self, request: Request, question: Question, view: Any) -> Question:
        """The question with the filters that the request gives. Choices are part of its kind, as booleans are."""
        given = self.given(request, view)
        if not given:
            return question
        chosen = {name: value for name, value in given.items() if isinstance(_field(view, name), forms.ChoiceField)}
        free = {f"?{name}": value for name, value in given.items() if name not in chosen}

        def narrowed(queryset: Any, values: Values) -> QuerySet[Any]:
            return _filtered(view, queryset, {name: chosen.get(name) or values[f"?{name}"] for name in given})

        return question.narrowed((*given, *chosen.items()), narrowed, **free)

    def given(self, request: Request, view: Any) -> dict[str, Any]:
        """The cleaned value of each filter that the request names. Raises Problem invalid."""
        filters = view.filterset_class.base_filters if getattr(view, "filterset_class", None) else {}
        check_parameters(request, {*KeysetPagination.parameters, *filters})
        values, faults = {}, []
        for name in filters:
            if name not in request.query_params:
                continue
            field = _field(view, name)
            try:
                values[name] = field.clean(field.widget.value_from_datadict(request.query_params, {}, name))
            except forms.ValidationError as found:
                faults += [
                    {
                        "parameter": name,
                        "code": str(error.code or "invalid").replace("_", "-"),
                        "message": _message(field, error),
                    }
                    for error in found.error_list
                ]
        if faults:
            raise Problem("invalid", errors=faults)
        return values


def _field(view: Any, name: str) -> forms.Field:
    return cast("forms.Field", view.filterset_class.base_filters[name].field)


def _filtered(view: Any, queryset: Any, values: Mapping[str, Any]) -> QuerySet[Any]:
    filters = view.filterset_class({}, queryset=queryset).filters if values else {}
    for name, value in values.items():
        queryset = filters[name].filter(queryset, value)
    return cast("QuerySet[Any]", queryset)


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
