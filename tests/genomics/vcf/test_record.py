"""The rules for data lines, each with the smallest file that shows it."""

import json

import pytest

from genomics.vcf import VCFError

from .files import alleles, fault, only, place, reader, refusal, row, vcf, warned


class TestFraming:
    @pytest.mark.parametrize(
        ("line", "column", "code"),
        [
            ("1 100 . A C 50 PASS . GT 0/1", "file", "not-tab-separated"),
            ("1\t100\t.\tA\tC\t50\tPASS\t.\tGT", "file", "column-count"),
            (row() + "\t0/1", "file", "column-count"),
            (row() + "\t", "file", "column-count"),
            (" ", "file", "not-tab-separated"),
            ("##late=meta", "file", "not-tab-separated"),
        ],
    )
    def test_it_counts_columns(self, line: str, column: str, code: str) -> None:
        assert fault(vcf(row(), line)) == (4, column, code)

    def test_it_counts_them_in_columns_that_are_not_read(self) -> None:
        many = tuple(f"S{number}" for number in range(100))
        good = row("1", 100, ".", "A", "C", "1", ".", ".", "GT", *["0/1"] * 100)
        assert only(vcf(good, samples=many), sample="S99").genotype == "0/1"
        assert fault(vcf(good, good + "\t0/1", samples=many), sample="S0") == (4, "file", "column-count")

    def test_it_takes_blank_lines_at_the_end_only(self) -> None:
        assert only(vcf(row(), "", ""))
        assert fault(vcf(row(), "", row())) == (4, "file", "blank-line")

    def test_it_takes_crlf(self) -> None:
        assert only(vcf(row(), end="\r\n")).genotype == "0/1"


class TestFatalColumns:
    @pytest.mark.parametrize(
        ("column", "values", "code"),
        [
            ("CHROM", ["", "<1", "chr 1", "a,b"], "bad-chrom"),
            ("POS", ["", ".", "-1", "1.0", "1e3", "+5", "1_0", " 1", "\u0661", "123abc", "9" * 30], "bad-pos"),
            ("REF", ["", ".", "B", "A,C", "R", "*", "<DEL>", "A C", "-"], "bad-ref"),
            ("ALT", ["", "R", "A T", "C,,T", "C,", ",C", "<INS>X>", "[1:100[", "<A", "C;T", "-"], "bad-alt"),
            ("QUAL", ["", "high", "-1", "-inf", "1,5", "1_0", " 1", "0x10", "--1", "1e"], "bad-qual"),
            (
                "FILTER",
                ["", "q10;.", "PASS;", ";PASS", "my filter", "a;a", "q;0;h", "0", "PASS;PASS", "x" * 201],
                "bad-filter",
            ),
        ],
    )
    def test_it_refuses_a_bad_value(self, column: str, values: list[str], code: str) -> None:
        names = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", "sample"]
        for value in values:
            cells = row().split("\t")
            cells[names.index(column)] = value
            assert fault(vcf(row(pos=50), "\t".join(cells))) == (4, column, code), value

    @pytest.mark.parametrize(
        ("format_", "sample", "column", "code"),
        [
            ("GT", "1/C", "sample", "bad-genotype"),
            ("GT", "0/2", "sample", "genotype-out-of-range"),
            ("GT:DP", "0.5:1", "sample", "bad-genotype"),
            ("GT", "0/1:5", "sample", "too-many-values"),
            ("DP:GT", "5:0/1", "FORMAT", "gt-not-first"),
            ("GT:GT", "0/1:0/1", "FORMAT", "duplicate-gt"),
            ("", "0/1", "FORMAT", "empty-format"),
            ("GT", "/".join(["1"] * 101), "sample", "genotype-too-long"),
        ],
    )
    def test_it_refuses_a_bad_genotype(self, format_: str, sample: str, column: str, code: str) -> None:
        assert fault(vcf(row("1", 100, ".", "A", "C", "1", ".", ".", format_, sample))) == (3, column, code)

    def test_it_refuses_them_on_reference_lines_too(self) -> None:
        assert fault(vcf(row("1", 100, ".", "A", "R", "1", ".", ".", "GT", "0/0"))) == (3, "ALT", "bad-alt")

    def test_it_never_repeats_a_cell(self) -> None:
        canary = "CANARY7"
        for place_ in range(10):
            cells = row().split("\t")
            cells[place_] = f"{canary} \x01"
            data = vcf("\t".join(cells), row())
            source = reader(data)
            said = ""
            try:
                list(source)
            except VCFError as error:
                said = str(error)
            assert canary not in said + str(source.warnings)


