"""VCF files: what becomes of them, how long that takes, and who was told to come back later."""

from __future__ import annotations

from observability.dashboards.calls import STATUS
from observability.dashboards.panels import Dashboard, Query, logs, row, stat, timeseries
from observability.dashboards.promql import REQUESTS, gauge, increase, lines, quantile, quantiles, rate, share

FILES = "careway_ingestions_total"
TAKEN = "careway_ingestion_duration_seconds"
UPLOAD = 'http_route=~".+/vcf",http_request_method="PUT"'

AT_A_GLANCE = (
    stat(
        "Files stored",
        "Files stored in the time that is shown: high is load.",
        Query(increase(FILES, 'outcome="stored"'), "stored"),
        decimals=0,
    ),
    stat(
        "Variants stored",
        "Variants stored in the time that is shown: high is load, and disk.",
        Query(increase("careway_variants_ingested_total"), "variants"),
        decimals=0,
    ),
    stat(
        "Failed share of the files",
        "The share that failed by no fault of the file: high means that analyses wait for their variants.",
        Query(share(increase(FILES, 'outcome="failed"'), increase(FILES)), "failed"),
        unit="percentunit",
        alert="CarewayIngestionFailing",
        steps=[(0.01, "orange"), (0.1, "red")],
    ),
    stat(
        "Files turned away",
        "Files told to come back later, since as many as a process takes at once were under way: many mean too few processes.",
        Query(increase("careway_requests_total", 'outcome="limited"'), "limited"),
        decimals=0,
        steps=[(1, "orange")],
    ),
)

FLOW = (
    row("Files and variants"),
    timeseries(
        "Files by outcome",
        "Files a second: many refused are a laboratory's export gone wrong, any failed are ours.",
        Query(rate(FILES, by="outcome"), "{{outcome}}"),
        unit="ops",
        alert="CarewayIngestionFailing",
    ),
    timeseries(
        "Variants",
        "Variants stored a second: high is what the database can take; low during a long file, that something slows it.",
        Query(rate("careway_variants_ingested_total", by="service_name"), "{{service_name}}"),
        unit="ops",
    ),
    timeseries(
        "Duration of stored files",
        "What half, 95 and 99 of a hundred files take at most: high is large files, slow senders or a busy database.",
        *quantiles(TAKEN, 'outcome="stored"'),
        unit="s",
    ),
    timeseries(
        "Duration by outcome, p95",
        "Refused or failed files that take long were found out late, and will be sent again.",
        Query(quantile(0.95, TAKEN, by="outcome"), "{{outcome}}"),
        unit="s",
    ),
    timeseries(
        "Failed share",
        "The share of files that failed by no fault of their own: high means that analyses wait for their variants.",
        Query(share(rate(FILES, 'outcome="failed"'), rate(FILES)), "failed"),
        unit="percentunit",
        alert="CarewayIngestionFailing",
        steps=[(0.1, "red")],
    ),
    timeseries(
        "Files turned away, by limit",
        "Answers of 503 a second by the limit on ingestions: senders repeat them, so high means delay, not loss.",
        Query(rate("careway_requests_total", 'outcome="limited"', by="api"), "{{api}}"),
        unit="reqps",
    ),
)

UPLOADS = (
    row("Uploads"),
    timeseries(
        "Uploads by status",
        "Answers to uploads a second: many of 4xx are refused files, 5xx are ours.",
        Query(rate("http_server_request_duration_seconds_count", UPLOAD, by=STATUS), "{{http_response_status_code}}"),
        unit="reqps",
    ),
    timeseries(
        "Uploads that run",
        "As many as all processes take at once means that the next one is turned away.",
        Query(gauge("sum", "http_server_active_requests", 'http_request_method="PUT"'), "running"),
    ),
    logs(
        "Upload lines",
        "One line for each upload: many of one status in a row are one cause; open one for its trace.",
        lines(REQUESTS[0], 'route=~".+/vcf"', REQUESTS[1]),
    ),
)

INGESTION = Dashboard(
    "ingestion",
    "Careway: ingestion",
    "VCF files: what becomes of them, how long that takes, and who was told to come back later.",
    (*AT_A_GLANCE, *FLOW, *UPLOADS),
)
