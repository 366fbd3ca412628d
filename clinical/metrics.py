"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

meter = metrics.get_meter(__package__)

link_verifications = meter.create_counter(
    "careway.link.verifications", unit="{link}", description="Links checked with the other service, by outcome."
)
patients_merged = meter.create_counter(
    "careway.patients.merged", unit="{patient}", description="Patients merged into another record."
)
