"""OpenTelemetry, configured by the standard OTEL_* variables alone; off until an exporter endpoint is named."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import quote

from opentelemetry import trace

DEFAULTS = {
    # The distro's own default is gRPC, whose exporter is not installed: it does not survive a fork.
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    # Logs stand on stdout; `otlp` sends them there as well.
    "OTEL_LOGS_EXPORTER": "none",
    # The node's own agent measures the host. Of the process: time, memory, threads, files; the rest says them twice.
    "OTEL_PYTHON_SYSTEM_METRICS_EXCLUDED_METRICS": "system.*,process.runtime.*,cpython.*,process.disk.*,process.context_switches",
}


def variables(given: Mapping[str, str], *, service: str, version: str) -> dict[str, str]:
    """The OTEL_* variables as they stand, and the defaults of those that nobody set.

    Name and version go first among the resource's attributes: whoever sets his own there, or OTEL_SERVICE_NAME, wins.
    Nothing names the instance, not even what the OpenTelemetry Operator writes into each pod: the SDK gives each worker
    an id of its own, without which their counts would overwrite each other.
    """
    whole = {**DEFAULTS, **{name: text for name, text in given.items() if name.startswith("OTEL_") and text}}
    about = [f"service.name={quote(service)}", f"service.version={quote(version)}"]
    others = [each for each in whole.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if each.strip()]
    others = [each for each in others if each.partition("=")[0].strip() != "service.instance.id"]
    whole["OTEL_RESOURCE_ATTRIBUTES"] = ",".join([*about, *others])
    if whole["OTEL_LOGS_EXPORTER"].strip().lower() == "none":
        # Else every line would be prepared for an exporter that is not there.
        whole.setdefault("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", "false")
    return whole


def start() -> None:
    """Starts the distro in this process. Call it once, after a fork: providers made before lose metrics."""
    # These need the variables, and some of them Django; neither is there when the master reads its configuration. And
    # one reads OTEL_PROPAGATORS as it is imported, and raises before chassis/otel.py has said what is wrong.
    from opentelemetry.instrumentation.auto_instrumentation import initialize
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk.trace import TracerProvider

    from . import instrumentation
    from .redaction import Redaction, redact_handlers

    instrumentation.shorten()
    initialize(swallow_exceptions=False)
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):  # a proxy, where the SDK is disabled
        provider.add_span_processor(Redaction())
    redact_handlers(each for each in logging.getLogger().handlers if isinstance(each, LoggingHandler))
