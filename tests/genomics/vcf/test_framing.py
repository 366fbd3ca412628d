import bz2
import gzip
import itertools
import lzma
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator

import pytest

from genomics.vcf import Limits, TooLarge, UnsupportedMedia, VCFError
from genomics.vcf.faults import Warnings
from genomics.vcf.framing import blocks

DEFAULT = Limits()
EOF_MARKER = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def bgzf(text: bytes, size: int = 1000) -> bytes:
    """Blocks as bgzip writes them, without the end-of-file marker."""
    made = b""
    for start in range(0, len(text), size):
        packer = zlib.compressobj(wbits=-15)
        part = text[start : start + size]
        packed = packer.compress(part) + packer.flush()
        head = bytes.fromhex("1f8b08040000000000ff060042430200") + (len(packed) + 25).to_bytes(2, "little")
        made += head + packed + zlib.crc32(part).to_bytes(4, "little") + len(part).to_bytes(4, "little")
    return made


def numbered(
    data: bytes | Iterable[bytes], limits: Limits = DEFAULT, warnings: Warnings | None = None
) -> list[tuple[int, str]]:
    pieces = [data] if isinstance(data, bytes) else data
    found = blocks(pieces, limits, warnings or Warnings())
    return [(first + index, line) for first, lines in found for index, line in enumerate(lines)]


def refused(data: bytes | Iterable[bytes], limits: Limits = DEFAULT) -> tuple[type[VCFError], int, str]:
    with pytest.raises(VCFError) as caught:
        numbered(data, limits)
    (fault,) = caught.value.faults
    return type(caught.value), fault.line, fault.code


class TestLines:
    def test_it_numbers_lines_from_one(self) -> None:
        assert numbered(b"a\nb\nc\n") == [(1, "a"), (2, "b"), (3, "c")]

    def test_it_needs_no_last_line_end(self) -> None:
        assert numbered(b"a\nb") == [(1, "a"), (2, "b")]

    def test_it_takes_mixed_line_ends(self) -> None:
        assert numbered(b"a\nb\r\nc\r\n") == [(1, "a"), (2, "b"), (3, "c")]

    @pytest.mark.parametrize("size", [1, 2, 3, 7])
    def test_it_does_not_depend_on_how_bytes_are_cut(self, size: int) -> None:
        text = "##é\nline two\r\n\nlast".encode()
        pieces = (text[start : start + size] for start in range(0, len(text), size))
        assert numbered(pieces) == [(1, "##é"), (2, "line two"), (3, ""), (4, "last")]

    def test_it_splits_at_line_feeds_only(self) -> None:
        assert numbered("a\x0bb\x0cc\x85d\u2028e\n".encode()) == [(1, "a\x0bb\x0cc\x85d\u2028e")]

    def test_it_yields_nothing_for_nothing(self) -> None:
        assert numbered(b"") == []


class TestBrokenText:
    def test_it_refuses_a_byte_order_mark(self) -> None:
        assert refused(b"\xef\xbb\xbf##x\n") == (VCFError, 1, "byte-order-mark")

    def test_it_names_the_line_of_invalid_utf8(self) -> None:
        assert refused(b"a\nb\xff\nc\n") == (VCFError, 2, "invalid-utf8")

    def test_it_names_the_line_of_a_nul_byte(self) -> None:
        assert refused(b"a\nb\nc\0\n") == (VCFError, 3, "nul-byte")

    def test_it_names_the_line_of_a_carriage_return_inside(self) -> None:
        assert refused(b"a\nb\rc\nd\n") == (VCFError, 2, "stray-carriage-return")

    def test_it_yields_the_lines_before_the_fault(self) -> None:
        source = blocks([b"a\nb\n\xff\n"], Limits(), Warnings())
        assert next(source) == (1, ["a", "b"])

    def test_it_counts_lines_across_pieces(self) -> None:
        assert refused([b"x\n" * 200_000, b"\xff\n"]) == (VCFError, 200_001, "invalid-utf8")


