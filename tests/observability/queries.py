"""What the shipped dashboards ask of Prometheus and of Loki, as Grafana would ask it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "chart" / "files" / "dashboards"
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([a-z_]\w*))")
# All releases, and the intervals that Grafana would choose for an hour.
CHOSEN = {"namespace": ".*", "release": ".*", "trace": "", "__rate_interval": "1m", "__range": "1h", "__auto": "1m"}


@dataclass(frozen=True)
class Asked:
    dashboard: str
    panel: str
    source: str
    expr: str
    instant: bool
    exemplars: bool

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}"


def dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def asked() -> list[Asked]:
    return [
        Asked(
            name,
            panel["title"],
            target["datasource"]["type"],
            target["expr"],
            at_once(target),
            target.get("exemplar", False),
        )
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]


def at_once(target: dict[str, Any]) -> bool:
    """Whether it asks for the value of now: Loki's say by a type what Prometheus' say by a flag."""
    return bool(target.get("instant", target.get("queryType") == "instant"))


def filled(expression: str, **chosen: str) -> str:
    """With the variables' values in their places; an unknown one is a KeyError."""
    values = {**CHOSEN, **chosen}
    return VARIABLE.sub(lambda match: values[match[1] or match[2]], expression)
