"""PostgreSQL as the services see it, and what expires: certificates and the issuers' keys."""

from __future__ import annotations

from observability.dashboards.panels import Dashboard, Query, row, stat, timeseries
from observability.dashboards.promql import (
    counted_lines,
    gauge,
    or_zero,
    quantile,
    quantiles,
    rate,
    series,
    share,
)

STATEMENTS = "db_client_operation_duration_seconds"
ROWS = "db_client_response_returned_rows"
POOL = "db_client_connection"
BY_SERVICE = "{{service_name}}"
ABOUT = 'scope_name=~"chassis.postgresql.*|psycopg.*|chassis.problems"'

AT_A_GLANCE = (
    stat(
        "Reachable",
        "1 means that every worker reaches its database; 0 that one does not, or says nothing.",
        Query(gauge("min", "careway_database_reachable", by="service_name"), BY_SERVICE),
        alert="CarewayDatabaseUnreachable",
        first="red",
        steps=[(1, "green")],
        words={"1": "yes", "0": "no"},
    ),
    stat(
        "Connections of the limit",
        "The share of the connections that the nearest limit allows: at 100 % no worker gets another one.",
        Query(
            share(
                gauge("max", "careway_database_connections", by="service_name"),
                gauge("min", "careway_database_connections_limit", by="service_name"),
            ),
            BY_SERVICE,
        ),
        unit="percentunit",
        alert="CarewayDatabaseConnectionsNearLimit",
        steps=[(0.6, "orange"), (0.8, "red")],
    ),
    stat(
        "Migrations pending",
        "More than 0 means that a new version waits for its tables.",
        Query(gauge("max", "careway_migrations_pending", by="service_name"), BY_SERVICE),
        alert="CarewayMigrationsPending",
        steps=[(1, "red")],
    ),
    stat(
        "The authority's certificate ends in",
        "High is good: less than 30 days are left when it turns red, and at its end nobody connects any more.",
        Query(or_zero(f"(min({series('careway_certificate_expiry_seconds')}) - time())"), "left"),
        unit="s",
        alert="CarewayCertificateExpiring",
        first="red",
        steps=[(30 * 86400, "green")],
        words={"0": "no file"},
    ),
)

CONNECTIONS = (
    row("Connections"),
    timeseries(
        "Connections under the nearest limit",
        "Connections as the server counts them: high means many workers, or connections that somebody else holds.",
        Query(gauge("max", "careway_database_connections", by="service_name"), BY_SERVICE),
        Query(gauge("min", "careway_database_connections_limit", by="service_name"), "limit of {{service_name}}"),
        alert="CarewayDatabaseConnectionsNearLimit",
        width=8,
    ),
    timeseries(
        "Pools",
        "Connections of all pools by state: used close to the most that they may have means that threads wait.",
        Query(gauge("sum", f"{POOL}_count", by=f"{POOL}_state"), "{{db_client_connection_state}}"),
        Query(gauge("sum", f"{POOL}_max"), "at most"),
        width=8,
    ),
    timeseries(
        "Threads that wait for a connection",
        "More than 0 for long means that statements are slow, or the pools too small.",
        Query(gauge("sum", f"{POOL}_pending_requests", by="service_name"), BY_SERVICE),
        width=8,
    ),
    timeseries(
        "Waiting for a connection",
        "Seconds that threads waited, in each second: 1 is as much as one thread that does nothing else.",
        Query(rate("careway_pool_wait_seconds_total", by="service_name"), BY_SERVICE),
        unit="s",
    ),
    timeseries(
        "Threads that got none in time",
        "Any are requests that were answered 503.",
        Query(rate(f"{POOL}_timeouts_total", by="service_name"), BY_SERVICE),
        unit="ops",
        alert="CarewayDatabaseConnectionsNearLimit",
    ),
)

WORK = (
    row("Statements"),
    timeseries(
        "Statements by operation",
        "Statements a second: a line that climbs faster than the requests means that something asks too often.",
        Query(rate(f"{STATEMENTS}_count", by="db_operation_name"), "{{db_operation_name}}"),
        unit="ops",
        width=8,
    ),
    timeseries(
        "Duration",
        "What half, 95 and 99 of a hundred statements take at most: high is a busy server, a lock or a missing index.",
        *quantiles(STATEMENTS),
        unit="s",
        width=8,
        alert="CarewayLatencyBudgetBurn",
    ),
    timeseries(
        "Duration by operation, p95",
        "A high line is the kind of statement that is slow; COPY takes as long as its file.",
        Query(quantile(0.95, STATEMENTS, by="db_operation_name"), "{{db_operation_name}}"),
        unit="s",
        width=8,
    ),
    timeseries(
        "Rows by operation",
        "Rows returned a second: many for few requests mean that more is read than is shown.",
        Query(rate(f"{ROWS}_sum", by="db_operation_name"), "{{db_operation_name}}"),
        unit="ops",
        width=8,
    ),
    timeseries(
        "Statements that failed",
        "Errors a second by type: rules that refuse a write are errors too; high is a fault or a client that insists.",
        Query(rate(f"{STATEMENTS}_count", 'error_type!=""', by="error_type"), "{{error_type}}"),
        unit="ops",
        width=8,
    ),
    timeseries(
        "Lines about the database, by logger",
        "Log lines: any of the pool's are a database that was out of reach.",
        Query(counted_lines("scope_name", ABOUT), "{{scope_name}}"),
        width=8,
        source="logs",
        alert="CarewayDatabaseUnreachable",
    ),
)

EXPIRY = (
    row("Migrations and what expires"),
    timeseries(
        "Migrations pending, by service",
        "More than 0 for long means that the job that migrates has failed.",
        Query(gauge("max", "careway_migrations_pending", by="service_name"), BY_SERVICE),
        alert="CarewayMigrationsPending",
    ),
    timeseries(
        "Age of the key sets",
        "Seconds since an issuer's keys were last read: high means that its new keys are not known, and their tokens refused.",
        Query(gauge("max", "careway_key_set_age_seconds", by="issuer"), "{{issuer}}"),
        unit="s",
        alert="CarewayKeySetStale",
    ),
)

DATABASE = Dashboard(
    "database",
    "Careway: database",
    "PostgreSQL as the services see it, and what expires: certificates and the issuers' keys.",
    (*AT_A_GLANCE, *CONNECTIONS, *WORK, *EXPIRY),
)
