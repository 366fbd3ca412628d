"""What this service alone is set by. config/settings.py reads it when the service is served; its own document explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.development import keep_service_token
from chassis.environment import Environment


def read(env: Environment, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name; `given` holds those of the house."""
    development = given["DEVELOPMENT"]
    # In development one process serves both, and asks itself.
    url = f"http://127.0.0.1:{given['PORT']}" if development else None
    token_file = given["STATE"] / f"{__package__}-token" if development else None
    settings = {
        "GENOMICS_URL": env.service_url(
            "CAREWAY_GENOMICS_URL", "Where this service finds genomics.", default=url, shown="required"
        ),
        "GENOMICS_TOKEN_FILE": env.absolute_path(
            "CAREWAY_GENOMICS_TOKEN_FILE",
            "This service's own token for genomics: see"
            " [calls between services](operating.md#calls-between-services). Read for every call.",
            default=token_file,
            shown="required",
        ),
    }
    if token_file and settings["GENOMICS_TOKEN_FILE"] == token_file:
        keep_service_token(token_file, key=given["DEVELOPMENT_KEY"], subject=__package__, scopes=["genomics:read"])
    return settings
