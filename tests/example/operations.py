"""Every write of this service that has a rule of its own: keyword-only, in the caller's transaction, on locked rows.

What has none is written by chassis/records.py as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from chassis import records
from chassis.issuers import Caller
from chassis.problems import Problem

from . import metrics
from .models import Specimen
from .rules import UNFIT

IDENTITY = ("patient_id", "accession", "parent_id")


def register(*, caller: Caller, parent_id: UUID | None = None, **values: Any) -> Specimen:
    """Raises Problem: invalid for a parent that the caller does not have, wrong-state for one that is unfit."""
    if parent_id is not None:
        parent = records.reference(Specimen.objects.for_caller(caller), pointer="/parent", id=parent_id)
        if parent.status in UNFIT:
            raise Problem("wrong-state", f"The parent is {parent.status}.")
    return records.create(Specimen, caller=caller, parent_id=parent_id, **values)


def edit(specimen: Specimen, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable: whose specimen it is, and its name, are fixed once it is available."""
    changed = [name for name in IDENTITY if name in values and values[name] != getattr(specimen, name)]
    if changed and specimen.status != "expected":
        words = "patient_id, accession and parent are fixed once a sample is available."
        raise Problem("not-editable", words, current=specimen.status)
    records.edit(specimen, caller=caller, **values)


def move(specimen: Specimen, *, caller: Caller, to: str, reason: str) -> None:
    """Raises Problem wrong-state when a specimen without received_at is to become available."""
    specimen.machine.check(specimen.status, to, reason)
    if to == "available" and specimen.received_at is None:
        raise Problem("wrong-state", "A sample becomes available once received_at is set.")
    records.move(specimen, caller=caller, to=to, reason=reason)
    if to == "exhausted":
        transaction.on_commit(metrics.specimens_discarded.count)


def keep_picture(*, caller: Caller, specimen_id: UUID, body: Iterable[bytes]) -> Specimen:
    """Keeps digest and size of a picture that is read while it arrives. Raises Problem: not-editable, unprocessable-file."""
    specimen: Specimen = records.locked(Specimen.objects.for_caller(caller), pk=specimen_id)
    digest, size = hashlib.sha256(), 0
    for piece in body:
        digest.update(piece)
        size += len(piece)
    if not size:
        raise Problem("unprocessable-file", "The picture is empty.")
    return records.edit(specimen, caller=caller, picture={"sha256": digest.hexdigest(), "bytes": size})
