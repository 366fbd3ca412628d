"""The header: which column is read, and whether the file fits the build.

Meta lines are advisory: a wrong one is passed over. Only what frames the file can refuse it.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .contigs import BUILDS, LENGTHS, MT, OTHER, UCSC_HG19_MT_LENGTH, aliases, foreign_accessions
from .faults import Fault, VCFError, Warnings

FIXED: Final = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
_FORMAT: Final = 8
_FIRST_SAMPLE: Final = 9
_MAX_NAME: Final = 200
# What tools write that know no length: the largest 32-bit number.
_NO_LENGTH: Final = 2**31 - 1

_VERSION = re.compile(r"##fileformat=VCFv4\.[0-9]+")
_CONTIG_ID = re.compile(r"[<,]ID=([^,>]+)")
_CONTIG_LENGTH = re.compile(r"[<,]length=([0-9]{1,18})[,>]")
_ANNOTATION = re.compile(r'##INFO=<ID=(CSQ|ANN),.*?Description="([^"]*)')
_CSQ_FORMAT = re.compile(r"Format:\s*(.*)")
# The first part holds no bar itself: with a choice of bars, a line of nothing else would take hours.
_ANN_FORMAT = re.compile(r"'([^'|]*\|[^']*)'")

_MENTIONS: Final = {
    "GRCh37": r"grch37|hg19|b37|hs37|hs37d5|g1k_v37|ncbi37|build37|assembly19",
    "GRCh38": r"grch38|hg38|b38|hs38|hs38dh|ncbi38|build38|assembly38",
    "": r"hg1[78]|ncbi3[56]|b36|grch36|chm13|t2t|hg16|grcm3[89]|mm(?:9|10|39)",
}
_MENTION = {build: re.compile(rf"(?<![0-9a-z])(?:human_)?(?:{names})(?![0-9])") for build, names in _MENTIONS.items()}


class Header(NamedTuple):
    """`columns` counts all columns, `sample_column` is the chosen one (0-based); annotations: CSQ/ANN field names."""

    line: int
    sample: str
    columns: int
    sample_column: int
    trailing_tab: bool
    contigs: dict[str, int]
    annotations: dict[str, list[str]]


def read_header(lines: Iterator[tuple[int, str]], build: str, sample: str | None, warnings: Warnings) -> Header:
    """Reads up to and including the #CHROM line.

    Raises VCFError: empty-file, no-fileformat, bad-header-line, no-chrom-line, bad-columns, no-sample-column,
    duplicate-sample, sample-required, sample-unknown, wrong-build.
    """
    number, first = next(lines, (0, ""))
    if number == 0:
        raise _refused(1, "file", "empty-file", "The file is empty.")
    if not _VERSION.fullmatch(first):
        raise _refused(1, "header", "no-fileformat", "The first line must be ##fileformat=VCFv4.x.")
    evidence = _Evidence(build)
    annotations: dict[str, list[str]] = {}
    for number, line in lines:
        if line.startswith("##"):
            evidence.add(number, line)
            annotations.update(_annotation(line))
        elif line.startswith("#CHROM"):
            break
        else:
            raise _refused(number, "header", "bad-header-line", "Neither a ## line nor the #CHROM line.")
    else:
        raise _refused(number, "header", "no-chrom-line", "The file ends before the #CHROM line.")
    names, trailing_tab = _columns(number, line, warnings)
    chosen = _choose(number, names[_FIRST_SAMPLE:], sample)
    evidence.check()
    index = names.index(chosen, _FIRST_SAMPLE)
    return Header(number, chosen, len(names), index, trailing_tab, evidence.contigs, annotations)


def _refused(line: int, column: str, code: str, message: str, samples: list[str] | None = None) -> VCFError:
    return VCFError([Fault(line, column, code, message)], samples)


def _annotation(line: str) -> dict[str, list[str]]:
    if not line.startswith(("##INFO=<ID=CSQ", "##INFO=<ID=ANN")) or not (match := _ANNOTATION.match(line)):
        return {}
    pattern = _CSQ_FORMAT if match[1] == "CSQ" else _ANN_FORMAT
    fields = pattern.search(match[2])
    return {match[1]: [name.strip() for name in fields[1].split("|")]} if fields else {}


def _columns(number: int, line: str, warnings: Warnings) -> tuple[list[str], bool]:
    names = line.split("\t")
    trailing_tab = len(names) > 1 and not names[-1]
    if trailing_tab:
        names.pop()
        warnings.add("trailing-tab", number, "The #CHROM line ends with a TAB.")
    if len(names) == 1:
        raise _refused(number, "header", "not-tab-separated", "The #CHROM line is not parted by TABs.")
    if names[: len(FIXED)] != FIXED:
        raise _refused(
            number, "header", "bad-columns", "The #CHROM line does not name the eight fixed columns in order."
        )
    if names[_FORMAT : _FORMAT + 1] not in ([], ["FORMAT"]):
        raise _refused(number, "header", "bad-columns", "The ninth column must be FORMAT.")
    return names, trailing_tab


def _choose(number: int, samples: list[str], wanted: str | None) -> str:
    if not samples:
        raise _refused(number, "header", "no-sample-column", "The file holds sites only, no sample column.")
    if not all(samples):
        raise _refused(number, "header", "empty-sample-name", "A sample column has no name.")
    if len(set(samples)) < len(samples):
        raise _refused(number, "header", "duplicate-sample", "Two sample columns have one name.")
    if wanted is None and len(samples) > 1:
        message = "The file has more than one sample column: say which to read."
        raise _refused(number, "header", "sample-required", message, samples)
    chosen = samples[0] if wanted is None else wanted
    if chosen not in samples:
        raise _refused(number, "header", "sample-unknown", "The file has no such sample column.", samples)
    if len(chosen) > _MAX_NAME:
        raise _refused(number, "header", "sample-name-too-long", f"The name is longer than {_MAX_NAME} characters.")
    return chosen


class _Evidence:
    """What the header tells of the build: contig lengths first, then text that names an assembly."""

    def __init__(self, build: str) -> None:
        self.contigs = aliases(build)
        self._build = build
        self._foreign = foreign_accessions(build)
        self._lengths_agree = False
        self._mismatch = 0
        self._mention: tuple[int, str] = (0, "")

    def add(self, number: int, line: str) -> None:
        if line.startswith("##contig="):
            self._contig(number, line)
        elif line.startswith("##reference=") and not self._mention[0]:
            self._mention = (number, line[len("##reference=") :].lower())

    def _contig(self, number: int, line: str) -> None:
        name = _CONTIG_ID.search(line)
        length = _CONTIG_LENGTH.search(line)
        if name is None:
            return
        if name[1] in self._foreign:
            self._mismatch = self._mismatch or number
        code = self.contigs.get(name[1], OTHER)
        if code == OTHER or length is None or int(length[1]) == _NO_LENGTH:
            return
        if code == MT and int(length[1]) == UCSC_HG19_MT_LENGTH:
            self.contigs[name[1]] = OTHER
        elif int(length[1]) == LENGTHS[self._build][code]:
            # The mitochondrion is the same in both builds.
            self._lengths_agree = self._lengths_agree or code != MT
        else:
            self._mismatch = self._mismatch or number

    def check(self) -> None:
        number, text = self._mention
        if self._mismatch:
            number = self._mismatch
        elif (
            self._lengths_agree
            or self._names(self._build, text)
            or not any(self._names(b, text) for b in ("", *BUILDS))
        ):
            return
        raise _refused(number, "header", "wrong-build", f"The header describes another assembly than {self._build}.")

    def _names(self, build: str, text: str) -> bool:
        return _MENTION[build].search(text) is not None
