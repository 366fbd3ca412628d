"""Variants into PostgreSQL by binary COPY, which converts nothing: what the reader made is what goes over the wire."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from .vcf import Allele

COLUMNS = ["analysis_id", *Allele._fields]
# Of the columns, in their order.
TYPES = [
    "uuid", "uuid", "int2", "int4", "int4", "text", "text", "text", "text", "text", "float8", "text[]",
    "int4", "int4", "int4", "int4", "text[]", "text", "text", "text", "text", "int4", "int2", "jsonb",
]  # fmt: skip

_TEXT_OID = 25
# Dimensions, whether there are nulls, type of the items; then for the one dimension its length and first index.
_EMPTY = struct.pack("!3i", 0, 0, _TEXT_OID)
_array = struct.Struct("!5i").pack
_length = struct.Struct("!i").pack


def copy(cursor: Any, table: str, analysis_id: UUID, alleles: Iterable[Allele]) -> int:
    """Copies the alleles while they are made; answers how many there were."""
    for dumper in (UUIDBytesDumper, TextsDumper, JSONTextDumper):
        cursor.adapters.register_dumper(None, dumper)
    identity = (analysis_id.bytes,)
    count = 0
    with cursor.copy(f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)") as writer:
        writer.set_types(TYPES)
        write = writer.write_row
        for allele in alleles:
            write(identity + allele)
            count += 1
    return count


class UUIDBytesDumper(Dumper):
    """uuid from its 16 bytes."""

    format = Format.BINARY
    oid = 2950

    def dump(self, obj: bytes) -> Buffer:
        return obj


class TextsDumper(Dumper):
    """text[] from a list of strings. psycopg's own, which looks for the types of the items, takes longer than all other columns."""

    format = Format.BINARY
    oid = 1009

    def dump(self, obj: list[str]) -> Buffer:
        if not obj:
            return _EMPTY
        texts = [text.encode() for text in obj]
        return _array(1, 0, _TEXT_OID, len(texts), 1) + b"".join([_length(len(text)) + text for text in texts])


class JSONTextDumper(Dumper):
    """jsonb from text that is JSON already: the reader made it, so nothing serialises it twice."""

    format = Format.BINARY
    oid = 3802

    def dump(self, obj: str) -> Buffer:
        return b"\x01" + obj.encode()
