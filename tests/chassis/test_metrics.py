"""Every instrument stands in its document, with its unit, and nothing else does."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings
from opentelemetry.metrics import CallbackOptions, Instrument

from chassis import metrics
from chassis.instruments import Counter, Gauge
from chassis.tokens import REASONS
from tests.test_house import ROOT

ROW = re.compile(r"^\| `([a-z_.]+)` \| (?:`([^`]+)`)? ?\|", re.MULTILINE)


def declared(module: Any) -> dict[str, str]:
    """Names and units; instruments are proxies until telemetry starts."""
    return {each._name: each._unit for each in instruments(module)}


def instruments(module: Any) -> list[Any]:
    found = [each.instrument if isinstance(each, Counter | Gauge) else each for each in vars(module).values()]
    return [each for each in found if isinstance(each, Instrument)]


def documented(document: Path, heading: str) -> dict[str, str]:
    section = document.read_text().split(f"\n{heading}\n")[1].split("\n## ")[0]
    return dict(ROW.findall(section))


class TestTheDocuments:
    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_a_service_s_names_each_instrument(self, service: str) -> None:
        listed = documented(ROOT / "docs" / f"{service}.md", "## Metrics")
        assert listed == declared(import_module(f"{service}.metrics"))

    def test_the_chassis_s_are_among_those_of_operating(self) -> None:
        listed = documented(ROOT / "docs" / "operating.md", "## Metrics")
        assert declared(metrics).items() <= listed.items()
        # What is listed beside them, the instrumentations make; tests/server/test_metrics.py sees them arrive.
        assert [name for name in listed if name.startswith("careway.") and name not in declared(metrics)] == []

    @pytest.mark.parametrize("module", ["chassis", *settings.SERVICES])
    def test_each_has_a_unit_and_a_description(self, module: str) -> None:
        found = instruments(import_module(f"{module}.metrics"))
        assert found
        assert [each for each in found if not each._unit or not each._description.endswith(".")] == []


class TestThePool:
    STATS: ClassVar = {
        "pool_size": 3,
        "pool_available": 1,
        "pool_max": 4,
        "requests_wait_ms": 1500,
        "requests_errors": 2,
    }

    @pytest.fixture
    def pools(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        from django.db.backends.postgresql.base import DatabaseWrapper

        found: dict[str, Any] = {}
        monkeypatch.setattr(DatabaseWrapper, "_connection_pools", found)
        return found

    def observed(self, instrument: Any) -> list[tuple[float, Any]]:
        (callback,) = instrument._callbacks
        found = list(callback(CallbackOptions()))
        assert {each.attributes["db.client.connection.pool.name"] for each in found} <= {"default"}
        return [(each.value, each.attributes.get("db.client.connection.state")) for each in found]

    def test_it_is_told_in_the_words_of_the_conventions(self, pools: dict[str, Any]) -> None:
        class Pool:
            def get_stats(self) -> dict[str, int]:
                return TestThePool.STATS

        pools["default"] = Pool()
        assert self.observed(metrics.pool_connections) == [(1, "idle"), (2, "used")]
        assert self.observed(metrics.pool_limit) == [(4, None)]
        assert self.observed(metrics.pool_waiting) == [(0, None)]
        assert self.observed(metrics.pool_timeouts) == [(2, None)]
        assert self.observed(metrics.pool_wait) == [(1.5, None)]

    def test_a_process_without_one_tells_nothing_and_opens_none(self, pools: dict[str, Any]) -> None:
        assert self.observed(metrics.pool_connections) == []
        assert pools == {}


class TestTheValues:
    """metrics.py may import neither choices nor tokens."""

    def test_refusals_begin_with_every_reason(self) -> None:
        assert values(metrics.authentication_refusals) >= {(reason,) for reason in REASONS}

    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_the_counters_of_a_service_begin_at_zero(self, service: str) -> None:
        counters = [each for each in vars(import_module(f"{service}.metrics")).values() if isinstance(each, Counter)]
        assert counters
        assert [each.instrument for each in counters if not values(each)] == []


def values(counter: Counter) -> set[tuple[Any, ...]]:
    return {tuple((each.attributes or {}).values()) for each in counter.observe(CallbackOptions())}
