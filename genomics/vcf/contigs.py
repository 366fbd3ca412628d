"""The contigs of a patient genome: 1 to 22, X, Y and MT, their aliases and lengths in two builds.

Lengths and RefSeq accessions are facts of the assemblies, from the NCBI assembly reports of
GCF_000001405.13 (GRCh37) and GCF_000001405.26 (GRCh38), primary assembly and mitochondrion.
Names are case sensitive: `Chr7` is another contig.
"""

import re
from typing import Final

BUILDS: Final = ("GRCh37", "GRCh38")
X: Final = 23
Y: Final = 24
MT: Final = 25
OTHER: Final = 0

# By code; code 0 is every other contig.
NAMES: Final = ("", *(str(number) for number in range(1, 23)), "X", "Y", "MT")

MT_LENGTH: Final = 16_569
# UCSC's hg19 carries the older mitochondrion NC_001807, whose positions differ.
UCSC_HG19_MT_LENGTH: Final = 16_571

LENGTHS: Final[dict[str, tuple[int, ...]]] = {
    "GRCh37": (
        0,
        249_250_621, 243_199_373, 198_022_430, 191_154_276, 180_915_260, 171_115_067, 159_138_663, 146_364_022,
        141_213_431, 135_534_747, 135_006_516, 133_851_895, 115_169_878, 107_349_540, 102_531_392, 90_354_753,
        81_195_210, 78_077_248, 59_128_983, 63_025_520, 48_129_895, 51_304_566, 155_270_560, 59_373_566, MT_LENGTH,
    ),
    "GRCh38": (
        0,
        248_956_422, 242_193_529, 198_295_559, 190_214_555, 181_538_259, 170_805_979, 159_345_973, 145_138_636,
        138_394_717, 133_797_422, 135_086_622, 133_275_309, 114_364_328, 107_043_718, 101_991_189, 90_338_345,
        83_257_441, 80_373_285, 58_617_616, 64_444_167, 46_709_983, 50_818_468, 156_040_895, 57_227_415, MT_LENGTH,
    ),
}  # fmt: skip

# Version of NC_000001 to NC_000024; every sequence rose by one from GRCh37 to GRCh38.
_GRCH37_VERSIONS: Final = (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9)
_VERSIONS: Final = {"GRCh37": _GRCH37_VERSIONS, "GRCh38": tuple(version + 1 for version in _GRCH37_VERSIONS)}

# VCF 4.3, 1.4.7: any printable character but blanks, commas, quotes and brackets; not led by `*` or `=`.
# `<name>` points into the file that ##assembly names.
_NAME = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*|<[0-9A-Za-z!#$%&*+./:;=?@^_|~-]+>")


def _accessions(build: str) -> dict[str, int]:
    versions = enumerate(_VERSIONS[build], start=1)
    return {f"NC_{code:06d}.{version}": code for code, version in versions}


def aliases(build: str) -> dict[str, int]:
    """Every accepted spelling of a contig name in this build, with its code 1..25."""
    names = {name: code for code, name in enumerate(NAMES) if code}
    prefixed = {f"chr{name}": code for name, code in names.items()}
    return {**names, **prefixed, "M": MT, "chrM": MT, "NC_012920.1": MT, **_accessions(build)}


def foreign_accessions(build: str) -> frozenset[str]:
    """The RefSeq accessions of the other builds, which tell that a file was made for one of them."""
    others = [_accessions(other) for other in BUILDS if other != build]
    return frozenset(accession for table in others for accession in table)


def is_contig_name(name: str) -> bool:
    """Whether the specification allows this text in CHROM."""
    return _NAME.fullmatch(name) is not None
