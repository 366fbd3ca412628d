"""How people load a VCF file into Django: a reader written in C, and `bulk_create`. `python -m bench.loaders pysam FILE`.

Prints the rows and the seconds. Its rows are fewer words than Careway's (no warnings, no duplicates, no checks, INFO as
it comes), so only the rate is compared.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

READERS = ("pysam", "cyvcf2")
BATCH = 5_000


def with_pysam(path: str) -> Iterator[dict[str, Any]]:
    import pysam

    with pysam.VariantFile(path) as file:
        for record in file:
            call = record.samples[0]
            called = [index for index in call["GT"] if index]
            for index in sorted(set(called)):
                yield {
                    "chrom": record.chrom, "pos": record.pos, "ref": record.ref, "alt": (record.alts or ())[index - 1],
                    "names": record.id, "qual": record.qual, "filters": [key for key in record.filter if key != "PASS"],
                    "genotype": "/".join(map(str, call["GT"])), "copies": called.count(index), "alt_index": index,
                    "depth": call["DP"], "depth_ref": call["AD"][0], "depth_alt": call["AD"][index],
                    "genotype_quality": call["GQ"], "info": {key: _plain(value) for key, value in record.info.items()},
                }  # fmt: skip


def with_cyvcf2(path: str) -> Iterator[dict[str, Any]]:
    import cyvcf2

    for record in cyvcf2.VCF(path):
        *called, _phased = record.genotypes[0]
        depths = record.format("AD")[0]
        for index in sorted({each for each in called if each > 0}):
            yield {
                "chrom": record.CHROM, "pos": record.POS, "ref": record.REF, "alt": record.ALT[index - 1],
                "names": record.ID, "qual": record.QUAL, "filters": record.FILTERS if record.FILTER else [],
                "genotype": "/".join(map(str, called)), "copies": called.count(index), "alt_index": index,
                "depth": int(record.format("DP")[0][0]), "depth_ref": int(depths[0]), "depth_alt": int(depths[index]),
                "genotype_quality": int(record.format("GQ")[0][0]),
                "info": {key: _plain(value) for key, value in record.INFO},
            }  # fmt: skip


def _plain(value: Any) -> Any:
    """What JSON can hold: no tuples, no numbers that are none."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load(reader: str, path: str) -> tuple[int, float]:
    """Rows and seconds, of one transaction."""
    from django.db import transaction

    from genomics.models import Variant

    analysis = uuid.uuid4()
    made = {"pysam": with_pysam, "cyvcf2": with_cyvcf2}[reader](path)
    count = 0
    started = time.perf_counter()
    with transaction.atomic():
        while batch := [_variant(analysis, line, row) for line, row in enumerate(itertools.islice(made, BATCH), 1)]:
            count += len(Variant.objects.bulk_create(batch))
    return count, time.perf_counter() - started


def _variant(analysis: uuid.UUID, line: int, row: dict[str, Any]) -> Any:
    from genomics.models import Variant
    from genomics.vcf import allele_id
    from genomics.vcf.contigs import aliases

    chrom = CONTIGS.get(row["chrom"]) or CONTIGS.setdefault(row["chrom"], aliases("GRCh38")[row["chrom"]])
    copies, names = row.pop("copies"), row.pop("names")
    long = len(row["ref"]) - len(row["alt"])
    return Variant(**{
        **row,
        "analysis_id": analysis,
        "id": uuid.UUID(bytes=allele_id("GRCh38", chrom, row["pos"], row["ref"], row["alt"])),
        "chrom": chrom,
        "end_pos": row["pos"] + len(row["ref"]) - 1,
        "kind": "snv" if not long else "deletion" if long > 0 else "insertion",
        "zygosity": "homozygous" if copies > 1 else "heterozygous",
        "rs_ids": [names] if names else None,
        "record_line": line,
    })  # fmt: skip


CONTIGS: dict[str, int] = {}


def main(reader: str, path: str) -> None:
    import django
    from django.conf import settings

    # Django's own connection: Careway's binds on the server, which a statement of 5,000 rows is too long for.
    ours = settings.DATABASES["default"]
    kept = {name: ours[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT") if name in ours}
    where = {name: value for name, value in ours["OPTIONS"].items() if name in {"host", "port"}}
    settings.DATABASES = {"default": {**kept, "ENGINE": "django.db.backends.postgresql", "OPTIONS": where}}
    django.setup()
    rows, seconds = load(reader, path)
    sys.stdout.write(f"{rows} {seconds}\n")


if __name__ == "__main__" and sys.argv[1:]:
    main(*sys.argv[1:])
