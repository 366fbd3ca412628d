"""VCF files for tests, written from their parts."""

from __future__ import annotations

from collections.abc import Iterable

LENGTHS = {"chr3": 198295559, "chr7": 159345973}


def record(
    chrom: str = "chr7",
    pos: int = 1000,
    ref: str = "A",
    alt: str = "G",
    *,
    id_: str = ".",
    qual: str = "50",
    filter_: str = "PASS",
    info: str = ".",
    format_: str = "GT",
    samples: Iterable[str] = ("0/1",),
) -> str:
    """One data line."""
    return "\t".join([chrom, str(pos), id_, ref, alt, qual, filter_, info, format_, *samples]) + "\n"


def file(*records: str, columns: Iterable[str] = ("CHILD",), meta: Iterable[str] = ()) -> bytes:
    """A whole file of GRCh38 with those sample columns."""
    contigs = [f"##contig=<ID={name},length={length}>" for name, length in LENGTHS.items()]
    names = "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *columns])
    return ("\n".join(["##fileformat=VCFv4.3", *contigs, *meta, names]) + "\n" + "".join(records)).encode()


VEP = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|SYMBOL|HGVSc|HGVSp">'
)

RICH = file(
    record("chr3", 900, "G", "A", id_="rs1;rs22", info="DP=40;CSQ=A|missense_variant|GENE1|c.5G>A|p.Gly2Asp"),
    record("chr3", 950, "CAG", "C,CAGAG", format_="GT:AD:DP:GQ", samples=["1/2:3,20,17:40:88"], info="AF=0.5,0.25"),
    record("chr3", 960, "T", "TA", qual=".", filter_=".", samples=["./1"]),
    record("chr3", 970, "AC", "GT", qual="7.5", filter_="q10;s50", samples=["1|1"], id_="rs333"),
    record("chr3", 1000, "N", "<DEL>", info="SVTYPE=DEL;END=9000;SVLEN=-8000", samples=["0/1"]),
    record("chr7", 500, "G", "<NON_REF>", samples=["0/0"]),
    record("chr7", 600, "G", "G]chr3:52747359]", info="SVTYPE=BND;MATEID=b2"),
    record("chrX", 5_000_000, "C", "T", samples=["1"]),
    record("chrM", 8993, "T", "G", samples=["1"]),
    record("chrUn_KI270302v1", 12, "T", "G"),
    meta=[VEP],
)
"""Two ALTs on a line, a half call, filters not applied and failed, a deletion of 8,000 bases, a breakend, haploid calls."""
