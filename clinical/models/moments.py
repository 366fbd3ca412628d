"""Partial dates, ages and terms of onset: columns of text, judged by SQL functions that migration 0001 makes."""

from __future__ import annotations

from django.db import models


class IsPartialDate(models.Func):
    """Whether the text is YYYY, YYYY-MM or YYYY-MM-DD of the calendar; null for null, which a CHECK lets pass."""

    function = "is_partial_date"
    output_field = models.BooleanField()


class IsOnset(models.Func):
    """Whether the text is a partial date, an ISO 8601 age, or a term of onset of HPO."""

    function = "is_onset"
    output_field = models.BooleanField()


class IsNotAfter(models.Func):
    """Whether one moment can lie before or in the other, as far as both are known.

    Dates compare with dates, ages with ages; 1980 neither lies before nor after 1980-05. What cannot be compared passes.
    """

    function = "is_not_after"
    output_field = models.BooleanField()


class IsNotBefore(models.Func):
    """The same with the later one first: a violated rule points to what its condition names first."""

    function = "is_not_before"
    output_field = models.BooleanField()


class LatestDate(models.Func):
    """The date that a timestamp has where the day begins first (UTC+14): nothing real is dated later."""

    template = "to_char(%(expressions)s AT TIME ZONE 'UTC' + interval '14 hours', 'YYYY-MM-DD')::varchar"
    output_field = models.CharField()


def moment_field() -> models.CharField[str | None, str | None]:
    """A column for a partial date, an age or a term."""
    return models.CharField(max_length=20, null=True)
