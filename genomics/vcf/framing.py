"""From the bytes of a socket to numbered lines of text, in flat memory.

Accepts plain text, gzip and bgzip (all members). Line ends are LF or CR LF; the last may be missing.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .faults import Fault, TooLarge, UnsupportedMedia, VCFError, Warnings

Block = tuple[int, list[str]]
"""The 1-based number of the first line, and the lines without their ends."""

_PIECE: Final = 128 * 1024
_GZIP: Final = b"\x1f\x8b"
_BGZF_EOF: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final = (
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BCF", "BCF"),
)
_LONGEST_MAGIC: Final = 6
# Below this much text even an absurd ratio is harmless, and short files compress extremely.
_RATIO_FREE_BYTES: Final = 16 * 1024 * 1024


class Limits(NamedTuple):
    """Caps on one file: bytes a line, bytes after expansion, expanded bytes per byte received."""

    line_bytes: int = 1_000_000
    expanded_bytes: int = 64 * 1024**3
    ratio: int = 250


def blocks(chunks: Iterable[bytes], limits: Limits, warnings: Warnings) -> Iterator[Block]:
    """Yields runs of whole lines.

    Raises VCFError at the first framing fault, after the lines before it were yielded: UnsupportedMedia,
    TooLarge, or the codes truncated, corrupt-gzip, garbage-after-gzip, byte-order-mark, nul-byte,
    invalid-utf8, stray-carriage-return.
    """
    return _lines(_text(_pieces(chunks), limits, warnings), limits)


def _refused(line: int, code: str, message: str) -> VCFError:
    return VCFError([Fault(line, "file", code, message)])


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Regroups chunks of any size, so that neither tiny nor huge ones cost more."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    if held:
        yield bytes(held)


def _text(pieces: Iterator[bytes], limits: Limits, warnings: Warnings) -> Iterator[bytes]:
    first = next(pieces, b"")
    _refuse_foreign(first)
    if not first.startswith(_GZIP):
        yield from _capped(first, pieces, limits)
        return
    expanded = _gunzip(first, pieces, limits, warnings)
    # A file inside gzip may be foreign too: bgzipped BCF is the common one.
    head = b""
    for piece in expanded:
        head += piece
        if len(head) >= _LONGEST_MAGIC:
            break
    _refuse_foreign(head)
    if head.startswith(_GZIP):
        raise UnsupportedMedia([Fault(0, "file", "unsupported-media", "The file is compressed twice.")])
    yield head
    yield from expanded


def _refuse_foreign(head: bytes) -> None:
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            message = f"The file is {name}; send VCF as plain text, gzip or bgzip."
            raise UnsupportedMedia([Fault(0, "file", "unsupported-media", message)])


def _capped(first: bytes, pieces: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    size = len(first)
    yield first
    for piece in pieces:
        size += len(piece)
        if size > limits.expanded_bytes:
            raise _too_large(limits)
        yield piece


def _too_large(limits: Limits) -> TooLarge:
    message = f"The file holds more than {limits.expanded_bytes} bytes of text."
    return TooLarge([Fault(0, "file", "too-large", message)])


def _gunzip(first: bytes, pieces: Iterator[bytes], limits: Limits, warnings: Warnings) -> Iterator[bytes]:
    """Expands all gzip members, never more than one piece at a time, so that a bomb cannot grow."""
    bgzf = first[3:4] == b"\x04" and first[12:14] == b"BC"
    received = expanded = 0
    tail = b""
    member = zlib.decompressobj(wbits=31)
    piece: bytes | None = first
    while piece is not None:
        received += len(piece)
        tail = (tail + piece)[-len(_BGZF_EOF) :]
        while piece:
            if member.eof:
                if piece[:1] != _GZIP[:1]:
                    raise _refused(0, "garbage-after-gzip", "Bytes that are not gzip follow the compressed data.")
                member = zlib.decompressobj(wbits=31)
            text = _inflate(member, piece)
            piece = member.unused_data or member.unconsumed_tail
            expanded += len(text)
            _check_expansion(expanded, received, limits)
            if text:
                yield text
        piece = next(pieces, None)
    if not member.eof:
        raise _refused(0, "truncated", "The compressed data ends too early: the file was cut off.")
    if bgzf and tail != _BGZF_EOF:
        warnings.add("no-eof-marker", 0, "The bgzip end-of-file marker is missing: the file may have been cut off.")


def _inflate(member: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return member.decompress(data, _PIECE)
    except zlib.error as error:
        raise _refused(0, "corrupt-gzip", "The compressed data is damaged.") from error


def _check_expansion(expanded: int, received: int, limits: Limits) -> None:
    if expanded > limits.expanded_bytes:
        raise _too_large(limits)
    if expanded > _RATIO_FREE_BYTES and expanded > received * limits.ratio:
        message = f"The file expands more than {limits.ratio} times."
        raise TooLarge([Fault(0, "file", "expansion-ratio", message)])


def _lines(text: Iterator[bytes], limits: Limits) -> Iterator[Block]:
    number = 1
    carry = bytearray()
    for piece in text:
        if number == 1 and not carry and piece.startswith(_BOM):
            raise _refused(1, "byte-order-mark", "VCF forbids a byte order mark (4.3, section 1.2).")
        cut = piece.rfind(b"\n") + 1
        if cut:
            whole = bytes(carry) + piece[:cut] if carry else piece[:cut]
            for block in _decoded(number, whole[:-1], limits):
                yield block
                number += len(block[1])
            carry = bytearray(piece[cut:])
        else:
            carry += piece
        if len(carry) > limits.line_bytes:
            raise _line_too_long(number, limits)
    if carry:
        yield from _decoded(number, bytes(carry), limits)


def _line_too_long(number: int, limits: Limits) -> TooLarge:
    message = f"The line is longer than {limits.line_bytes} bytes."
    return TooLarge([Fault(number, "file", "line-too-long", message)])


def _decoded(number: int, whole: bytes, limits: Limits) -> Iterator[Block]:
    """Lines of text up to the first broken one, whose fault is raised after them."""
    fault: VCFError | None = None
    if b"\0" in whole:
        fault = _refused(0, "nul-byte", "The line holds a NUL byte.")
        whole = whole[: whole.index(b"\0")]
    try:
        text = whole.decode()
    except UnicodeDecodeError as error:
        fault = _refused(0, "invalid-utf8", "The line is not valid UTF-8.")
        text = whole[: error.start].decode()
    lines = text.split("\n")
    if fault:
        lines.pop()
    sound = len(lines)
    if "\r" in text:
        lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    # A block shorter than the cap cannot hold a line beyond it, and most files hold no carriage return.
    if "\r" in text or len(whole) > limits.line_bytes:
        sound = _sound_lines(lines, limits)
    if sound:
        yield number, lines[:sound]
    if sound < len(lines):
        raise _broken_line(number + sound, lines[sound], limits)
    if fault:
        raise VCFError([fault.faults[0]._replace(line=number + sound)])


def _sound_lines(lines: list[str], limits: Limits) -> int:
    """How many lines lead up to the first one that is too long or holds a carriage return."""
    for index, line in enumerate(lines):
        if "\r" in line or len(line.encode()) > limits.line_bytes:
            return index
    return len(lines)


def _broken_line(number: int, line: str, limits: Limits) -> VCFError:
    if "\r" in line:
        return _refused(number, "stray-carriage-return", "A carriage return stands inside the line.")
    return _line_too_long(number, limits)
