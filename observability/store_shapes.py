"""The closed shapes of the stores' configurations: Prometheus and its rules, Alertmanager, Loki, and what Grafana is given."""

from __future__ import annotations

from .shapes import ADDRESS, DURATION, LABELS, NUMBER, PORT, SWITCH, TEXT, TEXTS, URL, closed, listed

TARGETS = listed(closed({"targets": listed(ADDRESS), "labels": LABELS}, "targets"))
PROMETHEUS = closed(
    {
        "global": closed(
            {"scrape_interval": DURATION, "scrape_timeout": DURATION, "evaluation_interval": DURATION, "external_labels": LABELS}
        ),
        "otlp": closed({"promote_resource_attributes": TEXTS, "keep_identifying_resource_attributes": SWITCH}),
        "storage": closed(
            {
                "tsdb": closed({"out_of_order_time_window": DURATION, "retention": closed({"time": DURATION})}),
                "exemplars": closed({"max_exemplars": NUMBER}),
            }
        ),
        "rule_files": TEXTS,
        "alerting": closed({"alertmanagers": listed(closed({"static_configs": TARGETS}, "static_configs"))}, "alertmanagers"),
        "scrape_configs": listed(
            closed(
                {"job_name": TEXT, "metrics_path": TEXT, "scrape_interval": DURATION, "static_configs": TARGETS},
                "job_name", "static_configs",
            )
        ),
    }
)  # fmt: skip
RULES = closed(
    {
        "groups": listed(
            closed(
                {
                    "name": TEXT,
                    "interval": DURATION,
                    "limit": NUMBER,
                    "labels": LABELS,
                    "rules": listed(
                        {
                            # By what it is, so that a fault names one key and not two shapes.
                            "if": {"required": ["record"]},
                            "then": closed(
                                {
                                    "record": {"type": "string", "pattern": "^[a-zA-Z_:][a-zA-Z0-9_:]*$"},
                                    "expr": {"type": ["string", "number"]},
                                    "labels": LABELS,
                                },
                                "record", "expr",
                            ),
                            "else": closed(
                                {
                                    "alert": TEXT,
                                    "expr": {"type": ["string", "number"]},
                                    "for": DURATION,
                                    "keep_firing_for": DURATION,
                                    "labels": LABELS,
                                    "annotations": LABELS,
                                },
                                "alert", "expr",
                            ),
                        }
                    ),
                },
                "name", "rules",
            )
        )
    },
    "groups",
)  # fmt: skip
MATCHERS = listed({"type": "string", "pattern": r'^[a-zA-Z_][a-zA-Z0-9_]* *(=|!=|=~|!~) *"[^"]*"$'})
ROUTE = {
    "receiver": TEXT,
    "matchers": MATCHERS,
    "group_by": TEXTS,
    "group_wait": DURATION,
    "group_interval": DURATION,
    "repeat_interval": DURATION,
    "continue": SWITCH,
    "routes": listed({"$ref": "#/$defs/route"}),
    "mute_time_intervals": TEXTS,
    "active_time_intervals": TEXTS,
}
# What a person puts in place of our webhooks has many keys, and amtool knows them.
NOTIFIERS = {
    f"{each}_configs": listed({"type": "object"}) for each in ("email", "msteams", "opsgenie", "pagerduty", "slack")
}
WEBHOOK = closed(
    {"url": URL, "url_file": TEXT, "send_resolved": SWITCH, "max_alerts": NUMBER, "http_config": {"type": "object"}}
)
ALERTMANAGER = closed(
    {
        "global": {"type": "object"},
        "templates": TEXTS,
        "route": closed(ROUTE, "receiver"),
        "inhibit_rules": listed(
            closed(
                {"source_matchers": MATCHERS, "target_matchers": MATCHERS, "equal": TEXTS}, "source_matchers", "target_matchers"
            )
        ),
        "receivers": listed(closed({"name": TEXT, "webhook_configs": listed(WEBHOOK), **NOTIFIERS}, "name")),
        "time_intervals": listed({"type": "object"}),
    },
    "route", "receivers",
) | {"$defs": {"route": closed(ROUTE)}}  # fmt: skip

