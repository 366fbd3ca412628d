"""genomics/bulk.py: what goes over the wire in PostgreSQL's own binary form comes back as it was."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from genomics import bulk
from genomics.vcf import Allele, allele_id

ANALYSIS = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ALLELE = Allele(
    id=allele_id("GRCh38", 7, 100, "A", "C"), chrom=7, pos=100, end_pos=100, ref="A", alt="C", kind="snv", genotype="0/1",
    zygosity="heterozygous", qual=50.5, filters=[], depth=30, depth_ref=14, depth_alt=16, genotype_quality=99,
    rs_ids=["rs1"], gene_symbol=None, consequence=None, hgvs_c=None, hgvs_p=None, record_line=5, alt_index=1, info="{}",
)  # fmt: skip
COLUMNS = ", ".join(bulk.COLUMNS)


def stored(allele: Allele) -> tuple[Any, ...]:
    """The row as PostgreSQL tells it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (LIKE genomics_variant) ON COMMIT DROP")
        assert bulk.copy(cursor, "copied", ANALYSIS, [allele]) == 1
        cursor.execute(f"SELECT {COLUMNS} FROM copied")
        (row,) = cursor.fetchall()
    return tuple(row)


@pytest.mark.django_db
class TestCopy:
    def test_every_column_is_what_the_allele_says(self) -> None:
        analysis, identity, *others = stored(ALLELE)
        assert (analysis, identity) == (ANALYSIS, UUID(bytes=ALLELE.id))
        assert others[:-1] == list(ALLELE[1:-1])
        assert others[-1] in ({}, "{}")

    @pytest.mark.parametrize(
        "texts",
        [None, [], [""], ["q10"], ["a", "b", "c"], ['"', "\\", "{,}", "NULL", " "], ["é", "日本", "\U0001f9ec" * 50]],
    )
    def test_texts_come_back_as_they_were(self, texts: list[str] | None) -> None:
        row = dict(zip(bulk.COLUMNS, stored(ALLELE._replace(filters=texts, rs_ids=texts)), strict=True))
        assert (row["filters"], row["rs_ids"]) == (texts, texts)

    def test_json_is_read_by_the_database(self) -> None:
        told = {"CLNSIG": ['a"b', "ü\\n"], "AF": 0.5, "DB": True}
        found = stored(ALLELE._replace(info=json.dumps(told, ensure_ascii=False)))[-1]
        assert (json.loads(found) if isinstance(found, str) else found) == told

    def test_no_alleles_are_no_rows(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE copied (LIKE genomics_variant) ON COMMIT DROP")
            assert bulk.copy(cursor, "copied", ANALYSIS, []) == 0
