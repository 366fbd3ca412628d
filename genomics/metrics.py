"""Instruments of this service: name, unit, description, in one place."""

from opentelemetry import metrics

from chassis.instruments import Counter

meter = metrics.get_meter(__package__)

ingestions = Counter(
    meter,
    "careway.ingestions",
    unit="{file}",
    description="VCF files that were sent, by outcome.",
    outcome=("stored", "repeated", "refused", "failed"),
)
variants_ingested = Counter(
    meter, "careway.variants.ingested", unit="{variant}", description="Variants stored from VCF files."
)
ingestion_duration = meter.create_histogram(
    "careway.ingestion.duration",
    unit="s",
    description="Time of a VCF file from its first byte to its last rule, by outcome.",
    # The SDK's own begin at five seconds, and end at three hours.
    explicit_bucket_boundaries_advisory=[0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
)
reports_signed = Counter(
    meter,
    "careway.reports.signed",
    unit="{report}",
    description="Reports signed, by resulting status.",
    status=("final", "amended", "corrected"),
)