class TestCompression:
    text = b"".join(b"line %d\n" % number for number in range(2000))

    def test_it_reads_gzip(self) -> None:
        assert len(numbered(gzip.compress(self.text))) == 2000

    def test_it_reads_every_member(self) -> None:
        assert numbered(gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n")) == [(1, "a"), (2, "bc"), (3, "d")]

    @pytest.mark.parametrize("size", [1, 13, 100_000])
    def test_it_reads_bgzip_however_it_arrives(self, size: int) -> None:
        data = bgzf(self.text) + EOF_MARKER
        warnings = Warnings()
        pieces = (data[start : start + size] for start in range(0, len(data), size))
        assert len(numbered(pieces, warnings=warnings)) == 2000
        assert warnings.listed() == []

    def test_it_warns_of_a_missing_end_marker_in_bgzip_only(self) -> None:
        warnings = Warnings()
        numbered(bgzf(self.text), warnings=warnings)
        assert [warning["code"] for warning in warnings.listed()] == ["no-eof-marker"]
        warnings = Warnings()
        numbered(gzip.compress(self.text), warnings=warnings)
        assert warnings.listed() == []

    @pytest.mark.parametrize("lost", [1, 8, 20, 200])
    def test_it_refuses_a_truncated_file(self, lost: int) -> None:
        assert refused(gzip.compress(self.text)[:-lost])[2] == "truncated"
        assert refused((bgzf(self.text) + EOF_MARKER)[:-lost])[2] == "truncated"

    def test_it_refuses_garbage_after_the_members(self) -> None:
        assert refused(gzip.compress(self.text) + b"garbage")[2] == "garbage-after-gzip"

    def test_it_refuses_damaged_data(self) -> None:
        data = bytearray(gzip.compress(self.text))
        data[-6] ^= 0xFF
        assert refused(bytes(data))[2] == "corrupt-gzip"

    @pytest.mark.parametrize(
        "data",
        [
            bz2.compress(b"##fileformat=VCFv4.3\n"),
            lzma.compress(b"##fileformat=VCFv4.3\n"),
            b"PK\x03\x04rest",
            b"\x28\xb5\x2f\xfdrest",
            b"BCF\x02\x02rest",
            bgzf(b"BCF\x02\x02rest"),
            gzip.compress(gzip.compress(b"##fileformat=VCFv4.3\n", mtime=0), mtime=0),
        ],
        ids=["bzip2", "xz", "zip", "zstd", "bcf", "bgzipped bcf", "twice gzip"],
    )
    def test_it_refuses_other_formats(self, data: bytes) -> None:
        assert refused(data)[0] is UnsupportedMedia


class TestLimits:
    def test_it_refuses_a_long_line_and_names_it(self) -> None:
        assert refused(b"a\n" + b"x" * 101 + b"\n", Limits(line_bytes=100)) == (TooLarge, 2, "line-too-long")
        assert numbered(b"a\n" + b"x" * 100 + b"\n", Limits(line_bytes=100))[1] == (2, "x" * 100)

    def test_it_measures_bytes_not_characters(self) -> None:
        assert refused("é".encode() * 51, Limits(line_bytes=100))[2] == "line-too-long"

    def test_it_accepts_a_line_of_a_million_bases(self) -> None:
        assert len(numbered(b"A" * 999_999 + b"\n")[0][1]) == 999_999

    def test_it_caps_the_text_of_plain_and_compressed_files(self) -> None:
        text = b"line\n" * 1_000_000
        assert refused(text, Limits(expanded_bytes=1_000_000))[::2] == (TooLarge, "too-large")
        assert refused(gzip.compress(text), Limits(expanded_bytes=1_000_000))[::2] == (TooLarge, "too-large")

    @staticmethod
    def peak(data: Iterable[bytes], limits: Limits) -> int:
        tracemalloc.start()
        with pytest.raises(TooLarge):
            for _ in blocks(data, limits, Warnings()):
                pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    def test_it_stops_a_bomb_in_flat_memory(self) -> None:
        packer = zlib.compressobj(level=9, wbits=31)
        bomb = b"".join(packer.compress(b"\n" * 1_000_000) for _ in range(300)) + packer.flush()
        assert self.peak([bomb], Limits()) < 16 * 1024 * 1024

    def test_it_refuses_an_endless_line_in_flat_memory(self) -> None:
        endless: Iterator[bytes] = itertools.repeat(b"x" * 65_536)
        assert self.peak(endless, Limits()) < 8 * 1024 * 1024
