"""The shapes that dashboards and panels come in, as Grafana's JSON: stat, bars, timeseries, logs, and the row above them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]
Steps = Sequence[tuple[float, str]]

# Of Grafana 11.6 and 12.0; later ones read it and bring it up to their own.
SCHEMA = 41
WIDTH = 24
# The two sources, by the variable that chooses each.
SOURCES = {
    "datasource": {"type": "prometheus", "uid": "${datasource}"},
    "logs": {"type": "loki", "uid": "${logs}"},
}


@dataclass(frozen=True)
class Query:
    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel.

    `says` is what a high value means, and `alert` the page in docs/runbooks for when it rings. A value has the colour
    `first`, and from each of `steps` on that one's. `words` are shown in place of a value. Without `decimals` Grafana chooses
    them: it shows a count that Prometheus extrapolated as a fraction, and 99.95 % as 100.0 %.
    """

    kind: str
    title: str
    says: str
    queries: tuple[Query, ...] = ()
    unit: str = "short"
    decimals: int | None = None
    width: int = 12
    height: int = 8
    alert: str = ""
    source: str = "datasource"
    first: str = "green"
    steps: Steps = ()
    words: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    drawn: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> JSON:
        """Everything but its number and its place, which only its neighbours decide."""
        written: JSON = {"type": self.kind, "title": self.title}
        if self.kind == "row":
            return {**written, "collapsed": False, "panels": []}
        runbook = f" Runbook: {self.alert}." if self.alert else ""
        return {
            **written,
            "description": self.says + runbook,
            "datasource": SOURCES[self.source],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": dict(self.options),
            "targets": [self._target(*each) for each in zip(string.ascii_uppercase, self.queries, strict=False)],
        }

    def _defaults(self) -> JSON:
        if self.kind == "logs":
            return {}
        steps: list[JSON] = [{"color": self.first, "value": None}]
        steps += [{"color": color, "value": value} for value, color in self.steps]
        defaults: JSON = {
            "unit": self.unit,
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
            "thresholds": {"mode": "absolute", "steps": steps},
        }
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.words:
            options = {value: {"text": text, "index": place} for place, (value, text) in enumerate(self.words.items())}
            defaults["mappings"] = [{"type": "value", "options": options}]
        if self.kind == "timeseries":
            defaults |= {"min": 0, "custom": dict(self.drawn)}
        return defaults

    def _target(self, letter: str, query: Query) -> JSON:
        target = {"refId": letter, "datasource": SOURCES[self.source], "expr": query.expr, "editorMode": "code"}
        kind = "instant" if self.kind in {"stat", "bargauge"} else "range"
        if self.source == "logs":
            return {**target, "queryType": kind, "legendFormat": query.legend}
        now = kind == "instant"
        return {
            **target,
            "instant": now,
            "range": not now,
            "exemplar": query.exemplars,
            "legendFormat": query.legend or "__auto",
        }


LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def row(title: str) -> Panel:
    return Panel("row", title, "", width=WIDTH, height=1)


def stat(title: str, says: str, *queries: Query, **rest: Any) -> Panel:
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": LATEST,
        "textMode": "auto",
        "wideLayout": True,
    }
    return Panel("stat", title, says, queries, **{"width": 6, "height": 4, "options": options, **rest})


def bars(title: str, says: str, *queries: Query, **rest: Any) -> Panel:
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "reduceOptions": LATEST,
        "showUnfilled": True,
        "valueMode": "color",
        "namePlacement": "auto",
    }
    return Panel("bargauge", title, says, queries, **{"options": options, **rest})


def timeseries(title: str, says: str, *queries: Query, **rest: Any) -> Panel:
    options = {
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    drawn = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 10,
        "showPoints": "never",
        "spanNulls": False,
        # A threshold is drawn where there is one to compare with.
        "thresholdsStyle": {"mode": "dashed" if rest.get("steps") else "off"},
    }
    return Panel("timeseries", title, says, queries, **{"options": options, "drawn": drawn, **rest})


def logs(title: str, says: str, query: str, **rest: Any) -> Panel:
    options = {
        "showTime": True,
        "showLabels": False,
        "showCommonLabels": False,
        "wrapLogMessage": False,
        "prettifyLogMessage": False,
        "enableLogDetails": True,
        "sortOrder": "Descending",
        "dedupStrategy": "none",
    }
    return Panel("logs", title, says, (Query(query),), source="logs", options=options, **{"width": WIDTH, **rest})


def laid_out(panels: Iterable[Panel]) -> list[JSON]:
    """From left to right, and below what is there once a line is full."""
    written: list[JSON] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        written.append({"id": number, "gridPos": place, **panel.written()})
        x, tallest = x + panel.width, max(tallest, panel.height)
    return written


DASHBOARDS: JSON = {
    "type": "dashboards",
    "title": "Careway",
    "tags": ["careway"],
    "asDropdown": True,  # each release brings its own
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}


def _source(name: str, label: str, plugin: str) -> JSON:
    return {"type": "datasource", "name": name, "label": label, "query": plugin, "refresh": 1, "regex": "", "hide": 0}


def _choice(name: str, label: str, query: str) -> JSON:
    """All is `.*` instead of the names that were found: it also matches series without the label."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCES["datasource"],
        "query": {"qryType": 1, "query": query, "refId": name},
        "definition": query,
        "includeAll": True,
        "allValue": ".*",
        "multi": False,
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,  # also when another time is chosen: a release may have gone since
        "sort": 1,
        "regex": "",
        "hide": 0,
    }


VARIABLES: list[JSON] = [
    _source("datasource", "Metrics", "prometheus"),
    _source("logs", "Logs", "loki"),
    _choice("namespace", "Namespace", "label_values(careway_requests_total, k8s_namespace_name)"),
    _choice(
        "release",
        "Release",
        'label_values(careway_requests_total{k8s_namespace_name=~"$namespace"}, k8s_deployment_name)',
    ),
    {
        "type": "textbox",
        "name": "trace",
        "label": "Trace id",
        "description": "The log lines of this trace alone.",
        "query": "",
        "current": {"text": "", "value": ""},
        "hide": 0,
    },
]


@dataclass(frozen=True)
class Dashboard:
    name: str
    title: str
    says: str
    panels: Sequence[Panel]

    def written(self) -> JSON:
        return {
            "id": None,
            "uid": f"careway-{self.name}",
            "title": self.title,
            "description": self.says,
            "tags": ["careway"],
            "schemaVersion": SCHEMA,
            "editable": False,
            "graphTooltip": 1,  # one crosshair over all panels
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "annotations": {"list": []},
            "links": [DASHBOARDS],
            "templating": {"list": VARIABLES},
            "panels": laid_out(self.panels),
        }
