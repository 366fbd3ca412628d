"""One data line: checked, and cut into the alleles that the chosen sample carries."""

import re
from typing import Final, NamedTuple, cast

from .alleles import Allele, Shape, allele_id, is_bases, kind_named, shape
from .consequences import NONE, ConsequenceReader
from .contigs import LENGTHS, OTHER, is_contig_name
from .faults import RowFault, Warnings
from .genotypes import Genotype, zygosity
from .header import Header
from .info import INT_MAX, InfoReader, integer, is_number, real
from .memory import remember
from .samples import Plan, SampleReader

_MEMO_SIZE: Final = 20_000
_MEMO_LENGTH: Final = 64
_MAX_DIGITS: Final = 18
_BEYOND: Final = "The position lies beyond the contig's end: perhaps the file is of another genome build."
_FILTER = re.compile(r"[^\s;]{1,200}")
_RS_ID = re.compile(r"rs[0-9]{1,18}").fullmatch
_PLAIN_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?").fullmatch
# Spelled as the specification allows, though no number that a column can hold (VCF 4.3, 1.3).
_NOT_FINITE = re.compile(r"\+?(?:inf|infinity)|[-+]?nan", re.IGNORECASE)


class Site(NamedTuple):
    """What the alleles of one line share."""

    line: int
    chrom: int
    pos: int
    ref: str
    alts: list[str]
    shapes: list[Shape | None]
    info: str
    qual: float | None
    filters: list[str] | None
    rs_ids: list[str] | None
    values: list[str]
    plan: Plan


