"""OpenTelemetry, configured by the standard OTEL_* variables alone; off until an exporter endpoint is named."""

from __future__ import annotations

from opentelemetry.instrumentation.auto_instrumentation import initialize


def start() -> None:
    """Starts the distro in this process. Call it once, after a fork."""
    initialize(swallow_exceptions=False)
