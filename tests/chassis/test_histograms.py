"""The SDK's own instrument is the judge: a reader is told the same."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from chassis.histograms import Histogram

NAMES = ("method", "status", "error")
MEASURED = [
    (0.004, ("GET", 200, None)),
    (3.0, ("GET", 200, None)),
    (0.2, ("GET", 500, "E")),
    (0.01, ("GET", 200, None)),
]


class Rig:
    def __init__(self, **options: Any) -> None:
        self.readers = [InMemoryMetricReader(), InMemoryMetricReader()]
        provider = MeterProvider(self.readers, **options)
        meter = provider.get_meter("test")
        self.instrument = meter.create_histogram("a", explicit_bucket_boundaries_advisory=[0.005, 0.1, 1])
        self.histogram = Histogram(self.instrument, *NAMES)

    def points(self, reader: int = 0) -> list[Any]:
        found: Any = self.readers[reader].get_metrics_data()
        (metric,) = found.resource_metrics[0].scope_metrics[0].metrics
        return sorted(metric.data.data_points, key=lambda each: str(each.attributes))

    def told(self, reader: int = 0) -> list[Any]:
        return [
            (each.attributes, each.count, each.sum, each.bucket_counts, each.explicit_bounds, each.min, each.max)
            for each in self.points(reader)
        ]

    def exemplars(self) -> list[tuple[float, int | None]]:
        return [(each.value, each.span_id) for point in self.points() for each in point.exemplars]


@pytest.mark.parametrize("reader", [0, 1])
def test_every_reader_is_told_what_the_sdk_would_tell_it(reader: int) -> None:
    ours, theirs = Rig(), Rig()
    for amount, values in MEASURED:
        ours.histogram.record(amount, values, sampled=False)
        named = zip(NAMES, values, strict=True)
        theirs.instrument.record(amount, {name: each for name, each in named if each is not None})
    assert ours.told(reader) == theirs.told(reader)
    assert [each[1] for each in ours.told(reader)] == [3, 1]


def test_it_goes_on_after_it_was_collected() -> None:
    rig = Rig()
    for total in (1, 2, 3):
        rig.histogram.record(0.2, ("GET", 200, None), sampled=False)
        assert [point.count for point in rig.points()] == [total]


class TestExemplars:
    def test_one_that_is_sampled_leads_to_its_span(self) -> None:
        rig, tracer = Rig(), TracerProvider().get_tracer("test")
        rig.histogram.record(0.2, ("GET", 200, None), sampled=False)
        with tracer.start_as_current_span("GET") as span:
            rig.histogram.record(0.3, ("GET", 200, None), sampled=True)
        assert rig.exemplars() == [(0.3, span.get_span_context().span_id)]

    def test_the_filter_that_wants_all_has_all(self) -> None:
        rig = Rig(exemplar_filter=AlwaysOnExemplarFilter())
        for amount in (0.001, 0.2):
            rig.histogram.record(amount, ("GET", 200, None), sampled=False)
        assert [amount for amount, _ in rig.exemplars()] == [0.001, 0.2]


def test_where_the_sdk_is_disabled_nothing_is_counted() -> None:
    histogram = Histogram(NoOpMeterProvider().get_meter("test").create_histogram("a"), *NAMES)
    for _ in range(2):
        histogram.record(0.2, ("GET", 200, None), sampled=False)


def test_where_nobody_reads_nothing_breaks() -> None:
    histogram = Histogram(MeterProvider().get_meter("test").create_histogram("a"), *NAMES)
    for _ in range(2):
        histogram.record(0.2, ("GET", 200, None), sampled=False)
