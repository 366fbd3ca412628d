"""Demo data for development, made by the operations that the API calls, so that it cannot hold what the API would refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from chassis.history import recorded
from chassis.issuers import Caller

from . import operations
from .models import Specimen

TECHNICIAN = Caller("development:m-santos", "m-santos", "st-elsewhere", frozenset())
PATIENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def seed() -> str:
    """Makes the demo once; answers one line that says what there is."""
    if not Specimen.objects.exists():
        with recorded(TECHNICIAN):
            blood = operations.register(
                caller=TECHNICIAN,
                accession="S-2026-1001",
                patient_id=PATIENT,
                kind="blood",
                origin="germline",
                received_at=datetime(2026, 11, 18, 10, 5, tzinfo=UTC),
            )
            operations.move(blood, caller=TECHNICIAN, to="available", reason="")
            operations.register(
                caller=TECHNICIAN,
                accession="S-2026-1001-D",
                patient_id=PATIENT,
                kind="dna",
                origin="germline",
                parent_id=blood.pk,
            )
    return f"{Specimen.objects.count()} samples"
