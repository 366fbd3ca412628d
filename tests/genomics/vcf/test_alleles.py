import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomics.vcf import allele_id, mate
from genomics.vcf.alleles import Mate, shape, trim

bases = st.text("ACGT", min_size=1, max_size=12)


class TestTrim:
    @pytest.mark.parametrize(
        ("ref", "alt", "trimmed"),
        [
            ("A", "C", (0, "A", "C")),
            ("CAT", "CGT", (1, "A", "G")),
            ("AT", "A", (0, "AT", "A")),
            ("CATAT", "CAT", (0, "CAT", "C")),
            ("TTTAT", "TTTGT", (3, "A", "G")),
            ("GGA", "GA", (0, "GG", "G")),
            ("AT", "T", (0, "AT", "T")),
            ("TCACCG", "AAAAAA", (0, "TCACCG", "AAAAAA")),
            ("CAC", "CGTAC", (0, "C", "CGT")),
        ],
    )
    def test_it_drops_the_suffix_then_the_prefix(self, ref: str, alt: str, trimmed: tuple[int, str, str]) -> None:
        assert trim(ref, alt) == trimmed

    @given(bases, bases)
    def test_it_changes_nothing_the_second_time(self, ref: str, alt: str) -> None:
        _, short_ref, short_alt = trim(ref, alt)
        assert trim(short_ref, short_alt) == (0, short_ref, short_alt)

    @given(bases, bases, bases, bases)
    def test_it_describes_the_same_change(self, before: str, ref: str, alt: str, after: str) -> None:
        offset, short_ref, short_alt = trim(before + ref + after, before + alt + after)
        whole = before + ref + after
        assert whole[offset : offset + len(short_ref)] == short_ref
        assert whole[:offset] + short_alt + whole[offset + len(short_ref) :] == before + alt + after


class TestShape:
    @pytest.mark.parametrize(
        ("ref", "alt", "kind"),
        [
            ("A", "C", "snv"),
            ("a", "c", "snv"),
            ("AC", "GT", "mnv"),
            ("A", "AT", "insertion"),
            ("AT", "A", "deletion"),
            ("AT", "T", "deletion"),
            ("T", "AT", "insertion"),
            ("AT", "GC", "mnv"),
            ("ATT", "GC", "delins"),
            ("A", "GC", "delins"),
            ("N", "<DEL>", "deletion"),
            ("N", "<DEL:ME:SOME1>", "deletion"),
            ("N", "<DUP:TANDEM>", "duplication"),
            ("N", "<INS:ME:L1>", "insertion"),
            ("N", "<INV>", "inversion"),
            ("N", "<CNV:TR>", "cnv"),
            ("N", "<CN0>", "cnv"),
            ("N", "<256_BP_DEL>", "deletion"),
            ("N", "<BND>", "breakend"),
            ("C", "C<ctg1>", "insertion"),
            ("G", "G]chr5:52747359]", "breakend"),
            ("T", "]chrB:123]AGT", "breakend"),
            ("T", "[<ctg1>:7[AGT", "breakend"),
            ("T", ".TG", "breakend"),
            ("T", "TG.", "breakend"),
        ],
    )
    def test_it_names_the_kind(self, ref: str, alt: str, kind: str) -> None:
        found = shape(ref, alt)
        assert found is not None
        assert found.kind == kind

    @pytest.mark.parametrize("alt", ["*", "<*>", "<NON_REF>", ".", "A", "a"])
    def test_it_finds_nothing_to_store(self, alt: str) -> None:
        assert shape("A", alt) is None

    @pytest.mark.parametrize(
        "alt",
        ["", "R", "A T", "<INS>BLAH>", "<>", "<A,B>", "[1:100[", "A[1:100[T", "A[1:100]", "A[1:x[", "A-", "<", ".."],
    )
    def test_it_refuses_what_is_no_allele(self, alt: str) -> None:
        with pytest.raises(ValueError, match="not an ALT"):
            shape("A", alt)

    def test_it_writes_bases_in_upper_case(self) -> None:
        found = shape("acg", "a")
        assert found is not None
        assert (found.ref, found.alt) == ("ACG", "A")


class TestMate:
    def test_it_splits_at_the_last_colon(self) -> None:
        assert mate("G]HLA-A*01:01:01:01:77]") == Mate("HLA-A*01:01:01:01", 77)

    @pytest.mark.parametrize("alt", ["A", "<DEL>", ".A", "[1:2[", "A[1[", "A[1:2"])
    def test_it_says_when_there_is_none(self, alt: str) -> None:
        assert mate(alt) is None


class TestAlleleId:
    def test_it_is_a_version_8_uuid(self) -> None:
        found = uuid.UUID(bytes=allele_id("GRCh38", 7, 117559590, "ATCT", "A"))
        assert (found.version, found.variant) == (8, uuid.RFC_4122)

    def test_it_never_changes(self) -> None:
        # Stored rows carry these: a new serialisation would part old analyses from new ones.
        assert (
            str(uuid.UUID(bytes=allele_id("GRCh38", 7, 117559590, "ATCT", "A")))
            == "147aaad7-053c-8155-9601-469d42174e71"
        )
        assert (
            str(uuid.UUID(bytes=allele_id("GRCh37", 1, 100, "N", "<DEL>", 200, 100)))
            == "fde5f809-47a5-8f5e-bc44-624567d5eb6a"
        )

    def test_it_tells_every_part_apart(self) -> None:
        made = [
            allele_id("GRCh38", 1, 100, "A", "C"),
            allele_id("GRCh37", 1, 100, "A", "C"),
            allele_id("GRCh38", 2, 100, "A", "C"),
            allele_id("GRCh38", 1, 101, "A", "C"),
            allele_id("GRCh38", 11, 100, "A", "C"),
            allele_id("GRCh38", 1, 100, "AC", "C"),
            allele_id("GRCh38", 1, 100, "A", "CC"),
            allele_id("GRCh38", 1, 100, "N", "<DEL>", 200),
            allele_id("GRCh38", 1, 100, "N", "<DEL>", 300),
            allele_id("GRCh38", 1, 100, "N", "<DEL>", 200, 100),
            allele_id("GRCh38", 1, 100, "N", "<INS>", 100, 5),
            allele_id("GRCh38", 1, 100, "N", "<INS>", 100, 6),
        ]
        assert len(set(made)) == len(made)

    def test_it_names_a_breakends_mate_by_its_plain_contig(self) -> None:
        plain = allele_id("GRCh38", 1, 100, "G", "G]5:77]")
        assert allele_id("GRCh38", 1, 100, "G", "G]chr5:77]") == plain
        assert allele_id("GRCh38", 1, 100, "G", "G]chr6:77]") != plain
