"""The reader: a stream of bytes in, alleles out."""

from collections.abc import Iterable, Iterator

from .alleles import Allele
from .contigs import BUILDS
from .faults import MAX_FAULTS, Fault, RowFault, VCFError, Warning, Warnings
from .framing import Block, Limits, blocks
from .header import read_header
from .record import RecordParser

Line = tuple[int, int, list[Allele]]
"""Contig code, POS as written (trimming moves alleles of one line apart), and the alleles called: one or more."""


class Reader:
    """Iterates once over the alleles that one sample of a VCF file (4.x) carries.

    Reads the header at once and raises VCFError for its faults. Iterating raises VCFError at the end with up to
    100 faults of the body, and yields nothing after the first. Memory stays flat whatever the file's size.
    """

    def __init__(
        self, chunks: Iterable[bytes], *, build: str, sample: str | None = None, limits: Limits | None = None
    ) -> None:
        if build not in BUILDS:
            raise ValueError(f"build must be one of {', '.join(BUILDS)}")
        self._warnings = Warnings()
        self._blocks = blocks(chunks, limits or Limits(), self._warnings)
        # The block in which the header ends, and how many of its lines are the header's.
        self._pending: Block = (1, [])
        self._header_end = 0
        header = read_header(self._header_lines(), build, sample, self._warnings)
        self._records = RecordParser(header, build, self._warnings)
        self._faults: list[Fault] = []
        self._first_record = 0
        self.sample = header.sample

    @property
    def skipped_reference(self) -> int:
        """Lines on known contigs that call no ALT worth storing."""
        return self._records.skipped_reference

    @property
    def skipped_other_contigs(self) -> int:
        """Lines on contigs other than 1..22, X, Y and MT."""
        return self._records.skipped_other_contigs

    @property
    def warnings(self) -> list[Warning]:
        """One entry a code; complete when iteration has ended."""
        return self._warnings.listed()

    def __iter__(self) -> Iterator[Allele]:
        for _, _, alleles in self.lines():
            yield from alleles

    def lines(self) -> Iterator[Line]:
        """The same, a line at a time. Once, instead of iterating."""
        records = self._records
        parse = records.parse
        try:
            for first, lines in self._body():
                number = first
                if lines and not self._first_record:
                    self._first_record = number
                for line in lines:
                    try:
                        alleles = parse(line, number)
                    except RowFault as refusal:
                        self._note(Fault(number, refusal.column, refusal.code, refusal.message))
                    else:
                        if alleles and not self._faults:
                            yield records.chrom, records.pos, alleles
                    number += 1
        except VCFError as error:
            if not self._faults:
                raise
            for fault in error.faults:
                self._note(fault)
        self._conclude()

    def _header_lines(self) -> Iterator[tuple[int, str]]:
        """Lines one by one; what is left of the block that ends the header stays pending for the body."""
        for first, lines in self._blocks:
            for index, line in enumerate(lines):
                self._header_end = index + 1
                self._pending = (first, lines)
                yield first + index, line

    def _body(self) -> Iterator[Block]:
        """Blocks without blank lines, which are allowed at the end of the file only."""
        blank = 0
        first, held = self._pending
        block: Block | None = (first + self._header_end, held[self._header_end :])
        while block is not None:
            number, lines = block
            if "" in lines or blank:
                for line in lines:
                    if line and blank:
                        self._note(Fault(blank, "file", "blank-line", "A blank line stands between data lines."))
                        return
                    if line:
                        yield number, [line]
                    else:
                        blank = blank or number
                    number += 1
            else:
                yield block
            block = next(self._blocks, None)

    def _note(self, fault: Fault) -> None:
        self._faults.append(fault)
        if len(self._faults) >= MAX_FAULTS:
            raise VCFError(self._faults[:MAX_FAULTS])

    def _conclude(self) -> None:
        if self._faults:
            raise VCFError(self._faults)
        first = self._first_record
        if not first:
            self._warnings.add("no-records", 0, "The file holds no data lines.")
        elif not self._records.known_contig:
            message = "No data line is on a chromosome: are the contig names those of another species or build?"
            raise VCFError([Fault(first, "CHROM", "no-known-contig", message)])
