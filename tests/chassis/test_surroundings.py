"""chassis/surroundings.py, as far as a test can break things within a process; tests/server/test_doctor.py breaks the rest."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.checks import ERROR, WARNING

from chassis import surroundings

pytestmark = pytest.mark.django_db


class TestClock:
    @pytest.mark.parametrize(
        ("seconds", "levels"), [(0, []), (4, []), (10, [WARNING]), (-10, [WARNING]), (40, [ERROR])]
    )
    def test_seconds_do_no_harm_and_half_a_minute_does(
        self, monkeypatch: pytest.MonkeyPatch, seconds: int, levels: list[int]
    ) -> None:
        now = time.time
        monkeypatch.setattr("chassis.surroundings.time.time", lambda: now() + seconds)
        assert [fault.level for fault in surroundings.clock()] == levels


class TestRights:
    def test_a_superuser_is_well_in_development_alone(self, settings: Any) -> None:
        assert surroundings.rights() == []
        settings.DEVELOPMENT = False
        assert [fault.level for fault in surroundings.rights()] == [WARNING]


class TestCollector:
    def test_none_is_worth_a_word(self, settings: Any) -> None:
        settings.TELEMETRY = False
        assert [fault.level for fault in surroundings.collector()] == [WARNING]
