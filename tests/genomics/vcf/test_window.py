import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomics.vcf import Allele, Window

from .files import reader, row, vcf


def window(*rows: str, limit: int = 50_000, characters: int = 1_000_000, samples: tuple[str, ...] = ("S",)) -> Window:
    return Window(reader(vcf(*rows, samples=samples)), limit=limit, characters=characters)


def lines(alleles: Iterable[Allele]) -> list[int]:
    return [allele.record_line for allele in alleles]


def line(
    pos: int, ref: str = "A", alt: str = "C", gt: str = "0/1", qual: str = ".", flt: str = ".", chrom: str = "1"
) -> str:
    return row(chrom, pos, ".", ref, alt, qual, flt, ".", "GT", gt)


class TestOrder:
    def test_it_yields_a_sorted_file_as_it_is(self) -> None:
        found = window(line(1), line(2), line(2, alt="G"), line(1, chrom="2"))
        assert lines(found.ordered()) == [3, 4, 5, 6]
        assert lines(found.rest()) == []
        assert (found.duplicates, found.warnings) == (0, [])

    def test_it_orders_by_trimmed_position(self) -> None:
        found = window(line(100, "TTTTA", "TTTTC"), line(102))
        assert [(allele.pos, allele.record_line) for allele in found.ordered()] == [(102, 4), (104, 3)]

    def test_it_parts_at_the_first_step_back(self) -> None:
        found = window(line(5), line(9), line(7), line(8))
        assert lines(found.ordered()) == [3, 4]
        assert lines(found.rest()) == [5, 6]
        assert [(w["code"], w["first_line"]) for w in found.warnings] == [("unsorted", 5)]

    def test_it_parts_when_a_contig_comes_again(self) -> None:
        found = window(line(5), line(6, chrom="2"), line(9))
        assert lines(found.ordered()) == [3, 4]
        assert lines(found.rest()) == [5]
        assert [w["code"] for w in found.warnings] == ["unsorted"]

    def test_it_accepts_contigs_in_any_order(self) -> None:
        found = window(line(5, chrom="X"), line(6, chrom="10"), line(9, chrom="2"))
        assert lines(found.ordered()) == [3, 4, 5]
        assert found.warnings == []

    def test_it_does_not_take_trimming_for_a_step_back(self) -> None:
        # Line 3 starts at 100 though its allele stands at 104.
        found = window(line(100, "TTTTA", "TTTTC"), line(101))
        assert len(list(found.ordered())) == 2
        assert found.warnings == []

    def test_it_parts_when_too_many_wait(self) -> None:
        found = window(*(line(7, "A", "A" + "ACGT"[n % 4] * (n + 1)) for n in range(10)), limit=4)
        assert len(list(found.ordered())) == 4
        assert len(list(found.rest())) == 6
        assert found.warnings == []


class TestDuplicates:
    @pytest.mark.parametrize(
        ("first", "second", "kept"),
        [
            (line(5), line(5), 3),
            (line(5, flt="q10", qual="90"), line(5, flt="PASS", qual="1"), 4),
            (line(5, flt="PASS", qual="1"), line(5, flt=".", qual="90"), 3),
            (line(5, qual="1"), line(5, qual="2"), 4),
            (line(5, qual="2"), line(5, qual="2"), 3),
            (line(5), line(5, qual="0"), 4),
        ],
    )
    def test_it_keeps_pass_then_quality_then_the_first(self, first: str, second: str, kept: int) -> None:
        found = window(first, second, line(6))
        assert lines(found.ordered()) == [kept, 5]
        assert found.duplicates == 1

    def test_it_sees_through_context(self) -> None:
        found = window(
            line(127, "TTTAT", "TTTGT,T", gt="1/2"), line(128, "TTAT", "TTGT"), line(129, "T", "G"), line(130)
        )
        assert [(allele.pos, allele.record_line) for allele in found.ordered()] == [
            (127, 3),
            (129, 5),
            (130, 3),
            (130, 6),
        ]
        assert found.duplicates == 1

    def test_it_keeps_symbolic_alleles_of_different_extent(self) -> None:
        short = row(alt="<DEL>", info="END=200")
        found = window(short, row(alt="<DEL>", info="END=300"), short)
        assert len(list(found.ordered())) == 2
        assert found.duplicates == 1

    @pytest.mark.parametrize(
        ("first", "second", "conflict"),
        [
            (line(5, gt="0/1"), line(5, gt="1|0"), False),
            (line(5, gt="0/1"), line(5, alt="G,C", gt="1/2"), False),
            (line(5, gt="0/1"), line(5, gt="1/1"), True),
            (line(5, gt="0/1"), line(5, gt="./1"), True),
        ],
    )
    def test_it_warns_of_conflicting_genotypes_with_both_lines(self, first: str, second: str, conflict: bool) -> None:
        found = window(first, second)
        list(found.ordered())
        assert [w["code"] for w in found.warnings] == ["genotype-conflict"] * conflict
        assert all("3 and 4" in w["message"] for w in found.warnings)

    def test_it_leaves_duplicates_after_a_step_back_to_the_caller(self) -> None:
        found = window(line(5), line(4), line(4), line(5))
        assert lines(found.ordered()) == [3]
        assert lines(found.rest()) == [4, 5, 6]
        assert found.duplicates == 0


