"""EBI's vcf-validator has 218 files with one violation each; validator_verdicts.tsv says what becomes of each."""

import csv
from pathlib import Path

import pytest

from genomics.vcf import VCFError

from .files import CORPUS, corpus, needs_corpus, place, reader

TABLE = Path(__file__).with_name("validator_verdicts.tsv")
FAILED = "vcf-validator/v4.3/failed"
ROWS = [tuple(line.values()) for line in csv.DictReader(TABLE.read_text().splitlines(), delimiter="\t")]
WITH_SAMPLE = "with a sample column added"

pytestmark = needs_corpus


def verdict(data: bytes) -> tuple[str, str, str]:
    """Verdict, line and code, reading the first column where a file has several."""
    try:
        try:
            list(reader(data))
        except VCFError as error:
            if not error.samples:
                raise
            list(reader(data, sample=error.samples[0]))
    except VCFError as error:
        line, _, code = place(error.faults[0])
        return "refused", str(line), code
    return "tolerated", "", ""


def with_sample(data: bytes) -> bytes:
    lines = data.decode().split("\n")
    added = {"": "", "##": ""}
    return "\n".join(
        line + added.get(line[:2], "\tFORMAT\tS" if line.startswith("#CHROM") else "\tGT\t0/1") for line in lines
    ).encode()


class TestVerdicts:
    def test_the_table_lists_every_file(self) -> None:
        assert [row[0] for row in ROWS] == [path.name for path in corpus(FAILED)]
        assert len(ROWS) == 218

    @pytest.mark.parametrize(("file", "expected", "line", "code", "reason"), ROWS, ids=[row[0] for row in ROWS])
    def test_the_reader_agrees(self, file: str, expected: str, line: str, code: str, reason: str) -> None:
        assert CORPUS
        data = (CORPUS / FAILED / file).read_bytes()
        # Nearly all files about meta lines are sites-only, which is their first true fault here and hides the rest.
        if WITH_SAMPLE in reason:
            head = data.decode().split("\n")
            chrom_line = next(number for number, text in enumerate(head, start=1) if text.startswith("#CHROM"))
            assert verdict(data) == ("refused", str(chrom_line), "no-sample-column")
            data = with_sample(data)
        assert verdict(data) == (expected, line, code)
