"""Counters that begin at zero and gauges of what was looked up: kept here, and told when somebody collects.

A counter of the SDK has no series until it first counts, so that a rate misses the first failure after a start; what it
is given before telemetry starts is lost; and each count costs 8 µs.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

Values = tuple[str, ...]

# A gauge keeps silent rather than tell for ever what was true once.
STALE_SECONDS = 60.0


class Counter:
    """`attributes` are names and the values of each, in the order in which `count` takes them; all series begin at zero."""

    def __init__(self, meter: Meter, name: str, *, unit: str, description: str, **attributes: Iterable[str]) -> None:
        self._names = tuple(attributes)
        self._lock = threading.Lock()
        self._counts: dict[Values, int] = dict.fromkeys(itertools.product(*attributes.values()), 0)
        self.instrument = meter.create_observable_counter(name, [self.observe], unit=unit, description=description)

    def begin(self, *values: str) -> None:
        """A series more that is zero from here on."""
        with self._lock:
            self._counts.setdefault(values, 0)

    def count(self, *values: str, by: int = 1) -> None:
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + by

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            counts = [*self._counts.items()]
        for values, number in counts:
            yield Observation(number, dict(zip(self._names, values, strict=True)))


class Gauge:
    """Tells what it was told last, for a minute; `names` are those of its attributes."""

    def __init__(self, meter: Meter, name: str, *names: str, unit: str, description: str) -> None:
        self._names = names
        self._lock = threading.Lock()
        self._told: dict[Values, tuple[float, float]] = {}
        self.instrument = meter.create_observable_gauge(name, [self.observe], unit=unit, description=description)

    def tell(self, value: float, *values: str) -> None:
        with self._lock:
            self._told[values] = value, time.monotonic()

    def forget(self) -> None:
        """Nothing is known any more."""
        with self._lock:
            self._told.clear()

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        oldest = time.monotonic() - STALE_SECONDS
        with self._lock:
            told = [*self._told.items()]
        for values, (value, at) in told:
            if at > oldest:
                yield Observation(value, dict(zip(self._names, values, strict=True)))