# --- Loki and Grafana -----------------------------------------------------------------------------------------------------

LOKI = closed(
    {
        "auth_enabled": SWITCH,
        "analytics": closed({"reporting_enabled": SWITCH}),
        "server": closed(
            {
                "http_listen_address": TEXT,
                "http_listen_port": PORT,
                "grpc_listen_address": TEXT,
                "grpc_listen_port": PORT,
                "log_level": {"enum": ["debug", "info", "warn", "error"]},
            }
        ),
        "common": closed(
            {
                "instance_addr": TEXT,
                "path_prefix": TEXT,
                "replication_factor": NUMBER,
                "ring": closed({"kvstore": closed({"store": {"enum": ["inmemory", "memberlist"]}}, "store")}),
                "storage": closed({"filesystem": closed({"chunks_directory": TEXT, "rules_directory": TEXT})}),
            }
        ),
        "ingester": closed({"lifecycler": closed({"min_ready_duration": DURATION})}),
        "schema_config": closed(
            {
                "configs": listed(
                    closed(
                        {
                            "from": {},  # YAML reads a date
                            "store": {"const": "tsdb"},
                            "object_store": TEXT,
                            "schema": {"const": "v13"},
                            "index": closed({"prefix": TEXT, "period": DURATION}, "period"),
                        },
                        "from", "store", "object_store", "schema", "index",
                    )
                )
            },
            "configs",
        ),
        "distributor": closed({"otlp_config": closed({"default_resource_attributes_as_index_labels": TEXTS})}),
        "limits_config": closed(
            {
                "allow_structured_metadata": SWITCH,
                "max_structured_metadata_size": {"type": "string", "pattern": "^[0-9]+[KM]B$"},
                "retention_period": DURATION,
            }
        ),
    },
    "schema_config",
)  # fmt: skip
TRACES_TO_LOGS = closed(
    {
        "datasourceUid": TEXT,
        "spanStartTimeShift": TEXT,
        "spanEndTimeShift": TEXT,
        "filterByTraceID": SWITCH,
        "filterBySpanID": SWITCH,
        "customQuery": SWITCH,
        "query": TEXT,
    },
    "datasourceUid",
)
DERIVED = closed(
    {
        "name": TEXT,
        "matcherType": {"enum": ["label", "regex"]},
        "matcherRegex": TEXT,
        "datasourceUid": TEXT,
        "url": TEXT,
        "urlDisplayLabel": TEXT,
    },
    "name", "matcherRegex",
)  # fmt: skip
DATASOURCES = closed(
    {
        "apiVersion": {"const": 1},
        "datasources": listed(
            closed(
                {
                    "name": TEXT,
                    "uid": TEXT,
                    "type": {"enum": ["prometheus", "loki", "jaeger"]},
                    "access": {"enum": ["proxy"]},
                    "url": URL,
                    "isDefault": SWITCH,
                    "jsonData": closed(
                        {
                            "httpMethod": {"enum": ["GET", "POST"]},
                            "timeInterval": DURATION,
                            # No datasourceUid: what Grafana makes of it only Tempo understands.
                            "exemplarTraceIdDestinations": listed(
                                closed({"name": TEXT, "url": TEXT, "urlDisplayLabel": TEXT}, "name", "url")
                            ),
                            "derivedFields": listed(DERIVED),
                            "tracesToLogsV2": TRACES_TO_LOGS,
                        }
                    ),
                },
                "name", "uid", "type", "url",
            )
        ),
    },
    "apiVersion", "datasources",
)  # fmt: skip
PROVIDERS = closed(
    {
        "apiVersion": {"const": 1},
        "providers": listed(
            closed(
                {
                    "name": TEXT,
                    "folder": TEXT,
                    "type": {"const": "file"},
                    "allowUiUpdates": SWITCH,
                    "disableDeletion": SWITCH,
                    "options": closed({"path": TEXT}, "path"),
                },
                "name", "type", "options",
            )
        ),
    },
    "apiVersion", "providers",
)  # fmt: skip
