"""Stored alleles as VCF 4.3 text: one line an allele, which other readers accept and Reader takes back unchanged."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from . import genotypes
from .alleles import Allele
from .contigs import LENGTHS, MT, NAMES
from .info import KEPT, encode
from .samples import EXPORTED_GENOTYPE, EXPORTED_INDEX

_FORMAT: Final = f"GT:AD:DP:GQ:{EXPORTED_GENOTYPE}:{EXPORTED_INDEX}"
_CSQ: Final = "Allele|Consequence|SYMBOL|HGVSc|HGVSp"
_DECLARED: Final = (
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End position of a symbolic allele">',
    f'##INFO=<ID=CSQ,Number=.,Type=String,Description="The stored consequence, as VEP writes it. Format: {_CSQ}">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype; another ALT of the original line is missing here">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Read depth for each allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">',
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Conditional genotype quality">',
    f'##FORMAT=<ID={EXPORTED_GENOTYPE},Number=1,Type=String,Description="Genotype as in the original file">',
    f'##FORMAT=<ID={EXPORTED_INDEX},Number=1,Type=Integer,Description="Number of this ALT in {EXPORTED_GENOTYPE}">',
)
_UNDECLARABLE: Final = frozenset(',<>"=')


def vcf_lines(
    rows: Iterable[Allele],
    *,
    build: str,
    sample: str,
    filters: Iterable[str] = (),
    meta: Iterable[tuple[str, str]] = (),
) -> Iterator[str]:
    """The file line by line, each with its line end; `rows` in genome order.

    `filters` are the names to declare in the header; `meta` adds `##key=value` lines. GT numbers only its own line's
    ALT; the stored genotype and ALT number stand in CWGT and CWAI, from which Reader restores both.
    """
    yield from _header(build, sample, filters, meta)
    for row in rows:
        yield _line(row)


def _header(build: str, sample: str, filters: Iterable[str], meta: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "##fileformat=VCFv4.3\n"
    yield "##source=Careway\n"
    for title, value in meta:
        yield f"##{_one_line(title)}={_one_line(value)}\n"
    yield f"##reference={build}\n"
    for code in range(1, MT + 1):
        yield f"##contig=<ID={NAMES[code]},length={LENGTHS[build][code]},assembly={build}>\n"
    yield '##FILTER=<ID=PASS,Description="All filters passed">\n'
    for failed in filters:
        # Such names cannot be written in a header; readers take them undeclared.
        if not _UNDECLARABLE.intersection(failed):
            yield f'##FILTER=<ID={failed},Description="As in the original file">\n'
    for kept, key in KEPT.items():
        yield f'##INFO=<ID={kept},Number={key.number},Type={key.type},Description="{key.description}">\n'
    for line in _DECLARED:
        yield f"{line}\n"
    yield f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _line(row: Allele) -> str:
    cells = (
        NAMES[row.chrom],
        str(row.pos),
        ";".join(row.rs_ids or ()) or ".",
        row.ref,
        row.alt,
        _number(row.qual),
        _filters(row.filters),
        _info(row),
        _FORMAT,
        _sample(row),
    )
    return "\t".join(cells) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "."
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)


def _count(value: int | None) -> str:
    return "." if value is None else str(value)


def _filters(names: list[str] | None) -> str:
    if names is None:
        return "."
    return ";".join(names) or "PASS"


def _info(row: Allele) -> str:
    # Rows that come from the database hold it parsed.
    held: Any = row.info
    stored: dict[str, object] = json.loads(held) if isinstance(held, str) else held
    fields = [_field(key, value) for key, value in stored.items()]
    if row.alt.startswith("<"):
        fields.insert(0, f"END={row.end_pos}")
    if row.gene_symbol or row.consequence or row.hgvs_c or row.hgvs_p:
        told = (row.alt, row.consequence, row.gene_symbol, row.hgvs_c, row.hgvs_p)
        fields.append("CSQ=" + "|".join(encode(text or "") for text in told))
    return ";".join(fields) or "."


def _field(key: str, value: object) -> str:
    if value is True:
        return key
    values = value if isinstance(value, list) else [value]
    return f"{key}=" + ",".join(_value(item) for item in values)


def _value(value: object) -> str:
    if value is None:
        return "."
    return encode(value) if isinstance(value, str) else str(value)


def _sample(row: Allele) -> str:
    genotype = genotypes.parse(row.genotype)
    depths = f"{_count(row.depth_ref)},{_count(row.depth_alt)}"
    if row.depth_ref is None and row.depth_alt is None:
        depths = "."
    own = genotypes.own(genotype, row.alt_index)
    cells = (own, depths, _count(row.depth), _count(row.genotype_quality), row.genotype, str(row.alt_index))
    return ":".join(cells)
