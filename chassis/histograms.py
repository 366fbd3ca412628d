"""A histogram of the SDK whose series are found once, and not at each measurement.

Python's SDK has no bound instruments: at each measurement it cleans, copies, sorts and hashes the attributes, which is 7
of its 8 µs, three times in a read. What is left is the SDK's own counting, so what is exported is the same. It is reached
by private names; tests look at what the SDK's reader and a collector are told, and would notice an SDK that has others.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from opentelemetry import context
from opentelemetry.metrics import Histogram as Instrument
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter
from opentelemetry.sdk.metrics._internal._view_instrument_match import _hash_attributes

Values = tuple[str | int | None, ...]


class Measured(NamedTuple):
    """A measurement as a series takes it; but for the value it is for exemplars."""

    value: float
    time_unix_nano: int = 0
    attributes: dict[str, Any] | None = None
    context: context.Context | None = None


class Histogram:
    """An instrument with the names of its attributes. Their values are few: each combination is kept for good."""

    def __init__(self, instrument: Instrument, *names: str) -> None:
        self._instrument = instrument
        self._names = names
        # None where the SDK is disabled; what nobody collects is not counted.
        self._consumer: Any = getattr(instrument, "_measurement_consumer", None)
        self._series: dict[Values, tuple[dict[str, Any], list[Any]]] = {}
        self._exemplars: Any = self._consumer and self._consumer._sdk_config.exemplar_filter
        self._of_all = isinstance(self._exemplars, AlwaysOnExemplarFilter)

    def record(self, amount: float, values: Values, *, sampled: bool) -> None:
        """The values in the order of the names, None for an attribute that is not there; whether the span is sampled."""
        if self._consumer is None:
            return
        found = self._series.get(values)
        if found is None:
            attributes = {name: each for name, each in zip(self._names, values, strict=True) if each is not None}
            # The first is measured the SDK's way, which makes the series.
            self._instrument.record(amount, attributes)
            self._series[values] = attributes, self._made(attributes)
            return
        attributes, series = found
        measured, exemplar = Measured(amount), False
        if sampled or self._of_all:
            measured = Measured(amount, time.time_ns(), attributes, context.get_current())
            exemplar = self._exemplars.should_sample(*measured)
        for each in series:
            each.aggregate(measured, exemplar)

    def _made(self, attributes: dict[str, Any]) -> list[Any]:
        """The series of each reader; none where metrics are not exported."""
        key = _hash_attributes(attributes)
        return [
            match._attributes_aggregation[key]
            for storage in self._consumer._reader_storages.values()
            for match in storage._get_or_init_view_instrument_match(self._instrument)
        ]
