"""The GT value of one sample: which alleles it calls, and in what zygosity (VCF 4.5, 1.6.2)."""

import re
from typing import Final, NamedTuple

from .contigs import MT, X, Y
from .faults import RowFault

MAX_LENGTH: Final = 200

# 4.4 allows the phasing of the first allele to be written too: |0|1, /0/1.
_GENOTYPE = re.compile(r"[/|]?(?:\.|[0-9]+)(?:[/|](?:\.|[0-9]+))*")
_ALLELES = re.compile(r"[0-9]+|\.")
_MISSING: Final = -1


class Genotype(NamedTuple):
    """`alleles` by index (0 is REF, -1 is missing); `called` holds the distinct ALT indexes, ascending."""

    text: str
    alleles: tuple[int, ...]
    called: tuple[int, ...]
    highest: int


def parse(text: str) -> Genotype:
    """Raises RowFault: bad-genotype, genotype-too-long."""
    if len(text) > MAX_LENGTH:
        raise RowFault("sample", "genotype-too-long", f"GT is longer than {MAX_LENGTH} characters.")
    if not _GENOTYPE.fullmatch(text):
        raise RowFault("sample", "bad-genotype", "GT is not a list of allele numbers parted by / or |.")
    alleles = tuple(_MISSING if allele == "." else int(allele) for allele in _ALLELES.findall(text))
    return Genotype(text, alleles, tuple(sorted({allele for allele in alleles if allele > 0})), max(alleles))


def zygosity(genotype: Genotype, index: int, chrom: int) -> str:
    """The zygosity of ALT number `index`; unknown as soon as one allele is missing.

    One copy is hemizygous on X and Y and homoplasmic on MT; elsewhere it says nothing about the other copy.
    """
    alleles = genotype.alleles
    if _MISSING in alleles:
        return "unknown"
    uniform = alleles.count(index) == len(alleles)
    if chrom == MT:
        return "homoplasmic" if uniform else "heteroplasmic"
    if len(alleles) == 1:
        return "hemizygous" if chrom in (X, Y) else "unknown"
    return "homozygous" if uniform else "heterozygous"


def own(genotype: Genotype, index: int) -> str:
    """GT for a line whose only ALT is number `index` of this genotype: other ALTs become missing, `1/2` is `./1`.

    The phasing of the first allele is dropped, since readers before 4.4 refuse it.
    """
    names = {_MISSING: ".", 0: "0", index: "1"}
    text = genotype.text.lstrip("/|")
    return _ALLELES.sub(lambda match: names.get(_MISSING if match[0] == "." else int(match[0]), "."), text)


def copies(genotype: Genotype, index: int) -> tuple[int, int, int]:
    """How often ALT number `index` is called, of how many alleles, how many of them missing."""
    return genotype.alleles.count(index), len(genotype.alleles), genotype.alleles.count(_MISSING)
