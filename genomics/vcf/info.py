"""The INFO keys that are kept with an allele, as bounded JSON, sliced to the one ALT.

Types and counts are the specification's or the caller's own (GATK, ClinVar), not the header's: headers are advisory.
"""

import json
import math
import re
from typing import Final, NamedTuple

from .faults import Warnings
from .layouts import Layouts
from .memory import remember

MAX_BYTES: Final = 8 * 1024
INT_MAX: Final = 2**31 - 1

_MEMO_SIZE: Final = 50_000
_MEMO_LENGTH: Final = 40


class Key(NamedTuple):
    """`number`: A one value an ALT, R one more for REF, 1, 0 for flags, `.` any. As in ##INFO."""

    number: str
    type: str
    description: str


KEPT: Final = {
    "SVTYPE": Key("1", "String", "Type of structural variant"),
    "SVLEN": Key("A", "Integer", "Length of structural variant"),
    "IMPRECISE": Key("0", "Flag", "Imprecise structural variant"),
    "CIPOS": Key(".", "Integer", "Confidence interval around POS"),
    "CIEND": Key(".", "Integer", "Confidence interval around END"),
    "MATEID": Key(".", "String", "ID of mate breakend"),
    "EVENT": Key(".", "String", "ID of associated event"),
    "AC": Key("A", "Integer", "Allele count in genotypes"),
    "AF": Key("A", "Float", "Allele frequency"),
    "AN": Key("1", "Integer", "Number of alleles in called genotypes"),
    "DP": Key("1", "Integer", "Combined depth across samples"),
    "MQ": Key("1", "Float", "RMS mapping quality"),
    "QD": Key("1", "Float", "Confidence by depth"),
    "FS": Key("1", "Float", "Strand bias by Fisher's exact test, phred-scaled"),
    "SOR": Key("1", "Float", "Strand odds ratio"),
    "TLOD": Key("A", "Float", "Log odds that the allele exists in the tumour"),
    "SOMATIC": Key("0", "Flag", "Somatic mutation"),
    "DB": Key("0", "Flag", "dbSNP membership"),
    "ALLELEID": Key("1", "Integer", "ClinVar allele ID"),
    "CLNSIG": Key(".", "String", "ClinVar clinical significance"),
    "CLNREVSTAT": Key(".", "String", "ClinVar review status"),
}

_ONE_NUMBER: Final = {name: key.type for name, key in KEPT.items() if key.number in "1A" and key.type != "String"}
_FLAGS: Final = frozenset(name for name, key in KEPT.items() if key.type == "Flag")
_OTHERS: Final = frozenset(KEPT) - _FLAGS - frozenset(_ONE_NUMBER)

# VCF 4.3, 1.2: these eight and no others; `%20` and the like stay as they are.
_ENCODED: Final = {
    "%3A": ":", "%3B": ";", "%3D": "=", "%25": "%", "%2C": ",", "%0D": "\r", "%0A": "\n", "%09": "\t",
}  # fmt: skip
_CODE = re.compile("|".join(_ENCODED), re.IGNORECASE)
_SPECIAL = {ord(character): code for code, character in _ENCODED.items()}

_INTEGER = re.compile(r"[-+]?[0-9]{1,10}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,6})?")
# Plain decimals that JSON accepts as written; the length bounds what the database's numeric must hold.
_JSON_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,15})?")


def decode(text: str) -> str:
    """Undoes percent-encoding (VCF 4.3, 1.2)."""
    return _CODE.sub(lambda match: _ENCODED[match[0].upper()], text) if "%" in text else text


def encode(text: str) -> str:
    """Percent-encodes what has a meaning in a VCF value (VCF 4.3, 1.2)."""
    return text.translate(_SPECIAL)


def integer(text: str) -> int | None:
    """A whole number of 32 bits, or None."""
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -INT_MAX <= value <= INT_MAX else None


def real(text: str) -> float | None:
    """A finite number written as the specification allows (VCF 4.3, 1.3), or None."""
    if not _FLOAT.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_number(text: str) -> bool:
    """Whether the text is a number at all, be it too large for a float."""
    return _FLOAT.fullmatch(text) is not None


