"""The check of the doctor that this service adds: the other service answers it."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.checks import CheckMessage, Error, register

from chassis.examination import TAG

from .genomics_client import Unreachable, find_analysis

HINTS = {
    "identity": "It takes no token of this service: see CAREWAY_GENOMICS_TOKEN_FILE, and its CAREWAY_TRUSTED_ISSUERS.",
    "garbage": "Something else answers at CAREWAY_GENOMICS_URL.",
    "status": "It answers, but not well: see its own doctor.",
}


@register(TAG, deploy=True)
def genomics(**kwargs: Any) -> list[CheckMessage]:
    """It finds no analysis that was never made: so it is there, and takes this service's token and its organization."""
    try:
        find_analysis(uuid.uuid4(), organization="nobody")
    except Unreachable as error:
        hint = HINTS.get(
            error.reason, "See CAREWAY_GENOMICS_URL, and whether it runs. New links are pending meanwhile."
        )
        return [Error(f"Genomics could not be asked ({error.reason}).", hint=hint)]
    return []
