"""Telemetry starts by the standard OTEL_* variables alone."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
from chassis.telemetry import start
start()
from opentelemetry import trace
with trace.get_tracer("test").start_as_current_span("a span of the test"):
    pass
trace.get_tracer_provider().force_flush()
"""


def run(**variables: str) -> str:
    environment = {**os.environ, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_it_exports_as_the_variables_say() -> None:
    output = run(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="example")
    assert '"name": "a span of the test"' in output
    assert '"service.name": "example"' in output


def test_it_exports_nothing_when_told_so() -> None:
    assert run(OTEL_TRACES_EXPORTER="none") == ""
