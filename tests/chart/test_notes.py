"""What helm says after an installation: commands that work, about objects that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.chart.api_server import helm
from tests.chart.releases import FIRST, SERVICES, SHAPES, production, trial
from tests.chart.rendering import merged, render


def notes(values: dict[str, Any], folder: Path) -> str:
    told = helm("install", "--dry-run=client", "--disable-openapi-validation", values=values, folder=folder)
    return told.partition("\nNOTES:\n")[2]


class TestNotes:
    @pytest.mark.parametrize("shape", [f"a trial of {FIRST}", f"everything of {FIRST}"])
    def test_what_they_name_is_there(self, shape: str, tmp_path: Path) -> None:
        objects = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in render(SHAPES[shape])}
        named = set(re.findall(r"\b(?:deployment|service)/[\w-]+", notes(SHAPES[shape], tmp_path)))
        assert named
        assert named <= objects

    def test_a_trial_says_that_it_is_one_and_how_to_ask_it(self, tmp_path: Path) -> None:
        told = notes(trial(), tmp_path)
        assert "not for patients" in told
        assert "port-forward" in told
        assert f"/{FIRST}/v1/{SERVICES[FIRST]['collection']}" in told
        assert "POLICIES ARE OFF" not in told

    def test_production_says_whom_to_ask_when_something_is_wrong(self, tmp_path: Path) -> None:
        told = notes(production(), tmp_path)
        assert "careway doctor" in told
        assert "patients" not in told

    def test_who_has_no_policies_is_told(self, tmp_path: Path) -> None:
        assert "POLICIES ARE OFF" in notes(merged(production(), {"networkPolicy": {"enabled": False}}), tmp_path)

    @pytest.mark.parametrize("callers", [[], [{"namespace": "edge"}]], ids=["nobody", "somebody"])
    def test_who_lets_nobody_in_is_told(self, callers: list[dict[str, str]], tmp_path: Path) -> None:
        told = notes(merged(production(), {"networkPolicy": {"ingress": {"from": callers}}}), tmp_path)
        assert ("Nobody but its own tests" in told) == (not callers)
