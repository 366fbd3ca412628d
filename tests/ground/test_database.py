"""What docs/operating.md tells an operator of PostgreSQL's own log is what the ground sets."""

from __future__ import annotations

import re
from typing import Any

import hcl2

from terraform.document import GROUND, plain
from tests.test_house import ROOT

PARAMETERS = GROUND / "modules" / "database" / "parameters.tf"
# RDS has no other words for a switch.
SWITCHES = {"on": "1", "off": "0"}


def told() -> dict[str, str]:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    pairs = re.findall(r"^(\w+) = ([\w-]+)", block, re.MULTILINE)
    return {name: SWITCHES.get(value, value) for name, value in pairs}


def set_here() -> dict[str, Any]:
    (values,) = hcl2.loads(PARAMETERS.read_text(encoding="utf-8"))["locals"]
    found: dict[str, Any] = plain(values)["quiet_log"]
    return found


def test_the_log_is_as_quiet_as_the_page_says() -> None:
    assert len(told()) > 5
    assert set_here() == told()
