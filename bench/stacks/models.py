"""The benched tables as Django models, for the stacks that have them."""

from __future__ import annotations

import os
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

from .tables import ACCESSION, KINDS, ORIGINS

ORGANIZATION = os.environ["BENCH_ORGANIZATION"]


class SampleColumns(models.Model):
    id = models.UUIDField(primary_key=True, db_default=models.Func(function="uuidv7"))
    organization = models.CharField(max_length=100, default=ORGANIZATION)
    accession = models.CharField(max_length=32, validators=[RegexValidator(ACCESSION)])
    patient_id = models.UUIDField()
    kind = models.CharField(max_length=20, choices=[(each, each) for each in KINDS])
    origin = models.CharField(max_length=20, choices=[(each, each) for each in ORIGINS])
    collected_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    parent_id = models.UUIDField(null=True)
    status = models.CharField(max_length=20, default="expected")
    status_reason = models.CharField(max_length=1000, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=250, default="bench")
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.CharField(max_length=250, default="bench")

    class Meta:
        abstract = True
        app_label = "bench"


class Sample(SampleColumns):  # noqa: DJ008
    objects: ClassVar[models.Manager[Sample]] = models.Manager()

    class Meta:
        managed = False
        app_label = "bench"
        db_table = "genomics_sample"


class WrittenSample(SampleColumns):  # noqa: DJ008
    objects: ClassVar[models.Manager[WrittenSample]] = models.Manager()

    class Meta:
        managed = False
        app_label = "bench"
        db_table = "bench_sample"


class Variant(models.Model):  # noqa: DJ008
    objects: ClassVar[models.Manager[Variant]] = models.Manager()

    pk = models.CompositePrimaryKey("analysis_id", "id")
    analysis_id = models.UUIDField()
    id = models.UUIDField()
    chrom = models.SmallIntegerField()
    pos = models.IntegerField()
    end_pos = models.IntegerField()
    ref = models.TextField()
    alt = models.TextField()
    kind = models.TextField()
    genotype = models.TextField()
    zygosity = models.TextField()
    qual = models.FloatField(null=True)
    filters = ArrayField(models.TextField(), null=True)
    depth = models.IntegerField(null=True)
    depth_ref = models.IntegerField(null=True)
    depth_alt = models.IntegerField(null=True)
    genotype_quality = models.IntegerField(null=True)
    rs_ids = ArrayField(models.TextField(), null=True)
    gene_symbol = models.TextField(null=True)
    consequence = models.TextField(null=True)
    hgvs_c = models.TextField(null=True)
    hgvs_p = models.TextField(null=True)
    record_line = models.IntegerField()
    alt_index = models.SmallIntegerField()
    info = models.JSONField()

    class Meta:
        managed = False
        app_label = "bench"
        db_table = "genomics_variant"
