import pytest

from genomics.vcf.contigs import BUILDS, LENGTHS, MT, NAMES, aliases, foreign_accessions, is_contig_name


class TestAliases:
    @pytest.mark.parametrize(
        ("build", "name", "code"),
        [
            ("GRCh37", "7", 7),
            ("GRCh37", "chr7", 7),
            ("GRCh37", "NC_000007.13", 7),
            ("GRCh38", "NC_000007.14", 7),
            ("GRCh38", "NC_000001.11", 1),
            ("GRCh38", "NC_000024.10", 24),
            ("GRCh38", "chrX", 23),
            ("GRCh38", "Y", 24),
            ("GRCh38", "M", MT),
            ("GRCh38", "MT", MT),
            ("GRCh37", "chrM", MT),
            ("GRCh37", "NC_012920.1", MT),
        ],
    )
    def test_it_knows_the_usual_names(self, build: str, name: str, code: int) -> None:
        assert aliases(build)[name] == code

    @pytest.mark.parametrize(
        "name", ["Chr7", "CHR7", "x", "0", "23", "chr1_KI270706v1_random", "NC_000007.13", "HLA-A*01"]
    )
    def test_it_takes_other_names_for_other_contigs(self, name: str) -> None:
        assert name not in aliases("GRCh38")

    def test_it_tells_accessions_of_the_other_build(self) -> None:
        assert "NC_000007.13" in foreign_accessions("GRCh38")
        assert "NC_000007.14" in foreign_accessions("GRCh37")
        assert not foreign_accessions("GRCh38") & aliases("GRCh38").keys()


class TestLengths:
    @pytest.mark.parametrize("build", BUILDS)
    def test_it_has_one_length_a_contig(self, build: str) -> None:
        assert len(LENGTHS[build]) == len(NAMES) == 26

    def test_it_agrees_with_the_assemblies_total(self) -> None:
        # Sums of the chromosomes of the assembly reports, without the mitochondrion.
        assert sum(LENGTHS["GRCh37"][:MT]) == 3_095_677_412
        assert sum(LENGTHS["GRCh38"][:MT]) == 3_088_269_832


class TestContigNames:
    @pytest.mark.parametrize("name", ["1", "chr1", "HLA-A*01:01:01:01", "1:1-1", "GL000192.1", "<ctg1>", "1ABC"])
    def test_it_accepts_what_the_specification_allows(self, name: str) -> None:
        assert is_contig_name(name)

    @pytest.mark.parametrize("name", ["", "<1", "chr 1", "chr,1", "*1", "=1", 'a"b', "a(b)", "chr1\u00a0", "<>"])
    def test_it_refuses_the_rest(self, name: str) -> None:
        assert not is_contig_name(name)
