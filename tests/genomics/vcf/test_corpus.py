"""Real files of public repositories: each is read exactly, or refused precisely."""

import gzip
import json
import math
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from genomics.vcf import Allele, Reader, UnsupportedMedia, VCFError, Window
from genomics.vcf.contigs import LENGTHS, NAMES

from . import oracle
from .files import CORPUS, chunks, corpus, needs_corpus, place, reader
from .test_writer import export, values

pytestmark = needs_corpus
PASSED = "vcf-validator/v4.3/passed"

# Files of GRCh37; the others say GRCh38 or nothing.
GRCH37 = (
    *("bcftools__split-vep", "complexfile_passed", "cyvcf2__test-haploidX", "cyvcf2__test.snpeff"),
    *("ensembl-vep__homo_sapiens_GRCh37", "gatk__segments", "pysam__gnomad", "truvari__giab"),
    *("vcf-validator__passed_fullsample", "vcfpy__freebayes", "vcfpy__strelka"),
)

# Refused, with the line and the code. Sites-only files are no patient's.
REFUSED = {
    "bcftools__norm.rmdup.vcf": (4, "no-sample-column"),
    "bcftools__split-vep.gene-list.vcf": (4, "no-sample-column"),
    "cyvcf2__empty.vcf": (1, "empty-file"),
    "ensembl-vep__homo_sapiens_GRCh37.vcf": (2, "no-sample-column"),
    "ensembl-vep__homo_sapiens_GRCh38.vcf": (2, "no-sample-column"),
    "ensembl-vep__input.vcf.gz": (57, "no-sample-column"),
    "ensembl-vep__windows.vcf": (1, "no-fileformat"),
    "gatk__4featuresHG38Header.TRUNCATED_FINAL_BLOCK.vcf.gz": (0, "truncated"),
    # GT names ALTs that the line was stripped of.
    "gatk__triple_allele.vcf": (3424, "genotype-out-of-range"),
    # Says chromosome 1 is 1,000 bases long.
    "htslib__vcf44_1.vcf": (2, "wrong-build"),
    "htslib__weird-chr-names.vcf": (6, "no-sample-column"),
    "pysam__gnomad.vcf": (191, "no-sample-column"),
    "vcf-validator__failed_compressed.vcf.bz2": (0, "unsupported-media"),
}


def build_of(path: Path) -> str:
    return "GRCh37" if path.name.startswith(GRCH37) else "GRCh38"


def samples_of(path: Path) -> list[str | None]:
    """The first and the last sample column; None where the reader needs no name."""
    try:
        Reader(chunks(path), build=build_of(path))
    except VCFError as error:
        return [error.samples[0], error.samples[-1]] if error.samples else [None]
    return [None]


def is_sites_only(path: Path) -> bool:
    return b"\tFORMAT\t" not in path.read_bytes()


FILES = corpus("vcf")
ACCEPTED = [path for path in FILES if path.name not in REFUSED]
ACCEPTED += [path for path in corpus(PASSED) if not is_sites_only(path)]
CASES = [pytest.param(path, sample, id=f"{path.name}-{sample}") for path in ACCEPTED for sample in samples_of(path)]


class TestRefusedFiles:
    @pytest.mark.parametrize("name", REFUSED)
    def test_they_are_refused_with_line_and_code(self, name: str) -> None:
        assert CORPUS
        path = CORPUS / "vcf" / name
        with pytest.raises(VCFError) as caught:
            list(Reader(chunks(path), build=build_of(path), sample=samples_of(path)[-1]))
        line, _, code = place(caught.value.faults[0])
        assert (line, code) == REFUSED[name]
        assert isinstance(caught.value, UnsupportedMedia) == (code == "unsupported-media")

    @pytest.mark.parametrize(
        "path", [path for path in corpus(PASSED) if is_sites_only(path)], ids=lambda path: path.name
    )
    def test_sites_only_files_have_no_sample_column(self, path: Path) -> None:
        with pytest.raises(VCFError) as caught:
            reader(path.read_bytes())
        assert caught.value.faults[0].code == "no-sample-column"

    @pytest.mark.parametrize(
        "path", [path for path in ACCEPTED if b"##contig=<ID=chr" in path.read_bytes()], ids=lambda path: path.name
    )
    def test_accepted_files_are_refused_under_the_other_build(self, path: Path) -> None:
        other = "GRCh37" if build_of(path) == "GRCh38" else "GRCh38"
        with pytest.raises(VCFError) as caught:
            Reader(chunks(path), build=other, sample=samples_of(path)[0])
        assert caught.value.faults[0].code == "wrong-build"


class TestAcceptedFiles:
    @pytest.mark.parametrize(("path", "sample"), CASES)
    def test_ours_agrees_with_plain_splitting(self, path: Path, sample: str | None) -> None:
        source, found = read(path, sample)
        records = oracle.by_splitting(text_of(path), source.sample)
        assert [comparable(allele) for allele in found] == expected(records, build_of(path))

    @pytest.mark.parametrize(("path", "sample"), CASES)
    def test_ours_agrees_with_pysam(self, path: Path, sample: str | None, tmp_path: Path) -> None:
        source, found = read(path, sample)
        records = pysam_records(text_of(path), source.sample, tmp_path)
        assert [comparable(allele) for allele in found] == expected(records, build_of(path))

    @pytest.mark.parametrize(("path", "sample"), CASES)
    def test_they_come_back_from_an_export(self, path: Path, sample: str | None) -> None:
        _, found = read(path, sample)
        again = list(reader(export(found, build=build_of(path)).encode(), build=build_of(path)))
        assert list(map(values, again)) == list(map(values, found))

    @pytest.mark.parametrize(("path", "sample"), CASES)
    def test_a_window_loses_none(self, path: Path, sample: str | None) -> None:
        _, found = read(path, sample)
        window = Window(Reader(chunks(path), build=build_of(path), sample=sample))
        stored = {allele.id for allele in [*window.ordered(), *window.rest()]}
        assert stored == {allele.id for allele in found}


def read(path: Path, sample: str | None) -> tuple[Reader, list[Allele]]:
    source = Reader(chunks(path), build=build_of(path), sample=sample)
    return source, list(source)


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def pysam_records(text: str, sample: str, folder: Path) -> list[oracle.Record]:
    pytest.importorskip("pysam")
    path = folder / "file.vcf"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, oracle.__file__, str(path), sample], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"pysam cannot read this file: {done.stderr.strip().splitlines()[-1:]}")
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def expected(records: list[oracle.Record], build: str) -> list[tuple[object, ...]]:
    lengths = dict(zip(NAMES, LENGTHS[build], strict=True))
    return [(*row[:6], rounded(row[6]), *row[7:]) for row in oracle.expected_alleles(records, lengths)]


def comparable(allele: Allele) -> tuple[object, ...]:
    numbers = tuple(None if text == "." else int(text) for text in re.findall(r"\.|\d+", allele.genotype))
    name = NAMES[allele.chrom]
    head = (name, allele.pos, allele.ref, allele.alt, numbers, allele.zygosity)
    return (*head, rounded(allele.qual), allele.filters, allele.depth)


def rounded(qual: float | None) -> float | None:
    """As the 32-bit float that pysam has. What is not finite is stored as missing."""
    return struct.unpack("f", struct.pack("f", qual))[0] if qual is not None and math.isfinite(qual) else None