class RecordParser:
    """Parses lines of one file; remembers what recurs in them, in bounded tables."""

    def __init__(self, header: Header, build: str, warnings: Warnings) -> None:
        self.skipped_reference = 0
        self.skipped_other_contigs = 0
        self.known_contig = False
        # CHROM code and POS of the line parsed last.
        self.chrom = OTHER
        self.pos = 0
        self._header = header
        self._columns = header.columns
        self._sample_column = header.sample_column
        self._build = build
        self._warnings = warnings
        self._contigs = dict(header.contigs)
        self._lengths = (INT_MAX, *LENGTHS[build][1:])
        self._info = InfoReader(warnings)
        self._consequences = ConsequenceReader(header.annotations, warnings)
        self._annotated = ("CSQ=" if "CSQ" in header.annotations else "ANN=", "ANN=")
        self._samples = SampleReader(warnings)
        self._plans = self._samples.plans
        self._shapes: dict[tuple[str, str], tuple[list[str], list[Shape | None]]] = {}
        self._zygosities: dict[tuple[str, int, int], str] = {}
        self._filters: dict[str, list[str] | None] = {}

    def parse(self, text: str, line: int) -> list[Allele]:
        """The alleles called on this line (1-based number), none for reference and other contigs.

        Raises RowFault for what vcf-rules call fatal: the framing, CHROM, POS, REF, ALT, QUAL, FILTER, GT.
        """
        cells = text.split("\t")
        if len(cells) != self._columns:
            cells = self._reframed(cells)
        chrom, pos_text, ids, ref, alt, qual_text, filter_text, info, format_ = cells[:9]
        code = self._contigs.get(chrom)
        if code is None:
            code = self._other_contig(chrom)
        length = self._lengths[code]
        pos = int(pos_text) if pos_text.isdigit() and pos_text.isascii() and len(pos_text) < _MAX_DIGITS else -1
        if not 0 < pos <= length:
            self._check_pos(pos, code)
        self.chrom, self.pos = code, pos
        alts, shapes = self._shapes.get((ref, alt)) or self._shape(ref, alt)
        qual = float(qual_text) if _PLAIN_NUMBER(qual_text) else self._qual(qual_text, line)
        filters = self._filters[filter_text] if filter_text in self._filters else self._filter(filter_text, line)
        plan = self._plans.get(format_) or self._samples.plan(format_, line)
        values = cells[self._sample_column].split(":")
        genotype = self._samples.genotype(values, plan, len(alts), line)
        if code == OTHER:
            self.skipped_other_contigs += 1
            return []
        self.known_contig = True
        if not 0 < pos <= length:
            self._warnings.add("telomere", line, "POS 0 and length + 1 stand for telomeres; such lines are skipped.")
            return []
        called = [index for index in genotype.called if shapes[index - 1]] if genotype.called else ()
        if not called:
            self.skipped_reference += 1
            return []
        rs_ids = None if ids == "." else [ids] if _RS_ID(ids) else self._rs_ids(ids, line)
        # The tuple's own constructor: NamedTuple's costs twice as much.
        site = tuple.__new__(Site, (line, code, pos, ref, alts, shapes, info, qual, filters, rs_ids, values, plan))
        if len(called) == 1:
            return [self._allele(site, genotype, called[0])]
        return [self._allele(site, genotype, index) for index in called]

    def _allele(self, site: Site, genotype: Genotype, index: int) -> Allele:
        line, code, pos, _, alts, shapes, info, qual, filters, rs_ids, values, plan = site
        found = cast("Shape", shapes[index - 1])
        offset, ref, alt, kind, symbolic, _ = found
        pos += offset
        end_pos = pos + len(ref) - 1
        if symbolic:
            end_pos, svlen, kind = self._extent(site, index, found)
            identity = allele_id(self._build, code, pos, ref, alt, end_pos, svlen)
        elif end_pos > self._lengths[code]:
            raise RowFault("REF", "position-beyond-contig", _BEYOND)
        else:
            identity = allele_id(self._build, code, pos, ref, alt)
        depth, depth_ref, depth_alt, quality = self._samples.numbers(values, plan, index, len(alts), line)
        told = NONE
        if self._annotated[0] in info or self._annotated[1] in info:
            told = self._consequences.read(info, site.ref, alts, index, line)
        json = self._info.json(info, index, len(alts), line)
        if plan.cwgt > 0 and plan.cwai > 0:
            genotype, index = self._samples.restored(values, plan, genotype) or (genotype, index)
        known = (genotype.text, index, code)
        state = self._zygosities.get(known)
        if state is None:
            state = zygosity(genotype, index, code)
            remember(self._zygosities, known, state, _MEMO_SIZE)
        gene, term, hgvs_c, hgvs_p = told
        return tuple.__new__(Allele, (
            identity, code, pos, end_pos, ref, alt, kind, genotype.text, state,
            qual, filters, depth, depth_ref, depth_alt, quality, rs_ids, gene, term, hgvs_c, hgvs_p, line, index, json,
        ))  # fmt: skip

    def _reframed(self, cells: list[str]) -> list[str]:
        expected = self._header.columns
        if self._header.trailing_tab and len(cells) == expected + 1 and not cells[-1]:
            return cells[:-1]
        if len(cells) == 1:
            raise RowFault("file", "not-tab-separated", "The line is not parted by TABs.")
        raise RowFault("file", "column-count", f"The line has {len(cells)} columns, the header {expected}.")

    def _other_contig(self, name: str) -> int:
        if not is_contig_name(name):
            raise RowFault("CHROM", "bad-chrom", "CHROM is not a contig name.")
        if len(self._contigs) < _MEMO_SIZE and len(name) <= _MEMO_LENGTH:
            self._contigs[name] = OTHER
        return OTHER

    def _check_pos(self, pos: int, code: int) -> None:
        if pos < 0:
            raise RowFault("POS", "bad-pos", "POS is not a whole number.")
        if code != OTHER and pos > self._lengths[code] + 1:
            raise RowFault("POS", "position-beyond-contig", _BEYOND)

    def _shape(self, ref: str, alt: str) -> tuple[list[str], list[Shape | None]]:
        if not is_bases(ref):
            raise RowFault("REF", "bad-ref", "REF is not a sequence of A, C, G, T, N.")
        alts = alt.split(",")
        try:
            shapes = [shape(ref, one) for one in alts]
        except ValueError:
            message = "ALT is neither bases, nor *, nor a symbolic allele, nor a breakend."
            raise RowFault("ALT", "bad-alt", message) from None
        if len(ref) + len(alt) <= _MEMO_LENGTH:
            remember(self._shapes, (ref, alt), (alts, shapes), _MEMO_SIZE)
        return alts, shapes

    def _qual(self, text: str, line: int) -> float | None:
        if text == ".":
            return None
        value = real(text)
        if value is not None and value >= 0:
            return value
        if _NOT_FINITE.fullmatch(text) or (value is None and is_number(text)):
            self._warnings.add("qual-not-finite", line, "QUAL is infinite or not a number; stored as missing.")
            return None
        raise RowFault("QUAL", "bad-qual", "QUAL is not a number of 0 or more.")

    def _filter(self, text: str, line: int) -> list[str] | None:
        names = [] if text == "PASS" else text.split(";")
        sound = all(_FILTER.fullmatch(name) and name.isprintable() for name in names)
        if text == ".":
            filters = None
        elif not sound or len(set(names)) < len(names) or not {"0", "."}.isdisjoint(names):
            raise RowFault("FILTER", "bad-filter", "FILTER is neither ., nor PASS, nor a list of distinct names.")
        else:
            filters = [name for name in names if name != "PASS"]
        if filters is not None and len(filters) < len(names):
            self._warnings.add("pass-among-filters", line, "FILTER names PASS beside failed filters: kept as failed.")
            return filters
        if len(text) <= _MEMO_LENGTH:
            remember(self._filters, text, filters, _MEMO_SIZE)
        return filters

    def _rs_ids(self, text: str, line: int) -> list[str] | None:
        names = text.split(";")
        if "" in names or " " in text or len(set(names)) < len(names):
            self._warnings.add("bad-id", line, "ID holds an empty, repeated or blank-parted name.")
        found = [name for name in dict.fromkeys(names) if _RS_ID(name)]
        return found or None

    def _extent(self, site: Site, index: int, found: Shape) -> tuple[int, int | None, str]:
        """End (1-based, inclusive), length and kind of a symbolic allele (VCF 4.5, 1.6.1.8).

        SVLEN decides, else END, else POS. Raises RowFault: end-before-pos.
        """
        told = self._info.fields(site.info)
        kind = found.kind if found.known else self._told_kind(told.get("SVTYPE", ""), site.line)
        svlen = self._length(told, index, site)
        last = self._lengths[site.chrom]
        if kind in ("insertion", "breakend"):
            return site.pos, svlen, kind
        end_pos = site.pos
        # Before 4.4 an inversion had length 0: what changed, not what it spans.
        if svlen:
            end_pos = site.pos + svlen
        elif "END" in told:
            end = integer(told["END"])
            if end is None:
                self._warnings.add("bad-end", site.line, "END or SVLEN is not a whole number.")
            elif end < site.pos:
                raise RowFault("INFO", "end-before-pos", "END lies before POS.")
            else:
                end_pos = end
        if end_pos > last:
            self._warnings.add("end-beyond-contig", site.line, "A structural variant was cut at its contig's end.")
        return min(end_pos, last), svlen, kind

    def _told_kind(self, svtype: str, line: int) -> str:
        kind = kind_named(svtype)
        if kind is None:
            self._warnings.add("unknown-symbolic-allele", line, "A symbolic ALT names no known kind; kept as delins.")
        return kind or "delins"

    def _length(self, told: dict[str, str], index: int, site: Site) -> int | None:
        if "SVLEN" not in told:
            return None
        values = told["SVLEN"].split(",")
        text = values[index - 1] if len(values) == len(site.alts) else ""
        length = integer(text)
        if length is None and text != ".":
            self._warnings.add("bad-end", site.line, "END or SVLEN is not a whole number.")
        return None if length is None else abs(length)
