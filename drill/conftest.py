"""The table of faults and outcomes, gathered from all processes of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Row = Callable[[str, str], None]


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    """Adds a line to the table: a fault, and what came of it. The assertions stand in the drill itself."""

    def add(fault: str, outcome: str) -> None:
        record_property("drill", (fault, outcome))

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    rows = [value for report in reports for name, value in report.user_properties if name == "drill"]
    if not rows:
        return
    width = max(len(fault) for fault, _ in rows)
    terminalreporter.section("faults and outcomes")
    for fault, outcome in rows:
        terminalreporter.line(f"{fault:<{width}}  {outcome}")
