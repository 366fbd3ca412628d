"""What this service alone is set by. config/settings.py reads it when the service is served; its own document explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.environment import Environment


def read(env: Environment, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name; `given` holds those of the house."""
    return {
        "INGESTIONS_PER_PROCESS": env.integer(
            "CAREWAY_INGESTIONS_PER_PROCESS",
            "VCF files that a worker takes at once; more are 503.",
            default=2,
            minimum=1,
            maximum=given["THREADS"],
            bounds="1 to `CAREWAY_THREADS`",
        ),
        "INGESTION_SECONDS": env.integer(
            "CAREWAY_INGESTION_SECONDS", "How long one VCF file may take.", default=3600, minimum=10, maximum=86_400
        ),
        "INGESTION_MINIMUM_BYTES_PER_SECOND": env.integer(
            "CAREWAY_INGESTION_MINIMUM_BYTES_PER_SECOND",
            "The slowest average of a VCF file.",
            default=1024,
            minimum=1,
            maximum=1_000_000_000,
        ),
        "VCF_LINE_BYTES": env.integer(
            "CAREWAY_VCF_LINE_BYTES",
            "The longest line of a VCF file.",
            default=1_000_000,
            minimum=10_000,
            maximum=16_000_000,
        ),
        "VCF_EXPANDED_BYTES": env.integer(
            "CAREWAY_VCF_EXPANDED_BYTES",
            "The most text in a VCF file.",
            default=64 * 1024**3,
            minimum=1_000_000,
            maximum=1024**4,
        ),
        "VCF_EXPANSION_RATIO": env.integer(
            "CAREWAY_VCF_EXPANSION_RATIO",
            "The most text for each byte received.",
            default=250,
            minimum=10,
            maximum=1100,
        ),
    }
