"""chassis/instruments.py: what a reader of the SDK is told, also of what was counted before there was one."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from chassis import instruments
from chassis.instruments import Counter, Gauge


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader: InMemoryMetricReader) -> Meter:
    return MeterProvider([reader]).get_meter("test")


def told(reader: InMemoryMetricReader) -> dict[tuple[Any, ...], float]:
    """The values of all series, by those of their attributes."""
    data: Any = reader.get_metrics_data()
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
    points = [point for scope in scopes for metric in scope.metrics for point in metric.data.data_points]
    return {tuple(point.attributes.items()): point.value for point in points}


class TestACounter:
    def test_all_its_series_begin_at_zero(self, meter: Meter, reader: InMemoryMetricReader) -> None:
        Counter(meter, "files", unit="{file}", description="Files.", kind=("a", "b"), outcome=("stored", "failed"))
        zeros = {(("kind", kind), ("outcome", outcome)): 0 for kind in "ab" for outcome in ("stored", "failed")}
        assert told(reader) == zeros

    def test_one_without_attributes_does_too(self, meter: Meter, reader: InMemoryMetricReader) -> None:
        counter = Counter(meter, "merged", unit="{patient}", description="Merged.")
        assert told(reader) == {(): 0}
        counter.count()
        counter.count(by=3)
        assert told(reader) == {(): 4}

    def test_one_whose_values_are_known_later_has_none_before(self, meter: Meter, reader: InMemoryMetricReader) -> None:
        counter = Counter(meter, "tokens", unit="{token}", description="Tokens.", reason=())
        assert told(reader) == {}
        counter.count("expired")
        counter.begin("expired")
        counter.begin("audience")
        assert told(reader) == {(("reason", "expired"),): 1, (("reason", "audience"),): 0}


class TestAGauge:
    def test_it_tells_the_last_value_of_each_series(self, meter: Meter, reader: InMemoryMetricReader) -> None:
        gauge = Gauge(meter, "age", "issuer", unit="s", description="Age.")
        assert told(reader) == {}
        gauge.tell(1.5, "one")
        gauge.tell(2.5, "two")
        gauge.tell(3.5, "two")
        assert told(reader) == {(("issuer", "one"),): 1.5, (("issuer", "two"),): 3.5}

    def test_what_is_forgotten_is_not_told(self, meter: Meter, reader: InMemoryMetricReader) -> None:
        gauge = Gauge(meter, "links", unit="{link}", description="Links.")
        gauge.tell(7)
        gauge.forget()
        assert told(reader) == {}

    def test_what_was_told_too_long_ago_is_not(
        self, meter: Meter, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gauge = Gauge(meter, "links", unit="{link}", description="Links.")
        gauge.tell(7)
        monkeypatch.setattr(instruments, "STALE_SECONDS", 0.0)
        assert told(reader) == {}
