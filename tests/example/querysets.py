"""Every question asked of this service's tables, by name."""

from __future__ import annotations

from typing import Any, Self

from chassis.models import RecordQuerySet


class SpecimenQuerySet(RecordQuerySet[Any]):
    """Questions about specimens."""

    def as_exported(self) -> Self:
        """In the order of an export, the same every time."""
        return self.order_by("created_at", "id")
