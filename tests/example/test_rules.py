"""Pure rules of the domain."""

from __future__ import annotations

import re

import pytest

from tests.example.choices import MACHINE
from tests.example.rules import ACCESSION, UNFIT


@pytest.mark.parametrize("text", ["S-2026-0001", "ABC", "0AB", "A" * 32])
def test_an_accession_is_a_laboratory_s_number(text: str) -> None:
    assert re.fullmatch(ACCESSION, text)


@pytest.mark.parametrize("text", ["AB", "-AB", "s-1", "A B", "A" * 33, "ÄBC", "A_B"])
def test_nothing_else_is(text: str) -> None:
    assert not re.fullmatch(ACCESSION, text)


def test_what_is_unfit_stays_so() -> None:
    assert [status for status in UNFIT if set(MACHINE.asked.get(status, [])) - set(UNFIT)] == []
