"""chassis/flush.py, in processes of their own; with gunicorn it is tried in tests/server/test_dead_collector.py."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.broken_collector import KINDS
from tests.collector import Collector

SCRIPT = """
from chassis.telemetry import start
from chassis.flush import flush
start()
from opentelemetry import trace
with trace.get_tracer("test").start_as_current_span("a span of the test") as span:
    print(f"{span.get_span_context().trace_id:032x}")
print(flush(1))
"""


def run(url: str) -> tuple[list[str], float]:
    """What a process that ends with a flush prints, and its seconds."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **variables, "OTEL_EXPORTER_OTLP_TIMEOUT": "30"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split(), time.monotonic() - started


def test_all_is_sent_to_a_collector_that_answers() -> None:
    with Collector() as collector:
        (trace, sent), _ = run(collector.environment["OTEL_EXPORTER_OTLP_ENDPOINT"])
        assert sent == "True"
        assert len(collector.spans(trace)) == 1


def test_the_process_ends_in_time_whatever_the_time_out_of_an_export_is() -> None:
    with KINDS["black-holed"]() as url:
        (_, sent), seconds = run(url)
    assert sent == "False"
    assert seconds < 25  # the SDK alone takes 30 for each signal


def test_without_telemetry_there_is_nothing_to_wait_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from chassis.flush import flush; print(flush())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "True\n"
