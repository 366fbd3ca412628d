"""The chosen sample's column: genotype, depths, quality (VCF 4.3, 1.6.2)."""

import re
from typing import Final, NamedTuple

from . import genotypes
from .faults import RowFault, Warnings
from .genotypes import Genotype
from .info import INT_MAX, integer, real
from .memory import remember

EXPORTED_GENOTYPE: Final = "CWGT"
EXPORTED_INDEX: Final = "CWAI"
MAX_INDEX: Final = 2**15 - 1
NO_CALL: Final = Genotype(".", (-1,), (), -1)

_MEMO_SIZE: Final = 20_000
_MEMO_LENGTH: Final = 64
_KEY = re.compile(r"[A-Za-z0-9_.%]+")
_NUMBERS: Final = {str(number): number for number in range(1000)}


class Plan(NamedTuple):
    """Where FORMAT puts what is read; -1 where it does not. `cwgt` and `cwai`: what a Careway export keeps."""

    size: int
    gt: int
    ad: int
    dp: int
    gq: int
    cwgt: int
    cwai: int


class SampleReader:
    """Remembers FORMAT and GT texts: a file holds a handful of each."""

    def __init__(self, warnings: Warnings) -> None:
        self._warnings = warnings
        # By FORMAT text; the record parser looks here before it calls `plan`.
        self.plans: dict[str, Plan] = {}
        self._genotypes: dict[str, Genotype] = {}
        # By AD text, at sites with one ALT.
        self._pairs: dict[str, tuple[int | None, int | None]] = {}

    def plan(self, text: str, line: int) -> Plan:
        """Raises RowFault: empty-format, gt-not-first, duplicate-gt."""
        keys = text.split(":")
        if not text:
            raise RowFault("FORMAT", "empty-format", "FORMAT is empty.")
        if keys.count("GT") > 1:
            raise RowFault("FORMAT", "duplicate-gt", "FORMAT names GT twice.")
        if "GT" in keys[1:]:
            raise RowFault("FORMAT", "gt-not-first", "GT must be the first key of FORMAT.")
        if len(set(keys)) < len(keys) or not all(_KEY.fullmatch(key) for key in keys):
            self._warnings.add("bad-format", line, "FORMAT holds a repeated or misspelt key; such keys are not read.")
        # A key that stands twice has no value that could be trusted.
        wanted = ("GT", "AD", "DP", "GQ", EXPORTED_GENOTYPE, EXPORTED_INDEX)
        plan = Plan(len(keys), *(keys.index(key) if keys.count(key) == 1 else -1 for key in wanted))
        if len(text) <= _MEMO_LENGTH:
            remember(self.plans, text, plan, _MEMO_SIZE)
        return plan

    def genotype(self, values: list[str], plan: Plan, alts: int, line: int) -> Genotype:
        """What the sample calls at a site with this many ALTs.

        Raises RowFault: too-many-values, bad-genotype, genotype-too-long, genotype-out-of-range.
        """
        if len(values) > plan.size:
            raise RowFault("sample", "too-many-values", "The sample has more values than FORMAT has keys.")
        if plan.gt == 0 and (known := self._genotypes.get(values[0])) and known.highest <= alts:
            return known
        if plan.gt < 0 or not values[0]:
            code = "no-genotype" if plan.gt < 0 else "empty-sample"
            self._warnings.add(code, line, "The sample has no GT value: nothing is called.")
            return NO_CALL
        text = values[0]
        genotype = genotypes.parse(text)
        if genotype.highest > alts or genotype.highest > MAX_INDEX:
            raise RowFault("sample", "genotype-out-of-range", "GT names an allele that the line does not have.")
        if len(text) <= _MEMO_LENGTH:
            remember(self._genotypes, text, genotype, _MEMO_SIZE)
        return genotype

    def numbers(
        self, values: list[str], plan: Plan, index: int, alts: int, line: int
    ) -> tuple[int | None, int | None, int | None, int | None]:
        """DP, reads for REF, reads for ALT number `index`, GQ. Trailing values may be left out."""
        _, _, ad, dp, gq, _, _ = plan
        given = len(values)
        depth = depth_ref = depth_alt = quality = None
        if 0 <= ad < given:
            text = values[ad]
            known = self._pairs.get(text) if alts == 1 else None
            depth_ref, depth_alt = known or self._depths(text, index, alts, line)
        if 0 <= dp < given:
            text = values[dp]
            depth = _NUMBERS.get(text)
            if depth is None:
                depth = self._count(text, line)
        if 0 <= gq < given:
            text = values[gq]
            quality = _NUMBERS.get(text)
            if quality is None:
                quality = self._quality(text, line)
        return depth, depth_ref, depth_alt, quality

    def _depths(self, text: str, index: int, alts: int, line: int) -> tuple[int | None, int | None]:
        """Reads supporting REF and ALT number `index`, from AD with one value an allele."""
        values = text.split(",")
        if len(values) == alts + 1:
            depth_ref, depth_alt = (self._count(value, line) for value in (values[0], values[index]))
            # What is missing may have been warned of, which is done each time.
            if alts == 1 and depth_ref is not None and depth_alt is not None and len(text) <= _MEMO_LENGTH:
                remember(self._pairs, text, (depth_ref, depth_alt), _MEMO_SIZE)
            return depth_ref, depth_alt
        if text != ".":
            self._warnings.add("bad-allele-depth", line, "AD has not one value for each allele.")
        return None, None

    def _count(self, text: str, line: int) -> int | None:
        """A whole number of 0 or more; None with a warning for anything else, without for missing."""
        value = integer(text)
        if value is None or value < 0:
            if text not in (".", ""):
                message = "A depth or quality of the sample is not a number of 0 or more."
                self._warnings.add("bad-sample-value", line, message)
            return None
        return value

    def _quality(self, text: str, line: int) -> int | None:
        """GQ; some callers write it as a decimal, which is rounded."""
        value = real(text)
        if value is not None and 0 <= value <= INT_MAX and integer(text) is None:
            self._warnings.add("rounded-quality", line, "GQ is not a whole number; it was rounded.")
            return round(value)
        return self._count(text, line)

    def restored(self, values: list[str], plan: Plan, genotype: Genotype) -> tuple[Genotype, int] | None:
        """The genotype and ALT number of the file that a Careway export came from.

        None unless the line's own GT is what the export makes of them: an edited line speaks for itself.
        """
        if max(plan.cwgt, plan.cwai) >= len(values):
            return None
        index = integer(values[plan.cwai])
        try:
            original = genotypes.parse(values[plan.cwgt])
        except RowFault:
            return None
        if index is None or not 0 < index <= MAX_INDEX or genotypes.own(original, index) != genotype.text:
            return None
        return original, index
