"""What this service alone is set by: nothing. A service of the product reads its variables here, for config/settings.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.environment import Environment


def read(env: Environment, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name; `given` holds those of the house."""
    return {}
