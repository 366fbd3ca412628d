"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

from chassis.instruments import Counter

meter = metrics.get_meter(__package__)

specimens_discarded = Counter(
    meter, "careway.specimens.discarded", unit="{specimen}", description="Specimens of which nothing is left."
)
