"""django-ninja: schemas of pydantic over Django's models, pages by key and without a COUNT."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal, Self

from bench.stacks.setup import configure

configure(__name__, ["ninja"])

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import IntegrityError, connection  # noqa: E402
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.cache import get_conditional_response  # noqa: E402
from ninja import Field, NinjaAPI, Schema  # noqa: E402
from ninja.errors import HttpError  # noqa: E402
from pydantic import AwareDatetime, model_validator  # noqa: E402

from bench.stacks.models import ORGANIZATION, Sample, Variant, WrittenSample  # noqa: E402
from bench.stacks.tables import ACCESSION, CHROMOSOMES, LOOK_BACK, fault_of_moments  # noqa: E402

api = NinjaAPI(docs_url=None)
Kind = Literal["blood", "saliva", "tissue", "amniotic-fluid", "dna", "rna", "other"]
Origin = Literal["germline", "somatic", "fetal", "unknown"]


class NewSample(Schema):
    accession: str = Field(pattern=ACCESSION)
    patient_id: uuid.UUID
    kind: Kind
    origin: Origin
    collected_at: AwareDatetime | None = None
    received_at: AwareDatetime | None = None
    parent: uuid.UUID | None = None

    @model_validator(mode="after")
    def moments(self) -> Self:
        if fault := fault_of_moments(self.collected_at, self.received_at):
            raise ValueError(fault)
        return self


class SampleOut(Schema):
    id: uuid.UUID
    accession: str
    patient_id: uuid.UUID
    kind: str
    origin: str
    collected_at: dt.datetime | None
    received_at: dt.datetime | None
    parent: uuid.UUID | None = Field(alias="parent_id")
    status: str
    status_reason: str
    version: int
    created_at: dt.datetime
    created_by: str
    updated_at: dt.datetime
    updated_by: str


class VariantOut(Schema):
    id: uuid.UUID
    chrom: str
    pos: int
    end_pos: int
    ref: str
    alt: str
    kind: str
    genotype: str
    zygosity: str
    qual: float | None
    filters: list[str] | None
    depth: int | None
    depth_ref: int | None
    depth_alt: int | None
    genotype_quality: int | None
    rs_ids: list[str] | None
    gene_symbol: str | None
    consequence: str | None
    hgvs_c: str | None
    hgvs_p: str | None
    record_line: int
    alt_index: int
    info: dict[str, Any]

    @staticmethod
    def resolve_chrom(variant: Variant) -> str:
        return CHROMOSOMES[variant.chrom - 1]


class Samples(Schema):
    results: list[SampleOut]
    next: str | None


class Variants(Schema):
    results: list[VariantOut]
    next: str | None


@api.get("/samples/{sample_id}", response=SampleOut)
def one(request: HttpRequest, response: HttpResponse, sample_id: uuid.UUID) -> Any:
    sample = get_object_or_404(Sample, organization=ORGANIZATION, pk=sample_id)
    response["ETag"] = f'"{sample.version}"'
    # Django's own: 304, or nothing to say.
    return get_conditional_response(request, etag=response["ETag"]) or sample


@api.get("/samples", response=Samples)
def page(request: HttpRequest, after: str = "") -> dict[str, Any]:
    found = Sample.objects.filter(organization=ORGANIZATION).order_by("-created_at", "-id")
    if after:
        at, _, last = after.partition(",")
        found = found.filter(TupleLessThan(Tuple("created_at", "id"), (dt.datetime.fromisoformat(at), uuid.UUID(last))))
    rows = list(found[:51])
    more = f"{rows[49].created_at.isoformat()},{rows[49].id}" if len(rows) > 50 else None
    return {"results": rows[:50], "next": more}


@api.get("/analyses/{analysis}/variants", response=Variants)
def region(request: HttpRequest, analysis: uuid.UUID, region: str, limit: int) -> dict[str, Any]:
    chrom, _, span = region.partition(":")
    start, end = map(int, span.split("-"))
    found = Variant.objects.filter(analysis_id=analysis, chrom=int(chrom), pos__gte=start - LOOK_BACK, pos__lte=end)
    return {"results": list(found.filter(end_pos__gte=start).order_by("chrom", "pos", "id")[:limit]), "next": None}


@api.post("/samples", response={201: SampleOut})
def create(request: HttpRequest, sent: NewSample) -> tuple[int, WrittenSample]:
    values = sent.dict()
    values["parent_id"] = values.pop("parent")
    try:
        made = WrittenSample.objects.create(**values)
    except IntegrityError:
        raise HttpError(409, "A sample with this accession exists already.") from None
    made.refresh_from_db()
    return 201, made


probes = NinjaAPI(docs_url=None, urls_namespace="probes")


@probes.get("/livez")
def livez(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok"}


@probes.get("/readyz")
def readyz(request: HttpRequest) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": "ok"}


urlpatterns = [path("genomics/v1/", api.urls), path("", probes.urls)]
application = get_wsgi_application()
