"""What the housekeeping commands share: bounds that are read with care, and an exit code for "not done yet"."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import OutputWrapper

# EX_TEMPFAIL of sysexits.h: "try again later"; a crash is 1, a wrong argument 2.
LATER = 75


def between(lowest: int, highest: int) -> Callable[[str], int]:
    """Reads a whole number within bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return read


def tell(stdout: OutputWrapper, sentence: str, **values: Any) -> None:
    """A sentence for a person at a terminal; for a program a line of JSON."""
    stdout.write(sentence if stdout.isatty() else json.dumps(values))
