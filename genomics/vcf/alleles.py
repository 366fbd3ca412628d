"""One allele of one sample: its minimal form, kind, extent and identity."""

import re
from hashlib import sha256
from typing import Final, NamedTuple

from .contigs import NAMES, aliases

# Alleles that say "nothing here is called": a deletion upstream, or reference blocks (VCF 4.5, 1.6.1.5).
UNSTORED: Final = frozenset({"*", "<*>", "<NON_REF>", "."})

_BASES = re.compile(r"[ACGTNacgtn]+")
_SYMBOLIC = re.compile(r"[ACGTNacgtn]*<[^<>,\s]+>")
_PAIRED = re.compile(r"([ACGTN]*)([\[\]])([^\[\]\s,]+):([0-9]+)\2([ACGTN]*)", re.IGNORECASE)
_SINGLE = re.compile(r"\.[ACGTN]+|[ACGTN]+\.", re.IGNORECASE)

_KINDS: Final = {
    "DEL": "deletion",
    "INS": "insertion",
    "DUP": "duplication",
    "INV": "inversion",
    "CNV": "cnv",
    "BND": "breakend",
    "TRA": "breakend",
}
_COPY_NUMBER = re.compile(r"CN[0-9]+")
_WORDS = re.compile(r"[A-Za-z]+")

# RFC 9562, 5.8: version 8 in bits 48 to 51, variant 0b10 in bits 64 and 65; the other bits are the digest's.
_FREE_BITS: Final = ((1 << 128) - 1) & ~(0xF << 76) & ~(0x3 << 62)
_VERSION_8: Final = (0x8 << 76) | (0x2 << 62)
_number = int.from_bytes  # looked up once: an id is made for every stored allele
_MATE_NAMES: Final = {alias: NAMES[code] for build in ("GRCh37", "GRCh38") for alias, code in aliases(build).items()}


class Allele(NamedTuple):
    """One stored row, in the column order of the bulk load. Positions are 1-based, ends inclusive.

    `id` is the bytes of a UUID (see `allele_id`), since making the object costs more than the digest. `filters` is None when
    no filter was applied ('.') and empty for PASS. `info` is the JSON text of an object.
    `ref` and `alt` are trimmed and upper case; symbolic alleles and breakends stand as in the file.
    """

    id: bytes
    chrom: int
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
    info: str


class Shape(NamedTuple):
    """What REF and one ALT say, whatever the position: `offset` is how far trimming moves POS."""

    offset: int
    ref: str
    alt: str
    kind: str
    symbolic: bool
    known: bool = True


class Mate(NamedTuple):
    """Where a breakend joins: contig as written, 1-based position."""

    contig: str
    pos: int


def trim(ref: str, alt: str) -> tuple[int, str, str]:
    """Drops the common suffix, then the common prefix; each side keeps at least one base.

    Returns how far POS moves, REF and ALT. Does not left-align: that takes the reference sequence.
    """
    end = 0
    longest = min(len(ref), len(alt)) - 1
    while end < longest and ref[-1 - end] == alt[-1 - end]:
        end += 1
    if end:
        ref, alt = ref[:-end], alt[:-end]
    start = 0
    longest = min(len(ref), len(alt)) - 1
    while start < longest and ref[start] == alt[start]:
        start += 1
    return start, ref[start:], alt[start:]


def is_bases(text: str) -> bool:
    """Whether the text is a sequence of A, C, G, T, N in either case (VCF 4.3, 1.6.1.4)."""
    return _BASES.fullmatch(text) is not None


def shape(ref: str, alt: str) -> Shape | None:
    """The minimal form of one ALT; None when the ALT is not worth a row (UNSTORED, or REF again).

    Raises ValueError when ALT is none of: bases, `*`, `.`, `<…>`, a breakend (VCF 4.3, 1.6.1.5 and 5.4).
    """
    if alt in UNSTORED:
        return None
    if _BASES.fullmatch(alt):
        ref, alt = ref.upper(), alt.upper()
        if ref == alt:
            return None
        offset, ref, alt = trim(ref, alt)
        return Shape(offset, ref, alt, _kind(ref, alt), symbolic=False)
    if _SYMBOLIC.fullmatch(alt):
        return _symbolic(ref.upper(), alt)
    if mate(alt) or _SINGLE.fullmatch(alt):
        return Shape(0, ref.upper(), alt, "breakend", symbolic=False)
    raise ValueError("not an ALT allele")


def _kind(ref: str, alt: str) -> str:
    if len(ref) == len(alt):
        return "snv" if len(ref) == 1 else "mnv"
    short, long, kind = (ref, alt, "insertion") if len(ref) < len(alt) else (alt, ref, "deletion")
    # The one shared base stands before the event, or after it at the start of a contig.
    anchored = len(short) == 1 and short in (long[0], long[-1])
    return kind if anchored else "delins"


def _symbolic(ref: str, alt: str) -> Shape:
    if not alt.startswith("<"):
        return Shape(0, ref, alt, "insertion", symbolic=False)
    kind = kind_named(alt[1:-1])
    # An unknown name still says that something else stands here: the least specific kind says just that.
    return Shape(0, ref, alt, kind or "delins", symbolic=True, known=kind is not None)


def kind_named(name: str) -> str | None:
    """The kind that a symbolic allele's name or an SVTYPE says, by its first level or a word of it (`256_BP_DEL`)."""
    first = name.split(":", 1)[0]
    if _COPY_NUMBER.fullmatch(first):
        return "cnv"
    return next((_KINDS[word] for word in (first, *_WORDS.findall(name)) if word in _KINDS), None)


def mate(alt: str) -> Mate | None:
    """The other side of a paired breakend, or None when `alt` is not one.

    Split at the last colon, since contig names may hold colons (`HLA-A*01:01:01:01`).
    """
    match = _PAIRED.fullmatch(alt)
    # Bases stand on exactly one side of the brackets.
    if match is None or bool(match[1]) == bool(match[5]):
        return None
    return Mate(match[3], int(match[4]))


def allele_id(
    build: str, chrom: int, pos: int, ref: str, alt: str, end_pos: int | None = None, svlen: int | None = None
) -> bytes:
    """The identity of an allele, the same in every file: the 16 bytes of a UUID version 8 of SHA-256 over build, contig,
    position and trimmed alleles, parted by TAB, which none of them can hold.

    For symbolic alleles pass `end_pos` (1-based, inclusive) and `svlen` (absolute): two `<DEL>` at one position
    with different ends are two variants. Mates of breakends count under the contig's plain name.
    """
    text = f"{build}\t{NAMES[chrom]}\t{pos}\t{ref}\t{alt}"
    if end_pos is not None:
        text = f"{text}\t{end_pos}\t{'' if svlen is None else svlen}"
    elif "[" in alt or "]" in alt:
        text = f"{build}\t{NAMES[chrom]}\t{pos}\t{ref}\t{_plain_mate(alt)}"
    number = _number(sha256(text.encode()).digest()[:16], "big")
    return (number & _FREE_BITS | _VERSION_8).to_bytes(16, "big")


def _plain_mate(alt: str) -> str:
    match = _PAIRED.fullmatch(alt)
    if match is None:
        return alt
    before, bracket, contig, pos, after = match.groups()
    return f"{before.upper()}{bracket}{_MATE_NAMES.get(contig, contig)}:{int(pos)}{bracket}{after.upper()}"
