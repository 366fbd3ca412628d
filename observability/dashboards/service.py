"""What clients get, whether that is what was promised, and what a release has left to give."""

from __future__ import annotations

from observability.dashboards.calls import CALLS, STATUS
from observability.dashboards.panels import Dashboard, Query, bars, logs, row, stat, timeseries
from observability.dashboards.promql import (
    REQUESTS,
    burn_rate,
    firing,
    gauge,
    lines,
    quantile,
    quantiles,
    rate,
    recorded,
    share,
)

SERVED = "http_server_request_duration_seconds"
OUTCOMES = "careway_requests_total"
POOL = "db_client_connection"
BY_SERVICE = "{{service_name}}"
ANY = 'line_format "{{.severity_text}} {{.scope_name}} {{__line__}} {{.status}} {{.route}} {{.trace_id}}"'

AT_A_GLANCE = (
    stat(
        "Requests",
        "Requests a second but probes: high is load.",
        Query(rate(f"{SERVED}_count"), "requests"),
        unit="reqps",
    ),
    stat(
        "Failed share",
        "The share of requests answered with 5xx, a limit's 503 apart: high means that clients are turned away.",
        Query(share(rate(OUTCOMES, 'outcome="failed"'), rate(OUTCOMES)), "failed"),
        unit="percentunit",
        alert="CarewayAvailabilityBudgetBurn",
        steps=[(0.001, "orange"), (0.01, "red")],
    ),
    stat(
        "Alerts that fire",
        "More than 0 means that somebody is being told; Alerts, below, names them.",
        Query(firing(), "alerts"),
        steps=[(1, "red")],
    ),
    stat(
        "Requests that run",
        "As many as there are threads means that others wait for one.",
        Query(gauge("sum", "http_server_active_requests"), "running"),
    ),
)

FOR_CLIENTS = (
    row("What clients get"),
    timeseries(
        "Requests by route",
        "Requests a second of each route: a high line is where the load comes from.",
        Query(rate(f"{SERVED}_count", by="http_route"), "{{http_route}}"),
        unit="reqps",
    ),
    timeseries(
        "Errors by status",
        "Answers of 4xx and 5xx a second: many of 5xx are the service's fault, many of 4xx a client's.",
        Query(rate(f"{SERVED}_count", f'{STATUS}=~"[45].."', by=STATUS), "{{http_response_status_code}}"),
        unit="reqps",
        alert="CarewayAvailabilityBudgetBurn",
    ),
    timeseries(
        "Duration",
        "What half, 95 and 99 of a hundred requests take at most: high is slow, and a point leads to the trace of a request.",
        *quantiles(SERVED),
        unit="s",
        alert="CarewayLatencyBudgetBurn",
    ),
    timeseries(
        "Duration by route, p95",
        "A high line is the route that is slow; ingestion and exports take long in health, too.",
        Query(quantile(0.95, SERVED, by="http_route"), "{{http_route}}"),
        unit="s",
        alert="CarewayLatencyBudgetBurn",
    ),
    timeseries(
        "Outcomes",
        "Requests a second by what became of them: failed is 5xx, limited the 503 of the limit on ingestions, refused a 401.",
        Query(rate(OUTCOMES, by="api,outcome"), "{{api}} {{outcome}}"),
        unit="reqps",
        width=8,
    ),
    timeseries(
        "Requests that run, by method",
        "A line that climbs and does not fall again means that requests come sooner than they are answered.",
        Query(gauge("sum", "http_server_active_requests", by="http_request_method"), "{{http_request_method}}"),
        width=8,
    ),
    timeseries(
        "Tokens refused, by reason",
        "Refusals a second: many of one reason mean a client or an issuer that is set up wrong, or somebody who tries.",
        Query(rate("careway_authentication_refusals_total", by="reason"), "{{reason}}"),
        unit="ops",
        width=8,
        alert="CarewayKeySetStale",
    ),
    timeseries(
        "Requests by version",
        "Requests a second of each version: two lines for long mean a release that is half rolled out.",
        Query(rate(f"{SERVED}_count", by="service_version"), "{{service_version}}"),
        unit="reqps",
        width=24,
    ),
)

