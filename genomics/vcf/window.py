"""Duplicates out, in flat memory: an allele waits until the file has passed the place where it could come again."""

import heapq
from collections.abc import Iterator

from . import genotypes
from .alleles import Allele
from .faults import Warning, Warnings
from .reader import Reader


class Window:
    """Unique alleles of a reader, best duplicate first: PASS, then higher QUAL, then first seen.

    Take `ordered()` to its end, then `rest()`. While POS ascends on a contig and each contig is one run, `ordered()`
    yields every allele once. From the first step back, or when more than `limit` alleles or `characters` of
    their text wait, `rest()` yields the remaining ones as they come: these the caller merges.
    """

    def __init__(self, reader: Reader, limit: int = 50_000, characters: int = 64 * 1024**2) -> None:
        self.duplicates = 0
        self._warnings = Warnings()
        self._lines = reader.lines()
        self._limit = limit
        # One allele may be as long as a line: counting them alone would bound nothing.
        self._left = characters
        self._held: list[Allele] = []
        self._waiting: dict[bytes, Allele] = {}
        self._queue: list[tuple[int, int, bytes]] = []
        self._arrivals = 0

    @property
    def warnings(self) -> list[Warning]:
        """One entry a code: genotype-conflict, unsorted."""
        return self._warnings.listed()

    def ordered(self) -> Iterator[Allele]:
        """Unique alleles, by contig run and trimmed position. Raises VCFError as the reader does."""
        chrom = pos = 0
        finished: set[int] = set()
        # The only allele that waits, where only one does: nearly always, so that the queue is for the rest.
        alone: Allele | None = None
        for here, line_pos, alleles in self._lines:
            if alone and here == chrom and alone.pos < line_pos:
                yield alone
            else:
                if alone:
                    self._add(alone)
                if here != chrom:
                    yield from self._passed(None)
                    finished.add(chrom)
                    chrom, pos = here, 0
                if here in finished or line_pos < pos:
                    message = "The file steps back in position or returns to a contig."
                    self._warnings.add("unsorted", alleles[0].record_line, message)
                    self._held = alleles
                    break
                yield from self._passed(line_pos)
            pos = line_pos
            alone = None
            if len(alleles) == 1 and not self._queue:
                alone = alleles[0]
            elif not self._fits(alleles):
                break
        else:
            if alone:
                yield alone
        yield from self._passed(None)

    def rest(self) -> Iterator[Allele]:
        """Everything after `ordered()`, duplicates included."""
        yield from self._held
        self._held = []
        for _, _, alleles in self._lines:
            yield from alleles

    def _fits(self, alleles: list[Allele]) -> bool:
        """Adds them; where there is no room, holds the ones that are left."""
        for index, allele in enumerate(alleles):
            if len(self._waiting) >= self._limit or self._left < 0:
                self._held = alleles[index:]
                return False
            self._add(allele)
        return True

    def _add(self, allele: Allele) -> None:
        known = self._waiting.get(allele.id)
        if known is None:
            self._arrivals += 1
            heapq.heappush(self._queue, (allele.pos, self._arrivals, allele.id))
            self._waiting[allele.id] = allele
            self._left -= _text(allele)
            return
        self.duplicates += 1
        if _copies(known) != _copies(allele):
            message = f"One allele has two genotypes, first on lines {known.record_line} and {allele.record_line}."
            self._warnings.add("genotype-conflict", allele.record_line, message)
        if _rank(allele) > _rank(known):
            self._waiting[allele.id] = allele
            self._left += _text(known) - _text(allele)

    def _passed(self, pos: int | None) -> Iterator[Allele]:
        """Releases what stands before `pos`, or everything."""
        queue = self._queue
        while queue and (pos is None or queue[0][0] < pos):
            allele = self._waiting.pop(heapq.heappop(queue)[2])
            self._left += _text(allele)
            yield allele


def _text(allele: Allele) -> int:
    """Characters of what has no bound of its own."""
    size = len(allele.ref) + len(allele.alt) + len(allele.info)
    return size + sum(map(len, allele.filters)) if allele.filters else size


def _rank(allele: Allele) -> tuple[bool, float]:
    return allele.filters == [], -1.0 if allele.qual is None else allele.qual


def _copies(allele: Allele) -> tuple[int, int, int]:
    return genotypes.copies(genotypes.parse(allele.genotype), allele.alt_index)
