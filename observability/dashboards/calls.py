"""Panels that two dashboards have: what a service sees of the other one."""

from __future__ import annotations

from observability.dashboards.panels import Query, row, timeseries
from observability.dashboards.promql import quantiles, rate, share

CALLED = "http_client_request_duration_seconds"
STATUS = "http_response_status_code"

CALLS = (
    row("Calls to the other service"),
    timeseries(
        "Calls by status",
        "Requests to the other service a second: many of 5xx, or without an answer, mean that it fails or is out of reach.",
        Query(rate(f"{CALLED}_count", f'{STATUS}!=""', by=STATUS), "{{http_response_status_code}}"),
        Query(rate(f"{CALLED}_count", f'{STATUS}=""', by="error_type"), "no answer: {{error_type}}"),
        unit="reqps",
        width=8,
    ),
    timeseries(
        "Failed share of the calls",
        "High means that links stay pending, since the other service cannot be asked.",
        Query(share(rate(f"{CALLED}_count", f'{STATUS}!~"[234].."'), rate(f"{CALLED}_count")), "failed"),
        unit="percentunit",
        width=8,
        alert="CarewayLinksPending",
        steps=[(0.1, "red")],
    ),
    timeseries(
        "Duration of the calls",
        "High means that the other service, or the way to it, is slow; whoever makes a link waits for it.",
        *quantiles(CALLED),
        unit="s",
        width=8,
    ),
)
