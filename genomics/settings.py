"""What this service alone is set by. config/settings.py reads it when the service is served; its own document explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.environment import Environment


def read(env: Environment, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name; `given` holds those of the house."""
    return {
        "INGESTIONS_PER_PROCESS": env.integer(
            "CAREWAY_INGESTIONS_PER_PROCESS", default=2, minimum=1, maximum=given["THREADS"]
        ),
        "INGESTION_SECONDS": env.integer("CAREWAY_INGESTION_SECONDS", default=3600, minimum=10, maximum=86_400),
        "INGESTION_MINIMUM_BYTES_PER_SECOND": env.integer(
            "CAREWAY_INGESTION_MINIMUM_BYTES_PER_SECOND", default=1024, minimum=1, maximum=1_000_000_000
        ),
        "VCF_LINE_BYTES": env.integer("CAREWAY_VCF_LINE_BYTES", default=1_000_000, minimum=10_000, maximum=16_000_000),
        "VCF_EXPANDED_BYTES": env.integer(
            "CAREWAY_VCF_EXPANDED_BYTES", default=64 * 1024**3, minimum=1_000_000, maximum=1024**4
        ),
        "VCF_EXPANSION_RATIO": env.integer("CAREWAY_VCF_EXPANSION_RATIO", default=250, minimum=10, maximum=1100),
    }
