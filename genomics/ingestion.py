"""From a VCF file on the socket to indexed rows: parsed while it arrives, copied in one transaction, flat in memory."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from opentelemetry import trace
from psycopg.errors import LockNotAvailable

from chassis import records
from chassis.flush import before_end
from chassis.issuers import Caller
from chassis.problems import Problem, invalid
from chassis.tracing import database_span

from . import bulk, metrics
from .choices import INGESTED
from .models import Analysis, Sample, Variant
from .vcf import Allele, Limits, Line, Reader, TooLarge, UnsupportedMedia, VCFError, Window

DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")

tracer = trace.get_tracer(__package__)
_slots = threading.BoundedSemaphore(settings.INGESTIONS_PER_PROCESS)


class Summary(NamedTuple):
    """What a PUT answers. `created` is False when the analysis held this very file already."""

    created: bool
    analysis: Analysis


def ingest(
    *, caller: Caller, analysis_id: UUID, body: Iterable[bytes], vcf_sample: str | None, content_digest: str | None
) -> Summary:
    """Stores the file's variants and makes the analysis ready, or changes nothing.

    Runs inside the caller's transaction. The state `registered`, locked before the first byte is read, is the
    precondition. Raises Problem: in-use, wrong-state, duplicate, unprocessable-file, unsupported-media-type, too-large,
    digest-mismatch, timeout, busy when this process already ingests as many files as it may.
    """
    expected = _expected_digest(content_digest)
    with _slot(), _followed() as outcome:
        analysis = _lock(caller, analysis_id)
        chunks = _Hashed(body)
        _let_the_body_set_the_pace()
        if analysis.status in INGESTED:
            summary = _again(analysis, chunks, vcf_sample)
            outcome.name = "repeated"
            return summary
        if analysis.status != "registered":
            raise Problem(
                "wrong-state",
                f"The analysis is {analysis.status}; a file goes into a registered one.",
                current=analysis.status,
            )
        _refuse_spoilt_sample(analysis)
        reader, window = _store(analysis, chunks, vcf_sample)
        chunks.drain()
        if expected and expected != chunks.sha256.digest():
            raise Problem("digest-mismatch")
        _refuse_same_file(caller, analysis, chunks.sha256.hexdigest())
        _make_ready(analysis, caller, chunks, reader, window)
        trace.get_current_span().add_event("constraints")
        outcome.name = "stored"
        transaction.on_commit(lambda: _count(window))
    return Summary(created=True, analysis=analysis)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise Problem("busy", "Enough files are being ingested just now.", headers={"Retry-After": "10"})
    try:
        yield
    finally:
        _slots.release()


class _Outcome:
    """What became of a file: stored, repeated, refused, or failed."""

    name = "failed"


_under_way: set[_Outcome] = set()


@before_end
def _count_cut_off() -> None:
    metrics.ingestions.count("failed", by=len(_under_way))


@contextmanager
def _followed() -> Iterator[_Outcome]:
    """One span and one measurement for each file, whatever becomes of it. Its events say which phase has ended, and when:

    parse (the last line is read), copy (PostgreSQL has every row), constraints (it has accepted what they say).
    """
    started = time.monotonic()
    outcome = _Outcome()
    _under_way.add(outcome)
    with tracer.start_as_current_span("ingest", record_exception=False, set_status_on_exception=False) as span:
        try:
            yield outcome
        except Exception as error:
            if isinstance(error, Problem) and error.kind.status < 500:
                outcome.name = "refused"
                span.set_attribute("error.type", error.code)
            else:
                span.record_exception(error)
                span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            _under_way.discard(outcome)
            span.set_attribute("careway.ingestion.outcome", outcome.name)
            metrics.ingestion_duration.record(time.monotonic() - started, {"outcome": outcome.name})
            if outcome.name != "stored":
                metrics.ingestions.count(outcome.name)


def _count(window: _Counted) -> None:
    """Of a file that is committed."""
    metrics.ingestions.count("stored")
    metrics.variants_ingested.count(by=window.stored)


def _lock(caller: Caller, analysis_id: UUID) -> Analysis:
    try:
        return Analysis.objects.for_caller(caller).select_for_update(nowait=True).get(pk=analysis_id)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Problem(
                "in-use", "A file is being ingested into this analysis.", headers={"Retry-After": "10"}
            ) from error
        raise


def _let_the_body_set_the_pace() -> None:
    """Its own deadline and minimum rate replace the time-outs of the transaction, before the first byte is read."""
    with connection.cursor() as cursor:
        # One statement: two in one text could not be prepared.
        names = "statement_timeout", "idle_in_transaction_session_timeout"
        cursor.execute("SELECT " + ", ".join(f"set_config('{name}', '0', true)" for name in names))


def _again(analysis: Analysis, chunks: _Hashed, vcf_sample: str | None) -> Summary:
    """A client that lost the connection sends the file once more."""
    chunks.drain()
    same = chunks.sha256.hexdigest() == analysis.file_sha256 and vcf_sample in {None, analysis.vcf_sample}
    if not same:
        raise Problem(
            "wrong-state",
            f"The analysis is {analysis.status} and holds another file or column.",
            current=analysis.status,
        )
    return Summary(created=False, analysis=analysis)


def _refuse_spoilt_sample(analysis: Analysis) -> None:
    status = Sample.objects.values_list("status", flat=True).get(pk=analysis.sample_id)
    if status in {"rejected", "entered-in-error"}:
        raise Problem("wrong-state", f"The analysis's sample is {status}.", current=status)


def _refuse_same_file(caller: Caller, analysis: Analysis, sha256: str) -> None:
    records.locked(Sample.objects.for_caller(caller), pk=analysis.sample_id)  # two analyses of one sample at once
    twin = Analysis.objects.filter(sample=analysis.sample_id, file_sha256=sha256, status__in=INGESTED).first()
    if twin:
        service = analysis._meta.app_label
        raise Problem(
            "duplicate",
            "Another analysis of this sample holds the same file.",
            existing=f"/{service}/v1/analyses/{twin.pk}",
        )


def _store(analysis: Analysis, chunks: Iterable[bytes], vcf_sample: str | None) -> tuple[Reader, _Counted]:
    limits = Limits(
        line_bytes=settings.VCF_LINE_BYTES,
        expanded_bytes=settings.VCF_EXPANDED_BYTES,
        ratio=settings.VCF_EXPANSION_RATIO,
    )
    try:
        reader = Reader(chunks, build=analysis.genome_build, sample=vcf_sample, limits=limits)
        window = _Counted(reader)
        with connection.cursor() as cursor:
            window.stored = _copy(cursor, Variant._meta.db_table, analysis.pk, window.ordered())
            _merge(cursor, analysis, window)
        counters = {"careway.variants.stored": window.stored, "careway.variants.duplicates": window.duplicates}
        trace.get_current_span().add_event("copy", counters)
    except UnsupportedMedia as error:
        raise Problem("unsupported-media-type", error.faults[0].message) from None
    except TooLarge as error:
        raise Problem("too-large", error.faults[0].message) from None
    except VCFError as error:
        samples: dict[str, Any] = {} if error.samples is None else {"samples": error.samples}
        raise Problem("unprocessable-file", errors=[fault._asdict() for fault in error.faults], **samples) from None
    return reader, window


def _make_ready(analysis: Analysis, caller: Caller, chunks: _Hashed, reader: Reader, window: _Counted) -> None:
    records.change(
        analysis,
        caller=caller,
        status="ready",
        vcf_sample=reader.sample,
        file_sha256=chunks.sha256.hexdigest(),
        file_size=chunks.size,
        ingested_at=timezone.now(),
        stored=window.stored,
        skipped_reference=reader.skipped_reference,
        skipped_other_contigs=reader.skipped_other_contigs,
        duplicates=window.duplicates,
        warnings=[*reader.warnings, *window.warnings],
    )


def _copy(cursor: Any, table: str, analysis_id: UUID, alleles: Iterable[Allele]) -> int:
    # Django wraps the errors of its own methods alone: unwrapped, a full disk would be answered 500.
    with connection.wrap_database_errors, database_span("COPY", table) as span:
        count = bulk.copy(cursor, table, analysis_id, alleles)
        span.set_attribute("careway.rows", count)
    return count


def _merge(cursor: Any, analysis: Analysis, window: _Counted) -> None:
    """What came after a step back in the file: staged, reduced to the best of each allele, and added if it is new."""
    rest = window.rest()
    first = next(rest, None)
    if first is None:
        return
    table = Variant._meta.db_table
    columns = ", ".join(bulk.COLUMNS)
    cursor.execute(f"CREATE TEMPORARY TABLE staged (LIKE {table}) ON COMMIT DROP")
    staged = _copy(cursor, "staged", analysis.pk, itertools.chain([first], rest))
    cursor.execute(
        f"INSERT INTO {table} ({columns}) SELECT DISTINCT ON (id) {columns} FROM staged"
        " ORDER BY id, (filters = '{}') DESC NULLS LAST, qual DESC NULLS LAST, record_line, alt_index"
        " ON CONFLICT (analysis_id, id) DO NOTHING"
    )
    window.stored += cursor.rowcount
    window.duplicates += staged - cursor.rowcount


class _Counted(Window):
    """A window that also remembers how many rows were stored, and tells the span of the ingestion that all is read."""

    stored = 0

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._lines = self._told(reader, trace.get_current_span())

    @staticmethod
    def _told(reader: Reader, span: trace.Span) -> Iterator[Line]:
        yield from reader.lines()
        span.add_event("parse", {"careway.variants.skipped": reader.skipped_reference + reader.skipped_other_contigs})


class _Hashed:
    """The body's pieces, counted and digested on their way to the reader."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.sha256.update(piece)
            self.size += len(piece)
            yield piece

    def drain(self) -> None:
        """Reads what is left: the digest is one of the whole body."""
        for _ in self:
            pass


def _expected_digest(header: str | None) -> bytes | None:
    """The SHA-256 of a Content-Digest (RFC 9530 §2); other algorithms are ignored, as the RFC allows."""
    if header is None or "sha-256" not in header:
        return None
    match = DIGEST.search(header)
    if not match:
        raise invalid("Content-Digest", "malformed", "Must look like sha-256=:<base64>:.", place="header")
    return base64.b64decode(match[1])
