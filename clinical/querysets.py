"""Every question asked of this service's tables, by name."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, Subquery
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT

from chassis.models import RecordQuerySet
from chassis.representation import JSONText

from .choices import ACTIVE


class PatientQuerySet(RecordQuerySet[Any]):
    """Questions about people."""

    def same_person(self, patient_id: Any) -> Self:
        """The record, and those that were merged into it: what others may still know the person by."""
        return self.filter(Q(pk=patient_id) | Q(merged_into=patient_id))


class DiagnosisQuerySet(RecordQuerySet[Any]):
    """Questions about diagnoses."""

    def coded(self, code: str) -> Self:
        """By the primary coding."""
        return self.annotate(primary_code=KT("codings__0__code")).filter(primary_code=code)

    def active(self) -> Self:
        """What counts for one active diagnosis per patient and primary code."""
        return self.filter(clinical_status__in=ACTIVE).exclude(status="refuted")

    def primary_codings(self) -> Any:
        """System and code of each primary coding."""
        return self.annotate(system=KT("codings__0__system"), code=KT("codings__0__code")).values_list("system", "code")


class GenomicLinkQuerySet(RecordQuerySet[Any]):
    """Questions about links."""

    def pending(self, *, after: UUID | None = None) -> Self:
        """Those that the other service has not answered yet, oldest first, beginning after one of them."""
        waiting = self.filter(verification="pending", status="recorded").order_by("id")
        return waiting.filter(id__gt=after) if after else waiting


class ConsultationQuerySet(RecordQuerySet[Any]):
    """Questions about consultations."""

    def whole(self, consultation: Combinable, *, patient: Combinable, **below: Combinable) -> Any:
        """JSON texts: the consultation, its patient, who was merged into them, and what stands below it, by relation.

        Each is built by the expression given. One statement, so that no part is older than another.
        """
        merged = self._related("patient", merged_into=OuterRef("patient_id")).order_by("id")
        parts = {
            "consultation": consultation,
            "patient": Subquery(self._related("patient", pk=OuterRef("patient_id")).values(shown=patient)),
            "merged": ArraySubquery(merged.values(shown=patient)),
        }
        for name, shown in below.items():
            entries = self._related(name, consultation=OuterRef("pk")).order_by("id")
            parts[name] = ArraySubquery(entries.values(shown=shown))
        return self.values_list(JSONText(**parts), flat=True)

    def _related(self, name: str, **lookup: Any) -> Any:
        """Within the organization too, with which the indexes lead."""
        related = self.model._meta.get_field(name).related_model._default_manager
        return related.filter(organization=OuterRef("organization"), **lookup)
