"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

meter = metrics.get_meter(__package__)

variants_ingested = meter.create_counter(
    "careway.variants.ingested", unit="{variant}", description="Variants stored from VCF files."
)
ingestion_duration = meter.create_histogram(
    "careway.ingestion.duration",
    unit="s",
    description="Time of a VCF file from its first byte to its last rule, by outcome.",
)
reports_signed = meter.create_counter(
    "careway.reports.signed", unit="{report}", description="Reports signed, by resulting status."
)
