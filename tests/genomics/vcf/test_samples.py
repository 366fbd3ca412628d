import pytest

from .files import alleles, only, row, vcf, warned


def line(format_: str, sample: str, pos: int = 100, alt: str = "C") -> str:
    return row("1", pos, ".", "A", alt, "1", ".", ".", format_, sample)


class TestNumbers:
    def test_it_reads_depths_and_quality(self) -> None:
        found = only(vcf(line("GT:AD:DP:GQ:PL", "0/1:10,12:25:99:1,0,2")))
        assert (found.depth, found.depth_ref, found.depth_alt, found.genotype_quality) == (25, 10, 12, 99)

    @pytest.mark.parametrize("sample", ["0/1", "0/1:.", "0/1:.:.:.", "0/1:.,.:.:."])
    def test_it_takes_missing_and_left_out_values(self, sample: str) -> None:
        data = vcf(line("GT:AD:DP:GQ", sample))
        found = only(data)
        assert (found.depth, found.depth_ref, found.depth_alt, found.genotype_quality) == (None, None, None, None)
        assert warned(data) == {}

    @pytest.mark.parametrize("value", ["-1", "1.5", "x", "99999999999", "1e3", "\u0661"])
    def test_it_counts_values_that_are_no_numbers(self, value: str) -> None:
        data = vcf(line("GT:DP", f"0/1:{value}"))
        assert only(data).depth is None
        assert warned(data) == {"bad-sample-value": (1, 3)}

    def test_it_counts_allele_depths_of_another_length(self) -> None:
        data = vcf(line("GT:AD", "0/1:12"), line("GT:AD", "0/1:1,2,3", 200))
        assert [allele.depth_alt for allele in alleles(data)] == [None, None]
        assert warned(data) == {"bad-allele-depth": (2, 3)}

    def test_depths_seen_before_count_again_where_they_do_not_fit(self) -> None:
        data = vcf(
            line("GT:AD", "0/1:1,2"), line("GT:AD", "0/1:1,2", 200, "C,G"), line("GT:AD", "0/1:1,x", 300),
            line("GT:AD", "0/1:1,x", 400),
        )  # fmt: skip
        assert [allele.depth_alt for allele in alleles(data)] == [2, None, None, None]
        assert warned(data) == {"bad-allele-depth": (1, 4), "bad-sample-value": (2, 5)}

    def test_it_rounds_a_decimal_quality(self) -> None:
        data = vcf(line("GT:GQ", "0/1:48.7"))
        assert only(data).genotype_quality == 49
        assert warned(data) == {"rounded-quality": (1, 3)}

    @pytest.mark.parametrize("value", ["NaN", "inf", "-3.5", "1e99"])
    def test_it_stores_no_quality_that_does_not_fit(self, value: str) -> None:
        assert only(vcf(line("GT:GQ", f"0/1:{value}"))).genotype_quality is None


class TestFormat:
    @pytest.mark.parametrize(("format_", "sample"), [("DP", "7"), (".", "."), ("GL:DP", "1,2,3")])
    def test_it_calls_nothing_without_gt(self, format_: str, sample: str) -> None:
        data = vcf(line(format_, sample))
        assert alleles(data) == []
        assert warned(data) == {"no-genotype": (1, 3)}

    def test_it_calls_nothing_in_an_empty_cell(self) -> None:
        data = vcf(line("GT:DP", ""))
        assert alleles(data) == []
        assert warned(data) == {"empty-sample": (1, 3)}

    def test_it_reads_no_key_that_stands_twice(self) -> None:
        data = vcf(line("GT:DP:DP", "0/1:5:6"))
        assert only(data).depth is None
        assert warned(data) == {"bad-format": (1, 3)}

    def test_it_reads_a_hundred_thousand_keys_in_one_pass(self) -> None:
        keys = ":".join(f"K{number}" for number in range(100_000))
        assert only(vcf(line(f"GT:{keys}:DP", "0/1"))).depth is None

    @pytest.mark.parametrize("format_", ["GT:G S", "GT::GL", "GT:G*S"])
    def test_it_passes_over_misspelt_keys(self, format_: str) -> None:
        data = vcf(line(format_, "0/1"))
        assert only(data).genotype == "0/1"
        assert warned(data) == {"bad-format": (1, 3)}
