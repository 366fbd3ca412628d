"""What was observed of a patient."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from chassis.constraints import Rule, listing, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, rules
from .consultation import Consultation
from .moments import IsNotAfter, IsOnset, LatestDate, moment_field


@tracked
class Phenotype(Record):
    """A phenotypic feature that a consultation found, or excluded (Phenopackets v2 PhenotypicFeature)."""

    machine = choices.ENTRY_MACHINE
    consultation = models.ForeignKey(
        Consultation, models.PROTECT, db_constraint=False, db_index=False, related_name="phenotypes"
    )
    term = models.CharField(max_length=10)
    excluded = models.BooleanField(default=False)
    onset = moment_field()
    status = status_field(choices.EntryStatus, choices.ENTRY_MACHINE)

    database_rules: ClassVar = {
        "phenotype_consultation": Rule("", "unknown-reference", "There is no such consultation."),
        "consultation_open": Rule("", "consultation-ended", "The consultation has ended.", conflict=True),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.ENTRY_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["consultation"]),
            frozen("settled", ["term", "excluded", "onset"], once=~pgtrigger.Q(old__status="recorded")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["consultation", "term"],
                condition=Q(status="recorded"),
                name="%(app_label)s_%(class)s_once",
                violation_error_code="duplicate",
                violation_error_message="The consultation has this term already.",
            ),
            rule("term", Q(term__regex=rules.PHENOTYPE), "Must be a term of HPO such as HP:0001250."),
            rule("onset", IsOnset("onset"), "Must be a partial date, an ISO 8601 age, or an onset term of HPO."),
            rule("onset_in_future", IsNotAfter("onset", LatestDate("updated_at")), "Must not lie in the future."),
        ]
        indexes: ClassVar = [listing("consultation", name="list"), listing("consultation", "status", name="by_status")]