class TestAlts:
    def test_it_splits_to_one_row_an_alt_of_the_genotype(self) -> None:
        line = row("1", 100, ".", "A", "C,G,T", "1", "PASS", "AC=1,2,3;AF=0.1,0.2,0.3", "GT:AD", "1/3:9,8,7,6")
        first, second = alleles(vcf(line))
        assert [(a.alt, a.alt_index, a.record_line, a.genotype, a.zygosity) for a in (first, second)] == [
            ("C", 1, 3, "1/3", "heterozygous"),
            ("T", 3, 3, "1/3", "heterozygous"),
        ]
        assert [(a.depth_ref, a.depth_alt) for a in (first, second)] == [(9, 8), (9, 6)]
        assert json.loads(first.info) == {"AC": 1, "AF": 0.1}
        assert json.loads(second.info) == {"AC": 3, "AF": 0.3}

    @pytest.mark.parametrize("alt", ["*", "<*>", "<NON_REF>", "."])
    def test_it_stores_no_allele_that_says_nothing(self, alt: str) -> None:
        source = reader(vcf(row(alt=alt), row(pos=101, alt=f"C,{alt}") if alt != "." else row(pos=101)))
        assert [allele.alt for allele in source] == ["C"]
        assert source.skipped_reference == 1

    def test_it_stores_the_sequence_beside_a_spanning_deletion(self) -> None:
        found = only(vcf(row("1", 100, ".", "A", "C,*", "1", ".", ".", "GT", "1/2")))
        assert (found.alt, found.zygosity) == ("C", "heterozygous")

    @pytest.mark.parametrize("genotype", ["0/0", ".", "./.", "0|.", "0", "././.", "/0"])
    def test_it_skips_and_counts_what_calls_no_alt(self, genotype: str) -> None:
        source = reader(vcf(row("1", 100, ".", "A", "C", "1", ".", ".", "GT", genotype)))
        assert list(source) == []
        assert source.skipped_reference == 1

    def test_it_trims_and_moves_the_position(self) -> None:
        found = only(vcf(row(pos=127, ref="TTTAT", alt="TTTGT")))
        assert (found.pos, found.end_pos, found.ref, found.alt, found.kind) == (130, 130, "A", "G", "snv")

    def test_it_gives_one_allele_one_id_in_every_spelling(self) -> None:
        spellings = [("1", 127, "TTTAT", "TTTGT"), ("chr1", 130, "A", "G"), ("NC_000001.11", 130, "a", "g")]
        made = {only(vcf(row(chrom, pos, ".", ref, alt))).id for chrom, pos, ref, alt in spellings}
        assert len(made) == 1

    def test_it_reads_a_very_long_allele(self) -> None:
        found = only(vcf(row(ref="A" + "CG" * 200_000, alt="A")))
        assert (found.kind, found.end_pos) == ("deletion", 100 + 400_000)


