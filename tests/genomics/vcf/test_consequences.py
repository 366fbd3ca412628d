import pytest

from genomics.vcf.consequences import vep_allele

from .files import alleles, only, row, vcf, warned

CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
    'Allele|Consequence|SYMBOL|HGVSc|HGVSp|PICK|MANE_SELECT|CANONICAL">'
)
ANN = (
    "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation | Annotation_Impact"
    " | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | Rank | HGVS.c | HGVS.p'\">"
)


def annotated(csq: str, ref: str = "A", alt: str = "C") -> bytes:
    return vcf(row(ref=ref, alt=alt, info=f"DP=1;CSQ={csq};DB"), meta=(CSQ,))


class TestVEP:
    def test_it_reads_gene_term_and_hgvs(self) -> None:
        found = only(annotated("C|missense_variant&splice_region_variant|CFTR|ENST1:c.1A>C|ENSP1:p.Thr1%3D|||"))
        assert (found.gene_symbol, found.consequence) == ("CFTR", "missense_variant")
        assert (found.hgvs_c, found.hgvs_p) == ("ENST1:c.1A>C", "ENSP1:p.Thr1=")

    @pytest.mark.parametrize(
        ("csq", "gene"),
        [
            ("C|x|G1||||||,C|x|G2|||1|NM_1|YES", "G2"),
            ("C|x|G1||||NM_1|,C|x|G2|||||YES,C|x|G3|||1||", "G3"),
            ("C|x|G1|||||YES,C|x|G2||||NM_1|", "G2"),
            ("C|x|G1|||||,C|x|G2|||||YES", "G2"),
            ("C|x|G1|||||,C|x|G2|||||", "G1"),
        ],
    )
    def test_it_prefers_pick_then_mane_then_canonical_then_the_first(self, csq: str, gene: str) -> None:
        assert only(annotated(csq)).gene_symbol == gene

    @pytest.mark.parametrize(
        ("ref", "alts", "index", "name"),
        [
            ("A", ["C"], 1, "C"),
            ("AT", ["A"], 1, "-"),
            ("A", ["ATT"], 1, "TT"),
            ("CATAT", ["CAT", "CATATAT", "C"], 2, "ATATAT"),
            ("CATAT", ["CAT", "TATAT"], 1, "CAT"),
            ("A", ["C", "AT"], 1, "C"),
            ("AC", ["GT"], 1, "GT"),
            ("AT", ["A", "*"], 1, "-"),
        ],
    )
    def test_it_names_alleles_as_vep_does(self, ref: str, alts: list[str], index: int, name: str) -> None:
        assert vep_allele(ref, alts, index) == name

    def test_it_gives_each_alt_its_own_entries(self) -> None:
        info = "CSQ=-|frameshift_variant|DEL|||||,TT|inframe_insertion|INS|||||"
        line = row("1", 100, ".", "AT", "A,ATTT", "1", ".", info, "GT", "1/2")
        # VEP strips the base that all alleles share: A becomes -, ATTT becomes TTT.
        info_right = info.replace("TT|", "TTT|")
        found = alleles(vcf(line.replace(info, info_right), meta=(CSQ,)))
        assert [allele.gene_symbol for allele in found] == ["DEL", "INS"]
        found = alleles(vcf(line, meta=(CSQ,)))
        assert [allele.gene_symbol for allele in found] == ["DEL", None]

    def test_it_uses_the_allele_number_where_there_is_one(self) -> None:
        meta = CSQ.replace("Allele|", "ALLELE_NUM|")
        line = row("1", 100, ".", "A", "C,G", "1", ".", "CSQ=2|x|TWO|||||,1|x|ONE|||||", "GT", "1/2")
        assert [allele.gene_symbol for allele in alleles(vcf(line, meta=(meta,)))] == ["ONE", "TWO"]

    def test_it_takes_all_entries_for_a_single_alt_without_allele_field(self) -> None:
        meta = CSQ.replace("Allele|", "")
        data = vcf(row(info="CSQ=missense_variant|XG|||||"), meta=(meta,))
        assert only(data).gene_symbol == "XG"

    @pytest.mark.parametrize("csq", ["", "C", "C|", "|||||||||||", ","])
    def test_it_finds_nothing_in_empty_entries(self, csq: str) -> None:
        found = only(annotated(csq))
        assert (found.gene_symbol, found.consequence, found.hgvs_c, found.hgvs_p) == (None, None, None, None)

    def test_it_counts_values_that_do_not_fit(self) -> None:
        data = annotated(f"C|not a term|{'G' * 65}|{'c' * 401}|p%0A|||")
        found = only(data)
        assert (found.gene_symbol, found.consequence, found.hgvs_c, found.hgvs_p) == (None, None, None, None)
        assert warned(data) == {"bad-consequence": (4, 4)}

    def test_it_reads_no_undeclared_csq(self) -> None:
        assert only(vcf(row(info="CSQ=C|missense_variant|CFTR|||||"))).gene_symbol is None


class TestSnpEff:
    @pytest.mark.parametrize("meta", [(ANN,), ()])
    def test_it_reads_ann_declared_or_not(self, meta: tuple[str, ...]) -> None:
        ann = "ANN=C|missense_variant|MODERATE|OR4F5|ENSG1|transcript|ENST1|protein_coding|1/1|c.338T>G|p.Phe113Cys|1|1"
        found = only(vcf(row(info=f"AC=1;{ann}"), meta=meta))
        assert (found.gene_symbol, found.consequence) == ("OR4F5", "missense_variant")
        assert (found.hgvs_c, found.hgvs_p) == ("c.338T>G", "p.Phe113Cys")