class TestMemory:
    def test_it_holds_few_alleles_of_a_long_file(self) -> None:
        held = 0

        def watched(found: Window) -> Iterator[Allele]:
            nonlocal held
            for allele in found.ordered():
                held = max(held, len(found._waiting))
                yield allele

        random.seed(7)
        positions = sorted(random.choices(range(1, 1_000_000), k=5_000))
        found = window(*(line(pos, "AT" * 5, "AT" * 4 + "AC") for pos in positions))
        assert sum(1 for _ in watched(found)) == len(set(positions))
        assert held < 50

    @pytest.mark.parametrize(
        "long",
        [
            lambda n: line(7, "A", "A" * (1_000 + n)),
            lambda n: line(7, "C" * (1_000 + n), "C"),
            lambda n: line(7, "A", "A" * (2 + n), flt="f" * 200 + ";" + "g" * 200),
            lambda n: row(pos=7, alt="A" * (2 + n), info=f"CLNSIG={'x' * 1_000}"),
        ],
    )
    def test_it_parts_when_much_text_waits(self, long: Callable[[int], str]) -> None:
        found = window(*map(long, range(20)), characters=3_000)
        first, rest = lines(found.ordered()), lines(found.rest())
        assert len(first) < 10
        assert [*first, *rest] == list(range(3, 23))
        assert found.warnings == []

    def test_it_forgets_the_text_of_what_has_passed(self) -> None:
        rows = [line(7 + n // 2, "A", "A" * 500, qual=str(n)) for n in range(40)]
        found = window(*rows, characters=2_000)
        assert len(list(found.ordered())) == 20
        assert lines(found.rest()) == []


class TestEveryFile:
    """The window passes most alleles by its queue; whatever the file, that changes nothing."""

    @staticmethod
    def expected(data: bytes) -> list[Allele]:
        """Of the whole file at once: the best of each allele, in the order in which the file passes them."""
        best: dict[bytes, Allele] = {}
        for allele in reader(data):
            known = best.get(allele.id)
            if known is None or rank(allele) > rank(known):
                best[allele.id] = allele
        return sorted(best.values(), key=lambda allele: (allele.chrom, allele.pos, allele.id))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["1", "2"]),
                st.integers(1, 6),
                st.sampled_from([("A", "C"), ("A", "G"), ("A", "C,G"), ("AAAT", "AAAC"), ("AT", "A"), ("A", "<DEL>")]),
                st.sampled_from(["0/1", "1/1", "1|0"]),
                st.sampled_from([".", "3", "7"]),
                st.sampled_from(["PASS", "q"]),
            ),
            max_size=12,
        )
    )
    def test_ordered_files_keep_the_best_of_each_allele(self, records: list[tuple[Any, ...]]) -> None:
        rows = [
            line(pos, ref, alt, "1/2" if "," in alt else gt, qual, flt, chrom)
            for chrom, pos, (ref, alt), gt, qual, flt in sorted(records, key=lambda record: record[:2])
        ]
        found = window(*rows)
        kept = list(found.ordered())
        assert list(found.rest()) == []
        assert [(allele.chrom, allele.pos) for allele in kept] == sorted((each.chrom, each.pos) for each in kept)
        assert sorted(kept, key=lambda each: (each.chrom, each.pos, each.id)) == self.expected(vcf(*rows))
        assert found.duplicates == len(list(reader(vcf(*rows)))) - len(kept)

    @given(st.lists(st.tuples(st.sampled_from(["1", "2"]), st.integers(1, 6)), max_size=12), st.integers(1, 4))
    def test_any_file_passes_every_allele_once(self, places: list[tuple[str, int]], limit: int) -> None:
        rows = [line(pos, "A", "C,G", gt="1/2", chrom=chrom) for chrom, pos in places]
        found = window(*rows, limit=limit)
        first = list(found.ordered())
        assert len({allele.id for allele in first}) == len(first)
        rest = list(found.rest())
        assert len(first) + len(rest) + found.duplicates == len(rows) * 2
        assert {allele.id for allele in [*first, *rest]} == {allele.id for allele in reader(vcf(*rows))}


def rank(allele: Allele) -> tuple[bool, float, int]:
    return allele.filters == [], -1.0 if allele.qual is None else allele.qual, -allele.record_line
