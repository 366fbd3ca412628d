"""The chart's page says what the chart does."""

from __future__ import annotations

import re

import pytest

from tests.chart.document import PAGE, main, table
from tests.chart.rendering import CHART


def test_its_table_is_the_one_that_the_values_make() -> None:
    main(["--check"])
    assert PAGE.read_text(encoding="utf-8").count(table()) == 1


def test_a_table_that_is_out_of_date_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chart.document.table", lambda: table().replace("| `replicas` |", "| `pods` |"))
    with pytest.raises(SystemExit, match="out of date: run `make format`"):
        main(["--check"])
    assert "| `pods` |" not in PAGE.read_text(encoding="utf-8")


def test_its_examples_are_those_that_are_there() -> None:
    linked = set(re.findall(r"\]\(values/([\w.-]+)\)", PAGE.read_text(encoding="utf-8")))
    assert linked == {path.name for path in (CHART / "values").iterdir()}
