import tracemalloc
from collections import Counter
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from genomics.vcf import Allele, Fault, Limits, Reader, VCFError, Window

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

# What a file repeats, and what differs in a detail from that.
records = st.builds(
    lambda alt, id_, filter_, info, call: row("1", 100, id_, "A", alt, "50", filter_, info, *call),
    st.sampled_from(["C", "G", "C,G", "AT", "<DEL>"]),
    st.sampled_from([".", "rs1", "rs1;rs2", "x"]),
    st.sampled_from([".", "PASS", "q", "q;r", "PASS;q"]),
    st.lists(st.sampled_from(["DP=3", "DP=x", "AC=1", "AC=1,2", "DB", "OTHER=3", "AF=0.5", "AF=.", "END=200"])).map(";".join),
    st.sampled_from([
        ("GT", "0/1"), ("GT", "1/1"), ("GT:AD", "0/1:3,4"), ("GT:AD", "0/1:3,4,5"), ("GT:AD", "0/1:x,4"), ("GT:DP", "0/1:3,4"),
        ("GT:AD:DP:GQ", "0/1:3,4:7:99"), ("GT:AD:DP:GQ", "1|2:3,4,5:12:2000"), ("GT:GQ", "0/1:9.6"), ("GT:GQ", "1:."),
    ]),
)  # fmt: skip


class TestWhatRecurs:
    """Texts that were read before are looked up. That gives what reading them anew gives."""

    @given(st.lists(records, min_size=2, max_size=8))
    @settings(max_examples=300)
    def test_a_line_is_read_as_if_it_stood_alone(self, lines: list[str]) -> None:
        read: list[Allele] = []
        counts: Counter[str] = Counter()
        faults: list[Fault] = []
        for number, line in enumerate(lines, 3):
            alone, warnings, refused = outcome(vcf(line))
            read += [allele._replace(record_line=number) for allele in alone]
            counts.update(warnings)
            faults += [fault._replace(line=number) for fault in refused]
        expected = ([], {}, faults) if faults else (read, dict(counts), [])
        assert outcome(vcf(*lines)) == expected


def outcome(data: bytes) -> tuple[list[Allele], dict[str, int], list[Fault]]:
    """Alleles and counted warnings of a file, or its faults."""
    source = reader(data)
    try:
        found = list(source)
    except VCFError as error:
        return [], {}, error.faults
    return found, {warning["code"]: warning["count"] for warning in source.warnings}, []


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
