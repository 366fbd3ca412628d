"""FastAPI with SQLAlchemy's ORM on asyncpg: schemas of pydantic, pages by key and without a COUNT."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import ARRAY, TIMESTAMP, Text, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.stacks.tables import ACCESSION, CHROMOSOMES, LOOK_BACK, fault_of_moments

ORGANIZATION = os.environ["BENCH_ORGANIZATION"]
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=4, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI(openapi_url=None)


class Base(DeclarativeBase):
    type_annotation_map = {dt.datetime: TIMESTAMP(timezone=True), dict[str, Any]: JSONB, list[str]: ARRAY(Text)}  # noqa: RUF012


class SampleColumns:
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    organization: Mapped[str] = mapped_column(default=ORGANIZATION)
    accession: Mapped[str]
    patient_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    origin: Mapped[str]
    collected_at: Mapped[dt.datetime | None]
    received_at: Mapped[dt.datetime | None]
    parent_id: Mapped[uuid.UUID | None]
    status: Mapped[str] = mapped_column(default="expected")
    status_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str] = mapped_column(default="bench")
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str] = mapped_column(default="bench")


class Sample(SampleColumns, Base):
    __tablename__ = "genomics_sample"


class WrittenSample(SampleColumns, Base):
    __tablename__ = "bench_sample"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012


class Variant(Base):
    __tablename__ = "genomics_variant"
    analysis_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chrom: Mapped[int]
    pos: Mapped[int]
    end_pos: Mapped[int]
    ref: Mapped[str]
    alt: Mapped[str]
    kind: Mapped[str]
    genotype: Mapped[str]
    zygosity: Mapped[str]
    qual: Mapped[float | None]
    filters: Mapped[list[str] | None]
    depth: Mapped[int | None]
    depth_ref: Mapped[int | None]
    depth_alt: Mapped[int | None]
    genotype_quality: Mapped[int | None]
    rs_ids: Mapped[list[str] | None]
    gene_symbol: Mapped[str | None]
    consequence: Mapped[str | None]
    hgvs_c: Mapped[str | None]
    hgvs_p: Mapped[str | None]
    record_line: Mapped[int]
    alt_index: Mapped[int]
    info: Mapped[dict[str, Any]]


class NewSample(BaseModel):
    accession: str = Field(pattern=ACCESSION)
    patient_id: uuid.UUID
    kind: Literal["blood", "saliva", "tissue", "amniotic-fluid", "dna", "rna", "other"]
    origin: Literal["germline", "somatic", "fetal", "unknown"]
    collected_at: AwareDatetime | None = None
    received_at: AwareDatetime | None = None
    parent: uuid.UUID | None = None

    @model_validator(mode="after")
    def moments(self) -> Self:
        if fault := fault_of_moments(self.collected_at, self.received_at):
            raise ValueError(fault)
        return self


class SampleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    accession: str
    patient_id: uuid.UUID
    kind: str
    origin: str
    collected_at: dt.datetime | None
    received_at: dt.datetime | None
    parent: uuid.UUID | None = Field(validation_alias="parent_id")
    status: str
    status_reason: str
    version: int
    created_at: dt.datetime
    created_by: str
    updated_at: dt.datetime
    updated_by: str


class VariantOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
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

    @field_validator("chrom", mode="before")
    @classmethod
    def named(cls, chrom: int) -> str:
        return CHROMOSOMES[chrom - 1]


class Samples(BaseModel):
    results: list[SampleOut]
    next: str | None


class Variants(BaseModel):
    results: list[VariantOut]
    next: str | None


async def session() -> Any:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@app.get("/genomics/v1/samples/{sample_id}", response_model=SampleOut)
async def one(sample_id: uuid.UUID, session: Session, request: Request, response: Response) -> Any:
    question = select(Sample).where(Sample.organization == ORGANIZATION, Sample.id == sample_id)
    found = (await session.execute(question)).scalar_one_or_none()
    if found is None:
        raise HTTPException(404)
    response.headers["ETag"] = tag = f'"{found.version}"'
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return found


@app.get("/genomics/v1/samples", response_model=Samples)
async def page(session: Session, after: str = "") -> dict[str, Any]:
    question = select(Sample).where(Sample.organization == ORGANIZATION)
    if after:
        at, _, last = after.partition(",")
        bound = (dt.datetime.fromisoformat(at), uuid.UUID(last))
        question = question.where(tuple_(Sample.created_at, Sample.id) < bound)
    question = question.order_by(Sample.created_at.desc(), Sample.id.desc()).limit(51)
    rows = (await session.execute(question)).scalars().all()
    more = f"{rows[49].created_at.isoformat()},{rows[49].id}" if len(rows) > 50 else None
    return {"results": rows[:50], "next": more}


@app.get("/genomics/v1/analyses/{analysis}/variants", response_model=Variants)
async def region(analysis: uuid.UUID, region: str, limit: int, session: Session) -> dict[str, Any]:
    chrom, _, span = region.partition(":")
    start, end = map(int, span.split("-"))
    question = select(Variant).where(
        Variant.analysis_id == analysis,
        Variant.chrom == int(chrom),
        Variant.pos >= start - LOOK_BACK,
        Variant.pos <= end,
        Variant.end_pos >= start,
    )
    question = question.order_by(Variant.chrom, Variant.pos, Variant.id).limit(limit)
    return {"results": (await session.execute(question)).scalars().all(), "next": None}


@app.post("/genomics/v1/samples", status_code=201, response_model=SampleOut)
async def create(sent: NewSample, session: Session) -> WrittenSample:
    values = sent.model_dump()
    made = WrittenSample(parent_id=values.pop("parent"), **values)
    session.add(made)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "A sample with this accession exists already.") from None
    return made


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def readyz(session: Session) -> dict[str, str]:
    await session.execute(text("SELECT 1"))
    return {"status": "ok"}
