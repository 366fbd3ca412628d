"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

meter = metrics.get_meter(__package__)

specimens_discarded = meter.create_counter(
    "careway.specimens.discarded", unit="{specimen}", description="Specimens of which nothing is left."
)
