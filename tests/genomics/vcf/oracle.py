"""Independent readings of a VCF file, to compare ours with: pysam (run as a script, it may crash) and plain splitting.

As a script: `python oracle.py FILE SAMPLE` prints one JSON list a record.
"""

import itertools
import json
import sys
from typing import Any

# contig, pos, ref, alts, qual, filters, genotype allele numbers, depth
Record = tuple[str, int, str, list[str], float | None, list[str] | None, list[int | None], int | None]


def by_splitting(text: str, sample: str) -> list[Record]:
    records: list[Record] = []
    column = 0
    for line in text.replace("\r\n", "\n").split("\n"):
        cells = line.split("\t")
        if line.startswith("#CHROM"):
            column = cells.index(sample, 9)
        if not line or line.startswith("#"):
            continue
        values = dict(zip(cells[8].split(":"), cells[column].split(":"), strict=False))
        numbers = values.get("GT", ".").replace("|", "/").strip("/").split("/")
        genotype = [None if number == "." else int(number) for number in numbers]
        filters = {"PASS": [], ".": None}.get(cells[6], [name for name in cells[6].split(";") if name != "PASS"])
        qual = float(cells[5]) if cells[5] != "." else None
        depth = values.get("DP", ".")
        records.append(
            (
                cells[0],
                int(cells[1]),
                cells[3],
                [] if cells[4] == "." else cells[4].split(","),
                qual,
                filters,
                genotype,
                int(depth) if depth.isdigit() else None,
            )
        )
    return records


def by_pysam(path: str, sample: str) -> list[Record]:
    import pysam

    records: list[Record] = []
    for record in pysam.VariantFile(path):
        call = record.samples[sample]
        names = [str(name) for name in record.filter]
        filters = None if not names else [name for name in names if name != "PASS"]
        genotype: list[Any] = list(call["GT"]) if "GT" in call else [None]
        depth = call.get("DP")
        # Undeclared keys come as text.
        depth = int(depth) if str(depth).isdigit() else None
        found = (
            record.contig,
            record.pos,
            str(record.ref),
            list(record.alts or ()),
            record.qual,
            filters,
            genotype,
            depth,
        )
        records.append(found)
    return records


def expected_alleles(records: list[Record], lengths: dict[str, int]) -> list[tuple[Any, ...]]:
    """What ours must yield: contig, pos, ref, alt, numbers, zygosity, qual, filters, depth; trimmed another way."""
    found: list[tuple[Any, ...]] = []
    for contig, pos, ref, alts, qual, filters, genotype, depth in records:
        name = contig.removeprefix("chr").replace("M", "MT") if contig in ("chrM", "M") else contig.removeprefix("chr")
        if name not in lengths or not 1 <= pos <= lengths[name]:
            continue
        for number in sorted({allele for allele in genotype if allele}):
            alt = alts[number - 1] if alts else "."
            if alt in ("*", "<*>", "<NON_REF>", ".") or alt.upper() == ref.upper():
                continue
            place, short, long = _trimmed(pos, ref.upper(), alt)
            found.append(
                (name, place, short, long, tuple(genotype), _zygosity(genotype, number, name), qual, filters, depth)
            )
    return found


def _trimmed(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    if not alt.isalpha():
        return pos, ref, alt
    alt = alt.upper()
    keep = min(len(ref), len(alt)) - 1
    same = min(keep, _alike(ref[::-1], alt[::-1]))
    ref, alt = ref[: len(ref) - same], alt[: len(alt) - same]
    same = min(len(ref) - 1, len(alt) - 1, _alike(ref, alt))
    return pos + same, ref[same:], alt[same:]


def _alike(one: str, other: str) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _zygosity(genotype: list[int | None], number: int, contig: str) -> str:
    if None in genotype:
        return "unknown"
    every = set(genotype) == {number}
    if contig == "MT":
        return "homoplasmic" if every else "heteroplasmic"
    if len(genotype) > 1:
        return "homozygous" if every else "heterozygous"
    return "hemizygous" if contig in "XY" else "unknown"


if __name__ == "__main__":
    for line in by_pysam(sys.argv[1], sys.argv[2]):
        print(json.dumps(line))
