"""Text as people write it: NFC, trimmed, without control characters (Unicode Standard Annex 15)."""

from __future__ import annotations

import unicodedata

ALLOWED_CONTROLS = {"\n", "\t"}


def normalised(text: str) -> str:
    """NFC and trimmed."""
    return unicodedata.normalize("NFC", text).strip()


def control_character(text: str, *, multiline: bool) -> bool:
    """Whether the text holds a control character (line feed and tab are allowed in multi-line text) or half a surrogate pair."""
    allowed = ALLOWED_CONTROLS if multiline else set()
    return any(unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed for character in text)
