"""`make chart-scan` fails for a finding without a reason, and for a reason without a finding."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.chart.scan import SKIPS, Finding, unexplained

FOUND = Finding("CKV_1", "Deployment own", "Use a limit")


@pytest.mark.parametrize(("skips", "strays", "idle"), [
    ([], [FOUND], []),
    ([{"checks": ["CKV_1"], "of": ["Deployment own"], "because": "a"}], [], []),
    ([{"checks": ["CKV_1"], "of": ["Deployment own", "Job own"], "because": "a"}], [], ["CKV_1 of Job own"]),
    ([{"checks": ["CKV_2"], "of": ["Deployment own"], "because": "a"}], [FOUND], ["CKV_2 of Deployment own"]),
])  # fmt: skip
def test_both_are_told(skips: list[dict[str, Any]], strays: list[Finding], idle: list[str]) -> None:
    assert unexplained({FOUND}, skips) == (strays, idle)


def test_every_skip_has_its_reason() -> None:
    skips = yaml.safe_load(SKIPS.read_text(encoding="utf-8"))
    assert [each for each in skips if set(each) != {"checks", "of", "because"} or len(each["because"]) < 20] == []
