"""chassis/housekeeping.py"""

from __future__ import annotations

import io
import json
from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest
from django.core.management.base import OutputWrapper

from chassis.housekeeping import between, tell


class TestBetween:
    @pytest.fixture
    def read(self) -> Callable[[str], int]:
        return between(1, 100)

    @pytest.mark.parametrize("text", ["1", "100", "007"])
    def test_it_reads_a_whole_number(self, read: Callable[[str], int], text: str) -> None:
        assert read(text) == int(text)

    @pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "many", "", " 5"])
    def test_it_refuses_anything_else_in_words(self, read: Callable[[str], int], text: str) -> None:
        with pytest.raises(ArgumentTypeError, match="must be a whole number from 1 to 100"):
            read(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestTell:
    def test_a_program_reads_json(self) -> None:
        out = io.StringIO()
        tell(OutputWrapper(out), "3 deleted.", deleted=3)
        assert json.loads(out.getvalue()) == {"deleted": 3}

    def test_a_person_reads_a_sentence(self) -> None:
        out = Terminal()
        tell(OutputWrapper(out), "3 deleted.", deleted=3)
        assert out.getvalue() == "3 deleted.\n"
