"""bench/report.py, bench/goals.py and bench/bars.py"""

from __future__ import annotations

import copy
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import results
from bench.bars import Bar, svg
from bench.goals import Measured, at_least, at_most, goals
from bench.report import PAGE, PLOTS, files, page


class TestThePage:
    def test_it_and_its_plots_are_those_that_the_results_make(self) -> None:
        """Else: `python -m bench.report`."""
        wanted = files(results.read())
        assert {path.name: path.read_text(encoding="utf-8") == text for path, text in wanted.items()} == {
            path.name: True for path in wanted
        }
        assert set(PLOTS.glob("*")) == set(wanted) - {PAGE}

    def test_every_plot_stands_on_it(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        assert [path.name for path in PLOTS.glob("*.svg") if f"](performance/{path.name})" not in text] == []

    def test_another_number_makes_another_page(self) -> None:
        changed = copy.deepcopy(results.read())
        changed["rows"][1]["ratio_to_floor"] = 12.34
        assert "12.34" in files(changed)[PAGE]

    def test_what_another_section_measured_has_a_table(self) -> None:
        whole: dict[str, Any] = copy.deepcopy(results.read())
        whole["rows"].append(
            {"section": "naps", "work": "nap", "stack": "careway", "ratio_to_floor": None, "naps": 1234}
        )
        text = page("<!-- measured: others -->\n<!-- end -->\n", whole)
        assert "### Naps\n\n| work | stack | ratio_to_floor | naps |" in text
        assert "| nap | careway |  | 1,234 |" in text

    def test_a_block_of_an_unknown_name_is_a_fault(self) -> None:
        with pytest.raises(KeyError):
            page("<!-- measured: typo -->\n<!-- end -->\n", results.read())


class TestGoals:
    def test_a_missed_one_says_by_how_much(self) -> None:
        assert at_least("x", 0.5, 0.4)[2:] == ("0.40", "missed by 0.10 (20%)")
        assert at_most("x", 1.2, 1.5)[2:] == ("1.50", "missed by 0.30 (25%)")

    def test_a_reached_one_says_so(self) -> None:
        assert at_least("x", 0.5, 0.5).verdict == at_most("x", 1.2, 1.2).verdict == "reached"

    def test_what_was_not_measured_is_not_reached(self) -> None:
        assert {goal.verdict for goal in goals(Measured([]))} == {""}

    def test_one_work_behind_a_rival_is_named(self) -> None:
        rows = [
            {"work": work, "stack": stack, "ratio_to_floor": ratio}
            for work, mine in (("get-one", 0.5), ("list-50", 0.2))
            for stack, ratio in (("careway", mine), ("fastapi", 0.4))
        ]
        (goal,) = (each for each in goals(Measured(rows)) if "fastapi" in each.name)
        assert (goal.reached, goal.verdict) == ("0.50 to 1.25", "missed on `list-50` 0.50")


class TestBars:
    def test_they_are_svg_with_a_bar_for_each_ratio_and_as_long(self) -> None:
        text = svg("A <title>", {"w": [Bar("floor", 1.0, 0.9, 1.1), Bar("careway", 0.5)]})
        shapes = ElementTree.fromstring(text).findall("{http://www.w3.org/2000/svg}rect")[1:]
        whole, half = (float(shape.attrib["width"]) for shape in shapes)
        assert whole == pytest.approx(2 * half, abs=0.1)
