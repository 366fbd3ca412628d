import time

import pytest

from genomics.vcf import VCFError

from .files import alleles, fault, only, reader, refusal, row, vcf, warned

HG38_CHR1 = "##contig=<ID=chr1,length=248956422>"
HG19_CHR1 = "##contig=<ID=chr1,length=249250621,assembly=hg19>"


def head(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


class TestFirstLine:
    @pytest.mark.parametrize("version", ["VCFv4.0", "VCFv4.1", "VCFv4.3", "VCFv4.5"])
    def test_it_takes_every_version_4(self, version: str) -> None:
        assert alleles(vcf(row()).replace(b"VCFv4.3", version.encode()))

    @pytest.mark.parametrize(
        "first", ["", "##fileformat=", "##fileformat=VCF v4.3", "##fileformat=VCFv3.3", "#CHROM\tPOS", "x"]
    )
    def test_it_refuses_any_other(self, first: str) -> None:
        assert fault(head(first, "##a=b")) == (1, "header", "no-fileformat")

    def test_it_refuses_an_empty_file(self) -> None:
        assert fault(b"") == (1, "file", "empty-file")


class TestChromLine:
    def test_it_must_be_there(self) -> None:
        assert fault(head("##fileformat=VCFv4.3", "##a=b")) == (2, "header", "no-chrom-line")

    @pytest.mark.parametrize("line", ["linebreak in a description", "", "1\t100\t.\tA\tC\t.\t.\t."])
    def test_it_follows_meta_lines_only(self, line: str) -> None:
        assert fault(head("##fileformat=VCFv4.3", line)) == (2, "header", "bad-header-line")

    @pytest.mark.parametrize(
        ("columns", "code"),
        [
            ("#CHROM\tPOSITION\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS", "bad-columns"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tS", "bad-columns"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER", "bad-columns"),
            ("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT S", "not-tab-separated"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", "no-sample-column"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", "no-sample-column"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\tS", "duplicate-sample"),
            ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t\tS", "empty-sample-name"),
        ],
    )
    def test_it_must_name_the_columns(self, columns: str, code: str) -> None:
        assert fault(head("##fileformat=VCFv4.3", columns)) == (2, "header", code)

    def test_it_may_end_with_a_tab(self) -> None:
        data = vcf(row(), samples=("S", ""))
        assert only(data).genotype == "0/1"
        assert warned(data) == {"trailing-tab": (1, 2)}
        assert len(alleles(vcf(row() + "\t", row(pos=200), samples=("S", "")))) == 2


class TestSampleChoice:
    two = vcf(row("1", 100, ".", "A", "C", "1", ".", ".", "GT", "0/1", "1/1"), samples=("T 1", "N"))

    def test_it_takes_the_only_column(self) -> None:
        assert reader(vcf(row())).sample == "S"

    def test_it_asks_when_there_are_more(self) -> None:
        error = refusal(self.two)
        assert error.faults[0].code == "sample-required"
        assert error.samples == ["T 1", "N"]

    @pytest.mark.parametrize(("sample", "genotype"), [("T 1", "0/1"), ("N", "1/1")])
    def test_it_reads_the_column_asked_for(self, sample: str, genotype: str) -> None:
        assert only(self.two, sample=sample).genotype == genotype

    @pytest.mark.parametrize("sample", ["n", "", "FORMAT", "POS"])
    def test_it_knows_no_other_names(self, sample: str) -> None:
        error = refusal(self.two, sample=sample)
        assert error.faults[0].code == "sample-unknown"
        assert error.samples == ["T 1", "N"]

    def test_it_finds_a_sample_named_like_a_column(self) -> None:
        assert only(vcf(row(), samples=("POS",))).genotype == "0/1"

    def test_it_bounds_the_name(self) -> None:
        assert fault(vcf(row(), samples=("s" * 201,))) == (2, "header", "sample-name-too-long")


class TestBuild:
    @pytest.mark.parametrize(
        "meta",
        [
            HG19_CHR1,
            "##contig=<ID=NC_000001.10>",
            "##contig=<ID=1,length=195471971>",
            "##contig=<ID=MT,length=16000>",
            "##reference=file:///data/hg19.fa",
            "##reference=GRCh37.p13",
            "##reference=human_g1k_v37.fasta",
            "##reference=ftp://host/hs37d5.fa.gz",
            "##reference=file:///b37.fasta",
            "##reference=hg18",
            "##reference=CHM13v2.0",
        ],
    )
    def test_it_refuses_the_header_of_another_assembly(self, meta: str) -> None:
        assert fault(vcf(row(), meta=(meta,))) == (2, "header", "wrong-build")

    @pytest.mark.parametrize(
        "meta",
        [
            HG38_CHR1,
            "##contig=<length=248956422,ID=1>",
            "##contig=<ID=chr1>",
            "##contig=<ID=chr1_KI270706v1_random,length=175055>",
            "##contig=<ID=1,length=2147483647>",
            "##reference=file:///ref/Homo_sapiens_assembly38.fasta",
            "##reference=lifted from hg19 to hg38",
            "##reference=file:///ref.fa",
            "##reference=file:///sub37/ref.fa",
            "##contig=<ID=chrM,length=16571>",
        ],
    )
    def test_it_accepts_what_fits_or_says_nothing(self, meta: str) -> None:
        assert only(vcf(row(), meta=(meta,)))

    def test_it_trusts_lengths_more_than_names(self) -> None:
        assert only(vcf(row(), meta=(HG38_CHR1, "##reference=hg19.fa")))
        assert fault(vcf(row(), meta=(HG19_CHR1, "##reference=hg38.fa"))) == (2, "header", "wrong-build")

    def test_it_hears_the_mitochondrion_say_nothing_of_the_build(self) -> None:
        assert fault(vcf(row(), meta=("##contig=<ID=MT,length=16569>", "##reference=hg19.fa"))) == (
            3,
            "header",
            "wrong-build",
        )

    def test_it_knows_two_builds(self) -> None:
        with pytest.raises(ValueError, match="build"):
            reader(vcf(row()), build="hg19")
        assert not issubclass(VCFError, KeyError)


class TestMetaLines:
    @pytest.mark.parametrize(
        "meta",
        [
            "##plain text",
            "##=",
            '##ID=<Description="ClinVar Variation ID">',
            '##INFO=<ID=DP,Number=N,Type=Int,Description="a "quoted" word>',
            "##contig=<length=5>",
            "##contig=<ID=1,length=abc>",
            "##contig=<ID=1,length=99999999999999999999999>",
            "##reference=",
            '##INFO=<ID=CSQ,Number=.,Type=String,Description="no format">',
            "##FILTER=<ID=>",
        ],
    )
    def test_it_passes_over_wrong_ones(self, meta: str) -> None:
        assert only(vcf(row(), meta=(meta,)))

    def test_it_reads_a_pathological_one_in_no_time(self) -> None:
        started = time.process_time()
        assert only(vcf(row(), meta=(f'##INFO=<ID=ANN,Number=.,Type=String,Description="\'{"|" * 100_000}">',)))
        assert time.process_time() - started < 5
