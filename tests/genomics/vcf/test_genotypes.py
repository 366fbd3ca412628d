import pytest

from genomics.vcf.faults import RowFault
from genomics.vcf.genotypes import own, parse, zygosity


class TestParse:
    @pytest.mark.parametrize(
        ("text", "alleles", "called"),
        [
            ("0/1", (0, 1), (1,)),
            ("1|2", (1, 2), (1, 2)),
            ("2/1", (2, 1), (1, 2)),
            (".", (-1,), ()),
            ("./.", (-1, -1), ()),
            ("0/.", (0, -1), ()),
            ("././.", (-1, -1, -1), ()),
            ("1", (1,), (1,)),
            ("0/0/1/1", (0, 0, 1, 1), (1,)),
            ("|0|1", (0, 1), (1,)),
            ("/.", (-1,), ()),
            ("|./1", (-1, 1), (1,)),
            ("0/12", (0, 12), (12,)),
        ],
    )
    def test_it_reads_every_spelling(self, text: str, alleles: tuple[int, ...], called: tuple[int, ...]) -> None:
        found = parse(text)
        assert (found.text, found.alleles, found.called) == (text, alleles, called)

    @pytest.mark.parametrize(
        "text", ["", "0/|1", "1/C", "0.000", "/", "0/", "0//1", "0/1/", "-1", "0 /1", "\u0661/1", "0\\1"]
    )
    def test_it_refuses_the_rest(self, text: str) -> None:
        with pytest.raises(RowFault) as caught:
            parse(text)
        assert caught.value.code == "bad-genotype"

    def test_it_bounds_the_length(self) -> None:
        assert len(parse("/".join(["0"] * 100)).alleles) == 100
        with pytest.raises(RowFault) as caught:
            parse("/".join(["0"] * 101))
        assert caught.value.code == "genotype-too-long"


class TestZygosity:
    @pytest.mark.parametrize(
        ("text", "index", "chrom", "expected"),
        [
            ("0/1", 1, 1, "heterozygous"),
            ("1/2", 1, 1, "heterozygous"),
            ("1/2", 2, 1, "heterozygous"),
            ("1|1", 1, 1, "homozygous"),
            ("2/2", 2, 1, "homozygous"),
            ("./1", 1, 1, "unknown"),
            ("1", 1, 23, "hemizygous"),
            ("1", 1, 24, "hemizygous"),
            ("1", 1, 1, "unknown"),
            ("1/1", 1, 23, "homozygous"),
            ("0/1", 1, 23, "heterozygous"),
            ("1", 1, 25, "homoplasmic"),
            ("1/1", 1, 25, "homoplasmic"),
            ("0/1", 1, 25, "heteroplasmic"),
            ("./1", 1, 25, "unknown"),
            ("0/0/0/1", 1, 1, "heterozygous"),
            ("1/1/1/1", 1, 1, "homozygous"),
            ("|1|1", 1, 1, "homozygous"),
        ],
    )
    def test_it_follows_ploidy_and_contig(self, text: str, index: int, chrom: int, expected: str) -> None:
        assert zygosity(parse(text), index, chrom) == expected


class TestOwn:
    @pytest.mark.parametrize(
        ("text", "index", "expected"),
        [
            ("0/1", 1, "0/1"),
            ("1/2", 2, "./1"),
            ("2|1", 2, "1|."),
            ("|0|1", 1, "0|1"),
            ("12/1", 1, "./1"),
            ("1", 1, "1"),
        ],
    )
    def test_it_numbers_one_alt_only(self, text: str, index: int, expected: str) -> None:
        assert own(parse(text), index) == expected
