import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomics.vcf import Allele, vcf_lines

from .files import alleles, only, row, vcf
from .test_consequences import CSQ

VARIED = vcf(
    row("1", 100, "rs1;rs2", "A", "C", "50.5", "PASS", "DP=10;AF=0.5;DB", "GT:AD:DP:GQ", "0/1:5,6:11:99"),
    row("1", 200, ".", "A", "C,G,T", ".", "q10;s50", "AF=0.1,0.2,0.3", "GT:AD", "1/3:9,8,7,6"),
    row("1", 300, ".", "G", "<DEL>", "7", ".", "SVTYPE=DEL;SVLEN=-50;CIPOS=-5,5", "GT", "1/1"),
    row("1", 300, ".", "G", "<DEL>", "7", ".", "SVTYPE=DEL;END=900", "GT", "0/1"),
    row("1", 400, ".", "G", "G]chr5:52747359]", ".", "PASS", "SVTYPE=BND;MATEID=bnd_2", "GT", "0|1"),
    row(
        "1",
        500,
        ".",
        "T",
        "C",
        ".",
        "PASS",
        "CSQ=C|missense_variant|CFTR|c.1T>C|p.Thr1%3D|||;CLNSIG=a%3Bb,c",
        "GT",
        "./1",
    ),
    row("2", 5, ".", "T", "<INS:ME:L1>", ".", "PASS", "SVLEN=6000", "GT", "|0|1"),
    row("X", 500, ".", "TTT", "T,*", "1e-10", "PASS", ".", "GT:AD", "1:."),
    row("MT", 500, ".", "T", "C", "123456789", "PASS", ".", "GT:AD:DP", "0/1:3,.:3"),
    meta=(CSQ,),
)


def export(rows: list[Allele], sample: str = "S 1", build: str = "GRCh38") -> str:
    names = sorted({name for allele in rows for name in allele.filters or ()})
    return "".join(vcf_lines(rows, build=build, sample=sample, filters=names))


def values(allele: Allele) -> Allele:
    """Everything but the line, which is the export's own."""
    return allele._replace(record_line=0, info=json.dumps(json.loads(allele.info)))


class TestRoundTrip:
    def test_it_comes_back_unchanged(self) -> None:
        stored = alleles(VARIED)
        again = alleles(export(stored).encode())
        assert list(map(values, again)) == list(map(values, stored))

    def test_it_comes_back_a_second_time(self) -> None:
        text = export(alleles(VARIED))
        assert export(alleles(text.encode())) == text

    @given(
        st.sampled_from(["0/1", "1/1", "1|2", "2/1", "./2", "1/2/2", "|1|2", "2"]),
        st.floats(0, 1e6),
        st.text("abc;:=%, \t", max_size=8),
    )
    def test_it_keeps_genotype_quality_and_text(self, genotype: str, qual: float, text: str) -> None:
        made = [
            allele._replace(qual=qual, info=json.dumps({"EVENT": text}) if text else "{}")
            for allele in alleles(vcf(row("1", 100, ".", "A", "C,G", "1", ".", ".", "GT", genotype)))
        ]
        assert list(map(values, alleles(export(made).encode()))) == list(map(values, made))

    def test_it_takes_info_that_is_parsed_already(self) -> None:
        stored = alleles(VARIED)
        parsed = [allele._replace(info=json.loads(allele.info)) for allele in stored]
        assert export(parsed) == export(stored)


class TestGenotype:
    def test_it_numbers_its_own_alt_only(self) -> None:
        line = row("1", 100, ".", "A", "C,G", "1", ".", ".", "GT", "1/2")
        texts = [text.split("\t")[9].split(":") for text in export(alleles(vcf(line))).splitlines() if text[0] != "#"]
        assert [(cells[0], cells[4], cells[5]) for cells in texts] == [("1/.", "1/2", "1"), ("./1", "1/2", "2")]

    def test_an_edited_genotype_speaks_for_itself(self) -> None:
        text = export([only(VARIED.splitlines(keepends=True)[0] + b"".join(VARIED.splitlines(keepends=True)[1:4]))])
        found = only(text.replace("\t0/1:", "\t1/1:").encode())
        assert (found.genotype, found.zygosity) == ("1/1", "homozygous")


ACCEPTS = {
    "pysam": """
import pysam, sys
for record in pysam.VariantFile(sys.argv[1]):
    record.samples[0]["GT"], record.qual, record.stop, dict(record.info), list(record.filter), record.samples[0]["AD"]
    print(record.chrom, record.pos, record.ref, record.alts[0])
""",
    "cyvcf2": """
import cyvcf2, sys
for record in cyvcf2.VCF(sys.argv[1]):
    record.genotypes, record.QUAL, record.end, dict(record.INFO), record.FILTERS, record.format("AD")
    print(record.CHROM, record.POS, record.REF, record.ALT[0])
""",
}


class TestOtherReaders:
    @pytest.mark.parametrize("library", ACCEPTS)
    def test_it_is_read_without_a_complaint(self, library: str, tmp_path: Path) -> None:
        pytest.importorskip(library)
        stored = alleles(VARIED)
        path = tmp_path / "export.vcf"
        path.write_text(export(stored))
        # In a process of its own: these libraries can take theirs down.
        done = subprocess.run(
            [sys.executable, "-c", ACCEPTS[library], str(path)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        names = [*(str(number) for number in range(1, 23)), "X", "Y", "MT"]
        expected = [f"{names[allele.chrom - 1]} {allele.pos} {allele.ref} {allele.alt}" for allele in stored]
        assert done.stdout.splitlines() == expected


class TestHeader:
    def test_it_declares_contigs_and_filters(self) -> None:
        text = "".join(vcf_lines([], build="GRCh37", sample="S", filters=["q10", "a,b"], meta=[("analysis", "x\ny")]))
        assert text.startswith("##fileformat=VCFv4.3\n")
        assert "##contig=<ID=MT,length=16569,assembly=GRCh37>\n" in text
        assert "##FILTER=<ID=q10," in text
        assert "a,b" not in text
        assert "##analysis=x y\n" in text
        assert text.endswith("FORMAT\tS\n")
