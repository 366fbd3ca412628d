"""People's classifications of variants."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.db.models.lookups import Regex

from chassis.constraints import Rule, listing, one_of, rule
from chassis.history import tracked
from chassis.models import Record
from chassis.transitions import frozen, status_field

from .. import choices, querysets, rules
from .analysis import Analysis


class CriteriaAreDistinct(models.Func):
    """The SQL function that migration 0001 makes: no ACMG/AMP code stands twice, with whatever strength."""

    function = "criteria_are_distinct"
    output_field = models.BooleanField()


@tracked
class Finding(Record):
    """A person's classification of a variant (Phenopackets v2 VariantInterpretation)."""

    machine = choices.FINDING_MACHINE
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="findings")
    # With the analysis it references a variant: the named composite foreign key of migration 0002, which no field of
    # Django's can declare (a ForeignObject makes none).
    variant = models.UUIDField()
    classification = models.CharField(max_length=30, choices=choices.Classification.choices)
    criteria = ArrayField(models.CharField(max_length=20), default=list)
    condition = models.CharField(max_length=20, null=True)
    inheritance = models.CharField(max_length=20, null=True, choices=choices.Inheritance.choices)
    comment = models.TextField(default="")
    supersedes = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="successors"
    )
    status = status_field(choices.FindingStatus, choices.FINDING_MACHINE)

    objects: ClassVar[Any] = querysets.FindingQuerySet.as_manager()

    database_rules: ClassVar = {
        "finding_variant": Rule("/variant", "unknown-reference", "The analysis has no such variant."),
        "finding_analysis": Rule("/analysis", "unknown-reference", "There is no such record."),
        "finding_supersedes": Rule("/supersedes", "unknown-reference", "There is no such finding of this variant."),
    }

    class Meta:
        triggers: ClassVar = [
            *Record.Meta.triggers,
            *choices.FINDING_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="subject", fields=["analysis", "variant", "supersedes"]),
            frozen(
                "settled",
                ["classification", "criteria", "condition", "inheritance", "comment"],
                once=~pgtrigger.Q(old__status="draft"),
            ),
        ]
        constraints: ClassVar = [
            # Target of the composite foreign key in migration 0002.
            models.UniqueConstraint(fields=["id", "analysis", "variant"], name="%(app_label)s_%(class)s_key"),
            models.UniqueConstraint(
                fields=["analysis", "condition", "variant"],
                condition=Q(status="confirmed"),
                nulls_distinct=False,
                name="%(app_label)s_%(class)s_confirmed_once",
                violation_error_code="duplicate",
                violation_error_message="This variant has a confirmed finding for this condition; supersede that one.",
            ),
            models.UniqueConstraint(
                fields=["supersedes"],
                condition=Q(status__in=["draft", "confirmed", "superseded"]),
                name="%(app_label)s_%(class)s_superseded_once",
                violation_error_code="duplicate",
                violation_error_message="Another finding supersedes that one already.",
            ),
            one_of("classification", choices.Classification),
            one_of("inheritance", choices.Inheritance),
            rule(
                "condition_required",
                Q(condition__isnull=False) | ~Q(classification__in=choices.PATHOGENIC_TIERS),
                "Is required for a pathogenic or likely pathogenic finding.",
            ),
            rule(
                "condition",
                Q(condition__regex=rules.CONDITION),
                "Must be a MONDO, OMIM or ORPHA identifier such as MONDO:0016054.",
            ),
            rule(
                "criteria",
                # An array's own text quotes an element that holds a comma, so no element can pass for two.
                Regex(Cast("criteria", models.TextField()), rf"^\{{({rules.CRITERION}(,{rules.CRITERION})*)?\}}$"),
                "Must be ACMG/AMP 2015 codes.",
            ),
            rule("criteria_repeated", CriteriaAreDistinct("criteria"), "Uses a code twice."),
        ]
        indexes: ClassVar = [
            listing(name="list"),
            listing("analysis", name="by_analysis"),
            listing("status", name="by_status"),
            # What the foreign key of a variant, and a variant's findings, are found by.
            models.Index(fields=["analysis", "variant"], name="%(app_label)s_%(class)s_variant"),
        ]
