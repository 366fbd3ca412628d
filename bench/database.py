"""The database that all stacks read: of a PostgreSQL of the bench's own, or of a local one, with generated data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench.environment import check_local, refuse
from bench.processes import postmaster_of
from tests.postgres import Postgres
from tests.servers import migrate

ORGANIZATION = "bench"
NAME = "careway_bench_reads"
VARIANTS_EACH = 10_000
# Everything fits into memory, every commit reaches the disk, and no query is spread over several processes. Autovacuum
# would work in one stack's window and not in another's.
OPTIONS = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "autovacuum": "off",
}
SAMPLES = """
INSERT INTO genomics_sample (organization, accession, patient_id, kind, origin, collected_at, received_at, status,
  status_reason, version, created_at, created_by, updated_at, updated_by)
SELECT %(organization)s, 'B-' || lpad(n::text, 9, '0'), md5('p' || n %% 1000)::uuid, 'blood', 'germline', at, at, 'available', '', 1,
  at, 'bench:made', at, 'bench:made'
FROM (SELECT n, timestamptz '2025-01-01 00:00:00Z' + n * interval '1 second' AS at FROM generate_series(1, %(rows)s) n) made
"""
ANALYSES = """
INSERT INTO genomics_analysis (organization, sample_id, assay, genome_build, pipeline_name, pipeline_version, status,
  status_reason, version, created_by, updated_by, file_sha256, file_size, ingested_at, stored, skipped_reference,
  skipped_other_contigs, duplicates, warnings)
SELECT organization, id, 'wgs', 'GRCh38', 'bench', '1', 'ready', '', 1, 'bench:made', 'bench:made', md5(id::text) || md5(accession),
  1, created_at, %(each)s, 0, 0, 0, '[]'
FROM genomics_sample ORDER BY created_at LIMIT %(rows)s
"""
# A variant each kilobase, 400 on each of 25 chromosomes: a region of 100 kilobases has a hundred of them.
VARIANTS = """
INSERT INTO genomics_variant (analysis_id, id, chrom, pos, end_pos, ref, alt, kind, genotype, zygosity, qual, filters,
  depth, depth_ref, depth_alt, genotype_quality, rs_ids, gene_symbol, consequence, hgvs_c, hgvs_p, record_line, alt_index, info)
SELECT a.id, md5(a.id::text || n)::uuid, 1 + n / 400, 10000 + (n %% 400) * 1000, 10000 + (n %% 400) * 1000, 'A', 'G', 'snv', '0/1',
  'heterozygous', 50 + n %% 49 + 0.5, '{}', 30, 14, 16, 99, CASE WHEN n %% 3 = 0 THEN ARRAY['rs' || n] END,
  CASE WHEN n %% 5 = 0 THEN 'GENE' || n / 20 END, CASE WHEN n %% 5 = 0 THEN 'missense_variant' END, NULL, NULL, 100 + n, 1,
  '{"AC": 1, "AF": 0.5, "DP": 30}'
FROM genomics_analysis a, generate_series(0, %(each)s - 1) n
"""
# Where the others write: the same columns, rules and indexes, without the history that only Careway keeps.
WRITTEN = "CREATE TABLE bench_sample (LIKE genomics_sample INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"


@dataclass(frozen=True)
class Database:
    """Where the rows are, and whose processor time their reading costs."""

    url: str
    postmaster: int


@contextmanager
def database(samples: int, variants: int, given: str = "") -> Iterator[Database]:
    """One of so many rows, gone afterwards; of a server of its own, or in the given one."""
    with ExitStack() as stack:
        url = stack.enter_context(_inside(given)) if given else _own(stack)
        migrate(url)
        fill(url, samples, variants)
        yield Database(url, postmaster_of(url))


def _own(stack: ExitStack) -> str:
    postgres = Postgres(options=OPTIONS)
    stack.push(postgres)  # before it starts: an interrupted start is cleared away too
    postgres.__enter__()
    return postgres.create_database("careway")


@contextmanager
def _inside(url: str) -> Iterator[str]:
    """A new database of a name of our own on a local server, whatever its settings."""
    check_local(url)
    parts = urlsplit(url)
    if not parts.hostname:  # not every stack knows how to say a socket
        refuse("the database has to be named by host and port: postgresql://user@127.0.0.1:5432/database")
    name = sql.Identifier(NAME)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            postmaster_of(url)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    except psycopg.Error as error:
        refuse(f"the database cannot be used: {str(error).splitlines()[0]}")
    try:
        yield urlunsplit(parts._replace(path=f"/{NAME}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def fill(url: str, samples: int, variants: int) -> None:
    """The same rows for everybody."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Their history would be as many rows again; it is not what is read here.
        connection.execute("SET session_replication_role = replica")
        connection.execute(SAMPLES, {"organization": ORGANIZATION, "rows": samples})
        analyses = {"rows": max(1, variants // VARIANTS_EACH), "each": VARIANTS_EACH}
        connection.execute(ANALYSES, analyses)
        connection.execute(VARIANTS, analyses)
        connection.execute(WRITTEN)
        connection.execute("VACUUM (ANALYZE, FREEZE)")
        connection.execute("CHECKPOINT")


def some(url: str, table: str, count: int) -> list[str]:
    """Ids of so many rows, spread over the whole table."""
    question = sql.SQL(
        "SELECT id FROM (SELECT id, row_number() OVER () n, count(*) OVER () whole FROM {}) every"
        " WHERE n %% greatest(1, whole / %s) = 0 LIMIT %s"
    )
    with psycopg.connect(url) as connection:
        return [str(row[0]) for row in connection.execute(question.format(sql.Identifier(table)), (count, count))]


def last_of_page(url: str, page: int, size: int) -> tuple[str, str]:
    """Moment and id of the last sample on a page of the list, newest first: what a key to the next page says."""
    question = (
        "SELECT created_at, id FROM genomics_sample WHERE organization = %s"
        " ORDER BY created_at DESC, id DESC OFFSET %s LIMIT 1"
    )
    with psycopg.connect(url) as connection:
        ((moment, identity),) = connection.execute(question, (ORGANIZATION, page * size - 1)).fetchall()
    return moment.isoformat(), str(identity)
