"""tests/example: what the tests of the chassis stand on has a document as the house asks of a service."""

from __future__ import annotations

import pytest
from drf_spectacular.validation import validate_schema

from chassis.documents import generate


def test_its_document_is_valid_and_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    validate_schema(generate("example"))
    assert capsys.readouterr().err == ""
