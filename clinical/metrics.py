"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

from chassis.instruments import Counter, Gauge

meter = metrics.get_meter(__package__)

link_verifications = Counter(
    meter,
    "careway.link.verifications",
    unit="{link}",
    description="Links checked with the other service, by outcome.",
    outcome=("verified", "pending", "rejected", "gone"),
)
links_pending = Gauge(
    meter,
    "careway.links.pending",
    unit="{link}",
    description="Links that the other service has not been asked about with success.",
)
links_pending_age = Gauge(
    meter, "careway.links.pending.age", unit="s", description="Age of the oldest pending link; 0 without one."
)
patients_merged = Counter(
    meter, "careway.patients.merged", unit="{patient}", description="Patients merged into another record."
)
