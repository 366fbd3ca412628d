"""What VEP (CSQ) or SnpEff (ANN) say about one ALT: gene, consequence, HGVS."""

import re
from typing import Final, NamedTuple

from .faults import Warnings
from .info import decode

# Up to the last field that is read (SnpEff, "Variant annotations in VCF format", 1.0).
_ANN_FIELDS: Final = [
    *("Allele", "Annotation", "Annotation_Impact", "Gene_Name", "Gene_ID", "Feature_Type", "Feature_ID"),
    *("Transcript_BioType", "Rank", "HGVS.c", "HGVS.p"),
]
_NAMES: Final = {
    "CSQ": ("Consequence", "SYMBOL", "HGVSc", "HGVSp"),
    "ANN": ("Annotation", "Gene_Name", "HGVS.c", "HGVS.p"),
}
_PREFERRED: Final = ("PICK", "MANE_SELECT", "CANONICAL")
_TERM = re.compile(r"[a-z0-9_A-Z]{1,100}")
_MAX_SYMBOL: Final = 64
# Of one line. Transcripts times ALTs stay far below it; a crafted line would take seconds of CPU.
_MAX_ENTRIES: Final = 5_000
_MAX_HGVS: Final = 400


class Consequence(NamedTuple):
    """`term` is the first Sequence Ontology term of the chosen entry."""

    gene_symbol: str | None
    term: str | None
    hgvs_c: str | None
    hgvs_p: str | None


NONE: Final = Consequence(None, None, None, None)


class ConsequenceReader:
    """Knows the field order that the header declares; ANN has a standard one."""

    def __init__(self, annotations: dict[str, list[str]], warnings: Warnings) -> None:
        self._warnings = warnings
        self._value = ""
        self._last: list[list[str]] = [[""]]
        declared = {"ANN": _ANN_FIELDS, **annotations}
        self._layouts = {
            key: {name: place for place, name in enumerate(declared[key])} for key in ("CSQ", "ANN") if key in declared
        }

    def read(self, info: str, ref: str, alts: list[str], index: int, line: int) -> Consequence:
        """The consequence for ALT number `index`: its entries, then PICK, MANE_SELECT, CANONICAL, first."""
        for key, layout in self._layouts.items():
            place = 0 if info.startswith(f"{key}=") else info.find(f";{key}=") + 1
            if not place and not info.startswith(f"{key}="):
                continue
            value = info[place + len(key) + 1 :].partition(";")[0]
            entries = self._entries(value, line)
            mine = _of_allele(entries, layout, ref, alts, index)
            if mine:
                return self._read(_best(mine, layout), layout, key, line)
        return NONE

    def _entries(self, value: str, line: int) -> list[list[str]]:
        """Remembered for the line at hand, since every called ALT asks."""
        if value != self._value:
            parts = value.split(",", _MAX_ENTRIES)
            if len(parts) > _MAX_ENTRIES:
                self._warnings.add("bad-consequence", line, f"Only the first {_MAX_ENTRIES} consequences are read.")
            self._last = [entry.split("|") for entry in parts[:_MAX_ENTRIES]]
            self._value = value
        return self._last

    def _read(self, entry: list[str], layout: dict[str, int], key: str, line: int) -> Consequence:
        term, symbol, hgvs_c, hgvs_p = (decode(_cell(entry, layout, name)) for name in _NAMES[key])
        return Consequence(
            self._text(symbol, _MAX_SYMBOL, line),
            self._term(term.split("&", 1)[0], line),
            self._text(hgvs_c, _MAX_HGVS, line),
            self._text(hgvs_p, _MAX_HGVS, line),
        )

    def _text(self, text: str, longest: int, line: int) -> str | None:
        if text and (len(text) > longest or not text.isprintable()):
            self._warnings.add("bad-consequence", line, "A gene symbol or HGVS name is too long or not printable.")
            return None
        return text or None

    def _term(self, text: str, line: int) -> str | None:
        if text and not _TERM.fullmatch(text):
            self._warnings.add("bad-consequence", line, "A consequence is not a Sequence Ontology term.")
            return None
        return text or None


def _cell(entry: list[str], layout: dict[str, int], name: str) -> str:
    place = layout.get(name, len(entry))
    return entry[place] if place < len(entry) else ""


def _of_allele(
    entries: list[list[str]], layout: dict[str, int], ref: str, alts: list[str], index: int
) -> list[list[str]]:
    numbered = [entry for entry in entries if _cell(entry, layout, "ALLELE_NUM") == str(index)]
    if numbered:
        return numbered
    names = (vep_allele(ref, alts, index), alts[index - 1])
    named = [entry for entry in entries if _cell(entry, layout, "Allele") in names]
    # With one ALT there is nothing to confuse it with; files without the Allele field exist.
    return named or (entries if len(alts) == 1 else [])


def vep_allele(ref: str, alts: list[str], index: int) -> str:
    """The ALT as VEP names it: if lengths differ and all alleles share the first base, without that base."""
    alleles = [ref, *(alt for alt in alts if alt != "*")]
    alt = alts[index - 1]
    if len({len(allele) for allele in alleles}) > 1 and len({allele[:1] for allele in alleles}) == 1:
        return alt[1:] or "-"
    return alt


def _best(entries: list[list[str]], layout: dict[str, int]) -> list[str]:
    for flag in _PREFERRED:
        for entry in entries:
            if flag in layout and _cell(entry, layout, flag) not in ("", "-"):
                return entry
    return entries[0]
