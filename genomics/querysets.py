"""Every question asked of this service's tables, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Q, Subquery, Value
from django.db.models.functions import Least

from chassis.models import RecordQuerySet

from .choices import SIGNED
from .rules import LOOK_BACK, Region

if TYPE_CHECKING:
    from chassis.issuers import Caller


MAX_FILTER_NAMES = 1000
# In the SQL itself: once a statement is planned for any values, its parameters cannot tell PostgreSQL that the partial
# index of long variants serves it.
LOOK_BACK_BASES = models.Func(template=str(LOOK_BACK), output_field=models.IntegerField())


class IsOneOf(models.Func):
    """`column = ANY(array)`."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


class VariantQuerySet(models.QuerySet[Any]):
    """Questions about the variants of one analysis."""

    def of_analysis(self, analysis_id: Any) -> Self:
        return self.filter(analysis=analysis_id)

    def for_caller(self, caller: Caller) -> Self:
        """Joins the one row of the analysis, whose organization the variants share."""
        return self.filter(analysis__organization=caller.organization)

    def overlapping(self, region: Region) -> Self:
        """Variants that share a base with the region, by the index on position.

        The scan starts LOOK_BACK bases before the region, or where the earliest longer variant that reaches into it
        starts; that one comes from a partial index of long variants. Costs the rows between that start and the region.
        """
        long_ones = self.filter(
            chrom=region.chrom, pos__lt=region.start, end_pos__gte=region.start, end_pos__gt=F("pos") + LOOK_BACK_BASES
        ).order_by("pos")
        # LEAST passes over nulls, so no long variant means no more than the usual look back.
        earliest = Least(Subquery(long_ones.values("pos")[:1]), Value(region.start) - LOOK_BACK_BASES)
        return self.filter(chrom=region.chrom, pos__gte=earliest, pos__lte=region.end, end_pos__gte=region.start)

    def known_as(self, rs_id: str) -> Self:
        """By dbSNP id. Nearly every record has one or none, which a plain index answers; the rest have a small one.

        The ids are looked up first: with a plain OR the planner overestimates and reads the analysis in order instead.
        """
        # PostgreSQL does not conclude from rs_ids[1] = ... that rs_ids is not null, the condition of the first index.
        first = self.filter(rs_ids__isnull=False, rs_ids__0=rs_id).values("id")
        later = self.filter(rs_ids__len__gt=1, rs_ids__contains=[rs_id]).values("id")
        return self.filter(Q(IsOneOf("id", ArraySubquery(first))) | Q(IsOneOf("id", ArraySubquery(later))))

    def passed(self, answer: bool) -> Self:
        """PASS is stored as an empty list; null means that no filter was applied."""
        return self.filter(filters=[]) if answer else self.exclude(filters=[]).filter(filters__isnull=False)

    def filter_names(self) -> list[str]:
        """The filters that variants failed, for the header of an export: all, unless a file made up thousands.

        Reads all rows once.
        """
        names = self.order_by().annotate(
            name=models.Func("filters", function="unnest", output_field=models.TextField())
        )
        return list(names.values_list("name", flat=True).distinct().order_by("name")[:MAX_FILTER_NAMES])


class FindingQuerySet(RecordQuerySet[Any]):
    """Questions about classifications."""

    def named_by(self, findings: Iterable[Any]) -> Self:
        """In one order, whoever asks: what is signed depends on it."""
        return self.filter(pk__in=findings).order_by("id")

    def confirmed_in(self, analysis_id: Any) -> Self:
        return self.filter(analysis=analysis_id, status="confirmed").order_by("id")


class ReportQuerySet(RecordQuerySet[Any]):
    """Questions about reports."""

    def with_subject(self) -> Self:
        """With the analysis, its sample and the report that is replaced (but for what that one says), by joins."""
        return self.select_related("analysis__sample", "replaces").defer("replaces__content")

    def current_of(self, analysis_id: Any) -> Self:
        """The signed report that nothing has superseded: at most one, since no second first report is signed."""
        return self.filter(analysis=analysis_id, status__in=SIGNED)
