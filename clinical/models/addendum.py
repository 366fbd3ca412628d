"""What is added to a consultation after its end."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models

from chassis.constraints import Rule, listing
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import status_field

from .. import choices
from .consultation import Consultation


@tracked
class Addendum(Record):
    """A late note to a consultation that has ended. Never edited, never deleted: a wrong one is entered in error."""

    machine = choices.ADDENDUM_MACHINE
    consultation = models.ForeignKey(
        Consultation, models.PROTECT, db_constraint=False, db_index=False, related_name="addenda"
    )
    note = models.TextField()
    status = status_field(choices.EntryStatus, choices.ADDENDUM_MACHINE)

    database_rules: ClassVar = {
        "addendum_consultation": Rule("", "unknown-reference", "There is no such consultation."),
        "consultation_closed": Rule("", "consultation-open", "The consultation has not ended.", conflict=True),
    }

    class Meta:
        verbose_name_plural = "addenda"
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.ADDENDUM_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="content", fields=["consultation", "note"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]
        indexes: ClassVar = [listing("consultation", name="list"), listing("consultation", "status", name="by_status")]
