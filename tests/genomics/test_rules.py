"""Pure rules of the domain."""

import re

import pytest

from genomics.rules import (
    ACCESSION,
    CONDITION,
    CRITERION,
    Region,
    chromosome_code,
    content_digest,
    parse_region,
    repeated_criterion,
)


class TestParseRegion:
    @pytest.mark.parametrize(
        ("text", "region"),
        [
            ("7:117559590-117606000", Region(7, 117559590, 117606000)),
            ("chr7:5-5", Region(7, 5, 5)),
            ("X:1-2", Region(23, 1, 2)),
            ("chrY:1-2", Region(24, 1, 2)),
            ("MT:1-16569", Region(25, 1, 16569)),
            ("chrM:1-2", Region(25, 1, 2)),
            ("22:1-300000000", Region(22, 1, 300_000_000)),
        ],
    )
    def test_it_reads_one_based_inclusive_regions(self, text: str, region: Region) -> None:
        assert parse_region(text) == region

    @pytest.mark.parametrize(
        "text",
        [
            "", "7", "7:1", "7:1-", "7:-1-5", "0:1-2", "23:1-2", "chr0:1-2", "CHR7:1-2", "Z:1-2", "7:0-5", "7:01-5", "7:5-4",
            "7:1-300000001", "7:1-99999999999", " 7:1-2", "7:1-2\n", "7:1_000-2_000", "7:1-2;DROP", "7:१-२", "7:1,000-2,000",
        ],
    )  # fmt: skip
    def test_it_refuses_what_is_no_region(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^(Must look like|The end lies)"):
            parse_region(text)


class TestChromosomeCode:
    def test_it_numbers_the_chromosomes_of_a_patient_genome(self) -> None:
        names = [*map(str, range(1, 23)), "X", "Y", "MT"]
        assert [chromosome_code(name) for name in names] == list(range(1, 26))
        assert chromosome_code("M") == 25


class TestAccession:
    @pytest.mark.parametrize("text", ["S-2026-0001", "ABC", "0AB", "A" * 32])
    def test_it_takes_laboratories_numbers(self, text: str) -> None:
        assert re.fullmatch(ACCESSION, text)

    @pytest.mark.parametrize("text", ["AB", "-AB", "s-1", "A B", "A" * 33, "ÄBC", "A_B"])
    def test_it_refuses_others(self, text: str) -> None:
        assert not re.fullmatch(ACCESSION, text)


class TestCriterion:
    @pytest.mark.parametrize(
        "text", ["PVS1", "PS4", "PM6", "PP5", "BA1", "BS4", "BP7", "PM2_Supporting", "PVS1_Strong"]
    )
    def test_it_takes_the_codes_of_acmg_amp_2015_with_a_strength(self, text: str) -> None:
        assert re.fullmatch(CRITERION, text)

    @pytest.mark.parametrize(
        "text", ["PVS2", "PS5", "PM7", "PP6", "BA2", "BS5", "BP8", "pm2", "PM2_", "PM2_supporting", "PM2,PM1"]
    )  # fmt: skip
    def test_it_refuses_others(self, text: str) -> None:
        assert not re.fullmatch(CRITERION, text)


class TestCondition:
    @pytest.mark.parametrize("text", ["MONDO:0016054", "OMIM:219700", "ORPHA:586", "ORPHA:1"])
    def test_it_takes_three_vocabularies(self, text: str) -> None:
        assert re.fullmatch(CONDITION, text)

    @pytest.mark.parametrize("text", ["MONDO:16054", "mondo:0016054", "OMIM:1", "ORPHA:", "ORPHA:1234567", "ICD10:E84"])
    def test_it_refuses_others(self, text: str) -> None:
        assert not re.fullmatch(CONDITION, text)


class TestRepeatedCriterion:
    def test_it_names_a_code_used_with_two_strengths(self) -> None:
        assert repeated_criterion(["PS2", "PM2_Supporting", "PM2"]) == "PM2"

    def test_it_is_content_with_one_strength_a_code(self) -> None:
        assert repeated_criterion(["PVS1", "PS1", "PM1", "PM2_Supporting"]) is None


class TestContentDigest:
    def test_it_does_not_depend_on_the_order_of_members(self) -> None:
        assert content_digest({"b": [1, None], "a": "ä"}) == content_digest({"a": "ä", "b": [1, None]})

    def test_it_is_the_sha_256_of_the_canonical_form(self) -> None:
        # printf '{"a":"ä","b":1}' | sha256sum
        assert content_digest({"b": 1, "a": "ä"}) == "507aab815f2bdfce1c740c0b1ae7b1c874f56b9aa5b9ab109a07b57365148233"

    def test_it_tells_values_of_other_types_apart(self) -> None:
        assert content_digest({"a": "1"}) != content_digest({"a": 1})
