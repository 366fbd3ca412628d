"""Text as people write it: NFC, trimmed, without control characters (Unicode Standard Annex 15)."""

from __future__ import annotations

import unicodedata

ALLOWED_CONTROLS = {"\n", "\t"}
# They reorder what is shown: a signed sentence could read otherwise than it is stored (Unicode Technical Report 36,
# 2.4). The marks that languages written right to left need, U+200E and U+200F, are not among them.
REORDERING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def normalised(text: str) -> str:
    """NFC and trimmed; text of which nothing can be seen is empty."""
    trimmed = unicodedata.normalize("NFC", text).strip()
    return "" if trimmed and all(unicodedata.category(character) in {"Cf", "Zs"} for character in trimmed) else trimmed


def control_character(text: str, *, multiline: bool) -> bool:
    """Whether the text holds a control character, one that reorders its neighbours, or half a surrogate pair.

    Line feed and tab are allowed in multi-line text.
    """
    if text.isascii() and text.isprintable():
        return False
    allowed = ALLOWED_CONTROLS if multiline else set()
    return any(
        character in REORDERING or (unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed)
        for character in text
    )