class TestStructural:
    @pytest.mark.parametrize(
        ("alt", "info", "kind", "end_pos"),
        [
            ("<DEL>", "SVLEN=-50;END=999", "deletion", 150),
            ("<DEL>", "SVLEN=50", "deletion", 150),
            ("<DEL>", "END=180", "deletion", 180),
            ("<DEL>", ".", "deletion", 100),
            ("<DUP:TANDEM>", "SVLEN=20", "duplication", 120),
            ("<INV>", "SVLEN=0;END=300", "inversion", 300),
            ("<INS:ME:L1>", "SVLEN=6000;END=100", "insertion", 100),
            ("<CNV>", "END=5000", "cnv", 5000),
            ("<XYZ>", "SVTYPE=DEL;END=180", "deletion", 180),
            ("<XYZ>", "END=180", "delins", 180),
            ("G]chr5:52747359]", "SVTYPE=BND", "breakend", 100),
        ],
    )
    def test_it_finds_kind_and_end(self, alt: str, info: str, kind: str, end_pos: int) -> None:
        found = only(vcf(row(ref="G", alt=alt, info=info)))
        assert (found.kind, found.end_pos, found.alt) == (kind, end_pos, alt)

    def test_it_slices_svlen(self) -> None:
        line = row("1", 100, ".", "G", "<DEL>,<DUP>", "1", ".", "SVLEN=-10,20", "GT", "1/2")
        assert [allele.end_pos for allele in alleles(vcf(line))] == [110, 120]

    def test_it_refuses_an_end_before_the_position(self) -> None:
        assert fault(vcf(row(alt="<DEL>", info="END=99"))) == (3, "INFO", "end-before-pos")
        assert only(vcf(row(alt="C", info="END=99"))).end_pos == 100

    def test_it_counts_extents_that_are_no_numbers(self) -> None:
        data = vcf(row(alt="<DEL>", info="END=x"), row(pos=200, alt="<DEL>", info="SVLEN=1,2"))
        assert [allele.end_pos for allele in alleles(data)] == [100, 200]
        assert warned(data)["bad-end"] == (2, 3)

    def test_it_cuts_at_the_end_of_the_contig(self) -> None:
        data = vcf(row(chrom="MT", alt="<DEL>", info="END=20000"))
        assert only(data).end_pos == 16_569
        assert warned(data) == {"end-beyond-contig": (1, 3)}

    def test_it_tells_deletions_of_different_extent_apart(self) -> None:
        first, second = alleles(vcf(row(alt="<DEL>", info="END=200"), row(alt="<DEL>", info="END=300")))
        assert first.id != second.id


class TestPositions:
    @pytest.mark.parametrize("pos", [0, 16_570])
    def test_it_skips_telomeres(self, pos: int) -> None:
        data = vcf(row(chrom="MT", pos=pos), row(chrom="MT", pos=5))
        assert only(data).pos == 5
        assert warned(data) == {"telomere": (1, 3)}

    def test_it_refuses_positions_beyond_the_contig(self) -> None:
        assert fault(vcf(row(chrom="MT", pos=16_571))) == (3, "POS", "position-beyond-contig")
        assert fault(vcf(row(chrom="MT", pos=16_569, ref="AC", alt="A"))) == (3, "REF", "position-beyond-contig")

    def test_it_cares_for_no_length_of_other_contigs(self) -> None:
        assert len(alleles(vcf(row(chrom="decoy", pos=10**15), row()))) == 1


class TestContigs:
    def test_it_counts_lines_of_other_contigs(self) -> None:
        source = reader(vcf(row(), row(chrom="chrUn_KI270302v1"), row(chrom="HLA-A*01:01:01:01")))
        assert len(list(source)) == 1
        assert source.skipped_other_contigs == 2

    def test_it_refuses_a_file_without_any_known_contig(self) -> None:
        assert fault(vcf(row(chrom="Pf3D7_01_v3"), row(chrom="Chr1"))) == (3, "CHROM", "no-known-contig")

    def test_it_accepts_a_file_of_reference_calls_only(self) -> None:
        assert alleles(vcf(row("1", 1, ".", "A", ".", ".", ".", ".", "GT", "0/0"))) == []

    def test_it_takes_the_mitochondrion_of_hg19_for_another_contig(self) -> None:
        data = vcf(row(chrom="chr1"), row(chrom="chrM"), meta=("##contig=<ID=chrM,length=16571>",))
        source = reader(data, build="GRCh37")
        assert [allele.chrom for allele in source] == [1]
        assert source.skipped_other_contigs == 1

    def test_it_warns_of_a_file_without_records(self) -> None:
        assert warned(vcf()) == {"no-records": (1, 0)}


