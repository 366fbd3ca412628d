"""chassis/repeats.py; that a real dead collector is a few lines is tried in tests/server/test_dead_collector.py."""

from __future__ import annotations

import logging
import time

import pytest

from chassis.logs import logging_configuration
from chassis.repeats import Repeats

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def record(name: str = EXPORTER, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, "f", 1, "Failed to export", (), None)


def test_it_lets_one_line_a_minute_through_and_counts_the_others(clock: list[float]) -> None:
    repeats = Repeats()
    assert [repeats.filter(record()) for _ in range(4)] == [True, False, False, False]
    clock[0] += 59
    assert not repeats.filter(record())
    clock[0] += 1
    late = record()
    assert repeats.filter(late)
    assert late.__dict__["repeats"] == 4


def test_a_line_that_repeats_nothing_says_nothing_of_it(clock: list[float]) -> None:
    first = record()
    assert Repeats().filter(first)
    assert "repeats" not in first.__dict__


def test_each_exporter_and_each_level_is_counted_for_itself(clock: list[float]) -> None:
    repeats = Repeats()
    others = [record(EXPORTER.replace("trace", "metric")), record(level=logging.ERROR), record()]
    assert [repeats.filter(each) for each in others] == [True, True, True]
    assert not repeats.filter(record())


def test_it_leaves_the_lines_of_the_house_alone(clock: list[float]) -> None:
    repeats = Repeats()
    assert all(repeats.filter(record("careway.request")) for _ in range(5))


def test_stdout_has_it() -> None:
    configuration = logging_configuration(level="INFO")
    (name,) = (name for name, each in configuration["filters"].items() if each["()"] is Repeats)
    assert name in configuration["handlers"]["stdout"]["filters"]


def test_the_sdks_own_notices_that_are_no_json_are_not_printed() -> None:
    """It has a logger with a handler of its own, for what a log exporter logs while it exports."""
    quiet = logging_configuration(level="DEBUG")["loggers"]["opentelemetry.instrumentation.logging.handler.internal"]
    assert quiet["level"] == "CRITICAL"
