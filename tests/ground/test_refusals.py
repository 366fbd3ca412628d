"""Every rule of a variable has a run of `terraform test` that it refuses."""

from __future__ import annotations

import re
from collections import Counter

from terraform.document import GROUND, blocks

RUN = re.compile(r'^run "\w+" \{$.*?^\}$', re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r'source\s*=\s*"\./([\w/]+)"')
EXPECTED = re.compile(r"expect_failures\s*=\s*\[(.*?)\]", re.DOTALL)


def rules() -> Counter[str]:
    """How many rules each variable has, as `modules/network: cidr`."""
    found: Counter[str] = Counter()
    folders = {file.parent for file in GROUND.rglob("variables*.tf")}
    for folder in folders:
        for name, body in blocks(folder, "variable"):
            found[f"{folder.relative_to(GROUND).as_posix()}: {name}"] = len(body.get("validation", []))
    return +found


def refusals() -> Counter[str]:
    """How many runs expect each to be refused."""
    found: Counter[str] = Counter()
    for file in (GROUND / "tests").glob("*.tftest.hcl"):
        for run in RUN.findall(file.read_text(encoding="utf-8")):
            if (source := SOURCE.search(run)) and (expected := EXPECTED.search(run)):
                found.update(f"{source[1]}: {name}" for name in re.findall(r"\bvar\.(\w+)", expected[1]))
    return found


def test_no_rule_is_without_a_run_that_breaks_it() -> None:
    assert rules().total() > 150
    refused = refusals()
    assert {name: (count, refused[name]) for name, count in rules().items() if refused[name] < count} == {}
