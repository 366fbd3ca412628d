"""What the reader says about a file: faults that refuse it, warnings that only count."""

from typing import NamedTuple, TypedDict

MAX_FAULTS = 100


class Fault(NamedTuple):
    """One reason to refuse a file. `line` is 1-based; `column` is a VCF column, or sample, header, file.

    The message never repeats a cell: problem answers and logs must stay free of clinical content.
    """

    line: int
    column: str
    code: str
    message: str


class Warning(TypedDict):
    """All occurrences of one code: how many, and the line of the first (0: the file as a whole)."""

    code: str
    count: int
    first_line: int
    message: str


class VCFError(ValueError):
    """The file is refused: 1 to 100 faults, in file order. `samples` lists the columns to choose from."""

    def __init__(self, faults: list[Fault], samples: list[str] | None = None) -> None:
        self.faults = faults
        self.samples = samples
        first = faults[0]
        super().__init__(f"line {first.line}, {first.column}: {first.code}: {first.message}")


class UnsupportedMedia(VCFError):
    """The bytes are another format: bzip2, zip, xz, zstd, BCF."""


class TooLarge(VCFError):
    """A limit was passed: line length, expanded size, expansion ratio."""


class RowFault(Exception):
    """A fault of the line being parsed; the reader adds the line number."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(code)
        self.column = column
        self.code = code
        self.message = message


class Warnings:
    """Counted warnings, one entry a code, so that a million bad values cost one entry."""

    def __init__(self) -> None:
        self._entries: dict[str, Warning] = {}

    def add(self, code: str, line: int, message: str) -> None:
        entry = self._entries.get(code)
        if entry is None:
            self._entries[code] = Warning(code=code, count=1, first_line=line, message=message)
        else:
            entry["count"] += 1

    def listed(self) -> list[Warning]:
        return list(self._entries.values())
