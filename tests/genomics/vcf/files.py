"""Small VCF files written on the spot, and the public corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from genomics.vcf import Allele, Fault, Limits, Reader, VCFError

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) if "CAREWAY_CORPUS" in os.environ else None
needs_corpus = pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public VCF files")

COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]


def row(
    chrom: str = "1",
    pos: object = 100,
    id_: str = ".",
    ref: str = "A",
    alt: str = "C",
    qual: str = "50",
    filter_: str = "PASS",
    info: str = ".",
    format_: str = "GT",
    *samples: str,
) -> str:
    return "\t".join([chrom, str(pos), id_, ref, alt, qual, filter_, info, format_, *(samples or ("0/1",))])


def vcf(*rows: str, meta: tuple[str, ...] = (), samples: tuple[str, ...] = ("S",), end: str = "\n") -> bytes:
    """A file of these data lines; the first stands on line 3 when there is no `meta`."""
    lines = ["##fileformat=VCFv4.3", *meta, "\t".join([*COLUMNS, *samples]), *rows]
    return (end.join(lines) + end).encode()


def reader(data: bytes, build: str = "GRCh38", sample: str | None = None, limits: Limits | None = None) -> Reader:
    pieces = (data[start : start + 50_000] for start in range(0, len(data), 50_000))
    return Reader(pieces, build=build, sample=sample, limits=limits)


def alleles(data: bytes, build: str = "GRCh38", sample: str | None = None) -> list[Allele]:
    return list(reader(data, build, sample))


def only(data: bytes, build: str = "GRCh38", sample: str | None = None) -> Allele:
    (allele,) = alleles(data, build, sample)
    return allele


def refusal(data: bytes, build: str = "GRCh38", sample: str | None = None, limits: Limits | None = None) -> VCFError:
    with pytest.raises(VCFError) as caught:
        list(reader(data, build, sample, limits))
    return caught.value


def fault(data: bytes, build: str = "GRCh38", sample: str | None = None) -> tuple[int, str, str]:
    """Line, column and code of the only fault."""
    (found,) = refusal(data, build, sample).faults
    return place(found)


def place(found: Fault) -> tuple[int, str, str]:
    return found.line, found.column, found.code


def warned(data: bytes, build: str = "GRCh38", sample: str | None = None) -> dict[str, tuple[int, int]]:
    """Count and first line of each warning, after reading to the end."""
    source = reader(data, build, sample)
    list(source)
    return {warning["code"]: (warning["count"], warning["first_line"]) for warning in source.warnings}


def corpus(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).iterdir()) if CORPUS else []


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece
