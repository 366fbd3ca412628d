import tracemalloc
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from genomics.vcf import Allele, Limits, Reader, VCFError, Window

from .files import COLUMNS, reader, row, vcf

cells = st.sampled_from(
    [
        "1",
        "chr2",
        "100",
        ".",
        "A",
        "ACG",
        "*",
        "<DEL>",
        "A[2:3[",
        "A,C",
        "50",
        "PASS",
        "q",
        "GT",
        "GT:DP",
        "0/1",
        "1|2:7",
        "END=5",
        "é",
    ]
)
columns = st.lists(cells | st.text(max_size=5), min_size=8, max_size=12)


class TestReader:
    def test_it_reads_while_the_file_arrives(self) -> None:
        head, tail = vcf(row()), (row(pos=200) + "\n").encode()
        asked = []

        def arriving() -> Iterator[bytes]:
            yield head + (row(pos=150) + "\n").encode() * 9000
            asked.append("more")
            yield tail

        source = iter(Reader(arriving(), build="GRCh38"))
        assert next(source).pos == 100
        assert asked == []

    def test_it_reads_a_large_file_in_flat_memory(self) -> None:
        def long() -> Iterator[bytes]:
            yield vcf()
            for pos in range(1, 60_000):
                yield (row(pos=pos, info=f"DP={pos};CLNSIG=x{pos}", id_=f"rs{pos}") + "\n").encode()

        tracemalloc.start()
        assert sum(1 for _ in Window(Reader(long(), build="GRCh38")).ordered()) == 59_999
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40 * 1024 * 1024

    @given(st.binary(max_size=400))
    def test_it_raises_nothing_but_its_own_error(self, data: bytes) -> None:
        self.survives(data)
        self.survives(b"\x1f\x8b\x08\x00" + data)
        self.survives(vcf() + data)

    @given(st.lists(columns.map("\t".join), max_size=4), st.lists(st.text(max_size=20), max_size=3))
    @settings(max_examples=300)
    def test_it_survives_any_cells(self, lines: list[str], meta: list[str]) -> None:
        self.survives(
            "\n".join(
                ["##fileformat=VCFv4.2", *("##" + line for line in meta), "\t".join([*COLUMNS, "S"]), *lines]
            ).encode()
        )

    @staticmethod
    def survives(data: bytes) -> None:
        found: list[Allele] = []
        faults = []
        try:
            found = list(reader(data, limits=Limits(line_bytes=1000)))
        except VCFError as error:
            faults = error.faults
        assert len(faults) <= 100
        assert all(fault.code and fault.column and fault.line >= 0 for fault in faults)
        assert all(1 <= allele.pos <= allele.end_pos < 2**31 for allele in found)
        assert all("\0" not in allele.alt + allele.info for allele in found)