class TestQual:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("50", 50.0), (".", None), ("5.3e-10", 5.3e-10), ("2e+1", 20.0), ("0", 0.0), (".5", 0.5), ("+3", 3.0)],
    )
    def test_it_reads_numbers(self, text: str, value: float | None) -> None:
        assert only(vcf(row(qual=text))).qual == value

    @pytest.mark.parametrize("text", ["NaN", "inf", "+Inf", "Infinity", "1e999"])
    def test_it_stores_no_number_that_is_not_finite(self, text: str) -> None:
        assert only(vcf(row(qual=text))).qual is None
        assert warned(vcf(row(qual=text))) == {"qual-not-finite": (1, 3)}


class TestFilter:
    @pytest.mark.parametrize(
        ("text", "names"),
        [("PASS", []), (".", None), ("q10", ["q10"]), ("q10;dp-10", ["q10", "dp-10"]), ("VQSR99.9+", ["VQSR99.9+"])],
    )
    def test_it_tells_passed_from_not_applied(self, text: str, names: list[str] | None) -> None:
        assert only(vcf(row(filter_=text))).filters == names

    def test_it_never_unfails_a_variant(self) -> None:
        data = vcf(row(filter_="STD;PASS"), row(pos=200, filter_="STD;PASS"))
        assert [allele.filters for allele in alleles(data)] == [["STD"], ["STD"]]
        assert warned(data) == {"pass-among-filters": (2, 3)}


class TestIds:
    @pytest.mark.parametrize(
        ("text", "ids"),
        [
            (".", None),
            ("rs1", ["rs1"]),
            ("rs1;COSV5;rs2", ["rs1", "rs2"]),
            ("COSV5", None),
            ("RS1", None),
            ("rs12x", None),
            ("rs", None),
            ("rs1;rs1", ["rs1"]),
            (";rs1", ["rs1"]),
            ("", None),
        ],
    )
    def test_it_keeps_rs_ids(self, text: str, ids: list[str] | None) -> None:
        assert only(vcf(row(id_=text))).rs_ids == ids

    def test_it_counts_bad_ones(self) -> None:
        assert warned(vcf(row(id_=";rs1"), row(pos=200, id_="rs1;rs1"), row(pos=300, id_=""))) == {"bad-id": (3, 3)}


class TestManyFaults:
    def test_it_collects_them_in_order(self) -> None:
        data = vcf(row(), row(pos="x"), row(), row(qual="x"), row(ref="x"))
        assert [place(fault_) for fault_ in refusal(data).faults] == [
            (4, "POS", "bad-pos"),
            (6, "QUAL", "bad-qual"),
            (7, "REF", "bad-ref"),
        ]

    def test_it_stops_at_a_hundred(self) -> None:
        assert len(refusal(vcf(*[row(pos="x")] * 500)).faults) == 100

    def test_it_yields_nothing_after_the_first(self) -> None:
        source = iter(reader(vcf(row(), row(pos="x"), row())))
        assert next(source).pos == 100
        with pytest.raises(ValueError, match="bad-pos"):
            next(source)

    def test_it_adds_a_framing_fault_to_them(self) -> None:
        data = vcf(row(), row(pos="x")) + b"\xff\n"
        assert [place(fault_) for fault_ in refusal(data).faults] == [
            (4, "POS", "bad-pos"),
            (5, "file", "invalid-utf8"),
        ]