OBJECTIVES = (
    row("Objectives: recorded where the chart's rules are a ConfigMap or a PrometheusRule"),
    stat(
        "Objective",
        "The share of good requests that is promised: the higher, the less may fail.",
        Query(recorded("max", "careway:slo_objective:ratio", "service,slo"), "{{service}} {{slo}}"),
        unit="percentunit",
        decimals=2,
    ),
    stat(
        "Error budget that is left",
        "Below 0 means that more has failed in the period than is allowed; docs/slo.md says what then is decided.",
        Query(recorded("min", "careway:slo_error_budget_remaining:ratio", "service,slo"), "{{service}} {{slo}}"),
        unit="percentunit",
        decimals=2,
        first="red",
        steps=[(0, "orange"), (0.25, "green")],
    ),
    bars(
        "Alerts",
        "Each one that is here fires, and has a page of its name in docs/runbooks.",
        Query(firing("alertname,severity,namespace,release"), "{{alertname}} {{severity}} {{namespace}} {{release}}"),
        height=4,
        steps=[(1, "red")],
    ),
    timeseries(
        "Burn rate by window",
        "At 1 the budget lasts just as long as the period: both windows of a pair above 14.4 or 6 page, above 1 open a ticket.",
        Query(burn_rate(), "{{service}} {{slo}} {{window}}"),
        width=24,
        alert="CarewayAvailabilityBudgetBurn",
        steps=[(1, "yellow"), (6, "orange"), (14.4, "red")],
    ),
)

SATURATION = (
    row("Saturation"),
    timeseries(
        "Processors",
        "Processors in use: at the limit of the pods everything takes longer.",
        Query(rate("process_cpu_time_seconds_total", by="service_name"), BY_SERVICE),
        width=8,
    ),
    timeseries(
        "Memory",
        "Resident memory of all workers: what grows without end is killed at the pod's limit.",
        Query(gauge("sum", "process_memory_usage_bytes", by="service_name"), BY_SERVICE),
        unit="bytes",
        width=8,
    ),
    timeseries(
        "Threads",
        "Threads of all workers: a number that only grows is a leak.",
        Query(gauge("sum", "process_thread_count", by="service_name"), BY_SERVICE),
        width=8,
    ),
    timeseries(
        "Open files",
        "Open files and sockets of the worker that has most: at the limit of a process it takes no connection any more.",
        Query(gauge("max", "process_open_file_descriptor_count", by="service_name"), BY_SERVICE),
        width=8,
    ),
    timeseries(
        "Pools in use",
        "The share of the pools' connections that is in use: at 100 % threads wait for one.",
        Query(
            share(
                gauge("sum", f"{POOL}_count", 'db_client_connection_state="used"', by="service_name"),
                gauge("sum", f"{POOL}_max", by="service_name"),
            ),
            BY_SERVICE,
        ),
        unit="percentunit",
        width=8,
        steps=[(0.9, "red")],
    ),
    timeseries(
        "Threads that wait for a connection",
        "More than 0 for long means that statements are slow, or the pools too small.",
        Query(gauge("sum", f"{POOL}_pending_requests", by="service_name"), BY_SERVICE),
        width=8,
    ),
)

LINES = (
    row("Lines"),
    logs(
        "Request lines",
        "One line for each request: many in a row of one status are one cause; open one for its trace.",
        lines(*REQUESTS),
    ),
    logs(
        "All lines",
        "With a trace id above, all that both services said in it; many ERROR lines are a defect or a fault.",
        lines(ANY),
    ),
)

SERVICE = Dashboard(
    "service",
    "Careway: service",
    "What clients get, whether that is what was promised, and what a release has left to give.",
    (*AT_A_GLANCE, *FOR_CLIENTS, *OBJECTIVES, *CALLS, *SATURATION, *LINES),
)