class _SingleAlt(dict[str, str]):
    """Fields of lines with one ALT, rendered: `AC=1` recurs a million times in a file; "" for what is not kept."""

    def __init__(self, warnings: Warnings) -> None:
        self._warnings = warnings
        self.line = 0

    def __missing__(self, field: str) -> str:
        name, _, value = field.partition("=")
        kept = name in KEPT
        fragment = _fragment(name, value, 1, 1, self.line, self._warnings) if kept else ""
        # A kept field without a fragment warns, each time.
        if len(field) <= _MEMO_LENGTH and (fragment or not kept):
            remember(self, field, fragment, _MEMO_SIZE)
        return fragment


class InfoReader:
    """Renders INFO as JSON text."""

    def __init__(self, warnings: Warnings) -> None:
        self._warnings = warnings
        self._single = _SingleAlt(warnings)
        self._rendered = self._single.__getitem__
        self._layouts = Layouts(_ONE_NUMBER, _FLAGS, _OTHERS)
        self._text = ""
        self._fields: dict[str, str] = {}

    def fields(self, info: str) -> dict[str, str]:
        """The texts of END and of the kept keys; of a repeated key the last.

        Remembered for the line at hand: a line of a megabyte may call fifty ALTs, and each asks.
        """
        if info is not self._text:
            pairs = (field.partition("=") for field in info.split(";"))
            self._fields = {name: value for name, _, value in pairs if name in KEPT or name == "END"}
            self._text = info
        return self._fields

    def json(self, info: str, index: int, alts: int, line: int) -> str:
        """JSON object text of the kept keys for ALT number `index` of `alts`, at most MAX_BYTES.

        Of a repeated key the last value stands.
        """
        if info == ".":
            return "{}"
        if alts == 1:
            text = self._layouts.json(info) or self._by_field(info, line)
        else:
            text = "{" + ",".join(self._fragments(info, index, alts, line)) + "}"
        # UTF-8 takes at most four bytes a character.
        return text if len(text) * 4 <= MAX_BYTES else self._capped(self._fragments(info, index, alts, line), line)

    def _by_field(self, info: str, line: int) -> str:
        self._layouts.learn(info)
        self._single.line = line
        return "{" + ",".join(filter(None, map(self._rendered, info.split(";")))) + "}"

    def _fragments(self, info: str, index: int, alts: int, line: int) -> list[str]:
        pairs = self.fields(info).items()
        made = (_fragment(name, value, index, alts, line, self._warnings) for name, value in pairs if name in KEPT)
        return [fragment for fragment in made if fragment]

    def _capped(self, fragments: list[str], line: int) -> str:
        size = 2
        kept = []
        # What identifies a structural variant comes first, so that it is never what is cut.
        for fragment in sorted(fragments, key=lambda fragment: not fragment.startswith('"SV')):
            size += len(fragment.encode()) + 1
            if size > MAX_BYTES:
                self._warnings.add("info-too-long", line, f"INFO was cut to {MAX_BYTES} bytes.")
                break
            kept.append(fragment)
        return "{" + ",".join(kept) + "}"


def _fragment(name: str, value: str, index: int, alts: int, line: int, warnings: Warnings) -> str:
    if len(value) > MAX_BYTES and KEPT[name].number == ".":
        # As JSON it would be longer still, and cut in the end.
        warnings.add("info-too-long", line, f"INFO was cut to {MAX_BYTES} bytes.")
        return ""
    rendered = _render(KEPT[name], value, index, alts)
    if rendered is not None:
        return f'"{name}":{rendered}'
    if value != ".":
        warnings.add("bad-info-value", line, "A value in INFO has another type or count than its key.")
    return ""


def _render(key: Key, value: str, index: int, alts: int) -> str | None:
    if key.number == "0":
        return "true" if value in ("", "1") else None
    values = value.split(",")
    if key.number == "A":
        if len(values) != alts:
            return None
        values = [values[index - 1]]
    elif key.number == "1" and len(values) != 1:
        return None
    rendered = [_scalar(key.type, item) for item in values]
    if None in rendered or rendered == ["null"]:
        return None
    return rendered[0] if len(rendered) == 1 else "[" + ",".join(item for item in rendered if item) + "]"


def _scalar(type_: str, text: str) -> str | None:
    if text == ".":
        return "null"
    if type_ == "Integer":
        whole = integer(text)
        return None if whole is None else str(whole)
    if type_ == "Float":
        if _JSON_DECIMAL.fullmatch(text):
            return text
        number = real(text)
        return None if number is None else repr(number)
    return json.dumps(decode(text), ensure_ascii=False) if text else None
