"""Variants: the one large table."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from chassis.constraints import one_of

from .. import choices, querysets, rules
from .analysis import Analysis


class Variant(models.Model):
    """One ALT allele called in the chosen sample. Written by COPY alone, never changed; see docs/adr/0005.

    `pos` and `end_pos` are 1-based and inclusive, after trimming; `chrom` is 1 to 25 (23 X, 24 Y, 25 MT). `id` is the
    digest of the allele, the same in every analysis; with the analysis it is the primary key.
    """

    # No constraint in the database: checked row by row it costs what the dearest index costs. The ingestion holds the analysis's
    # row, and a trigger refuses the deletion of an analysis that has left its first state.
    analysis = models.ForeignKey(Analysis, models.PROTECT, db_constraint=False, db_index=False, related_name="variants")
    id = models.UUIDField()
    chrom = models.SmallIntegerField()
    pos = models.IntegerField()
    end_pos = models.IntegerField()
    ref = models.TextField()
    alt = models.TextField()
    kind = models.CharField(max_length=20, choices=choices.VariantKind.choices)
    genotype = models.CharField(max_length=200)
    zygosity = models.CharField(max_length=20, choices=choices.Zygosity.choices)
    qual = models.FloatField(null=True)
    filters = ArrayField(models.TextField(), null=True)
    depth = models.IntegerField(null=True)
    depth_ref = models.IntegerField(null=True)
    depth_alt = models.IntegerField(null=True)
    genotype_quality = models.IntegerField(null=True)
    rs_ids = ArrayField(models.TextField(), null=True)
    gene_symbol = models.CharField(max_length=64, null=True)  # null says "not annotated"
    consequence = models.CharField(max_length=100, null=True)
    hgvs_c = models.CharField(max_length=400, null=True)
    hgvs_p = models.CharField(max_length=400, null=True)
    record_line = models.IntegerField()
    alt_index = models.SmallIntegerField()
    info = models.JSONField()

    pk = models.CompositePrimaryKey("analysis", "id")
    objects = querysets.VariantQuerySet.as_manager()

    class Meta:
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(chrom__range=(1, 25), pos__gte=1, end_pos__gte=F("pos")),
                name="%(app_label)s_%(class)s_position",
            ),
            one_of("kind", choices.VariantKind),
            one_of("zygosity", choices.Zygosity),
        ]
        indexes: ClassVar = [
            models.Index(fields=["analysis", "chrom", "pos", "id"], name="%(app_label)s_%(class)s_position"),
            models.Index(
                fields=["analysis", "chrom", "pos"],
                include=["end_pos"],
                condition=Q(end_pos__gt=F("pos") + rules.LOOK_BACK),
                name="%(app_label)s_%(class)s_long",
            ),
            models.Index(
                fields=["analysis", "gene_symbol", "chrom", "pos", "id"],
                condition=Q(gene_symbol__isnull=False),
                name="%(app_label)s_%(class)s_gene",
            ),
            models.Index(
                "analysis", "rs_ids__0", condition=Q(rs_ids__isnull=False), name="%(app_label)s_%(class)s_rs_id"
            ),
            models.Index(fields=["analysis"], condition=Q(rs_ids__len__gt=1), name="%(app_label)s_%(class)s_rs_ids"),
        ]

    def __str__(self) -> str:
        return str(self.id)
