"""The closed shapes of the configurations in this folder: which keys there may be, and what each holds.

They hold what the files use and what a person is likely to add, and not all that the servers know: a key that is missing
here is added with its first use, and until then it is taken for a typo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = dict[str, Any]

TEXT: Shape = {"type": "string", "minLength": 1}
NUMBER: Shape = {"type": "integer", "minimum": 1}
SWITCH: Shape = {"type": "boolean"}
# A value of the environment stands for one of any type.
VARIABLE = r"^\$\{env:[A-Z_]+(:-[^}]*)?\}$"
DURATION: Shape = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$|" + VARIABLE}
ADDRESS: Shape = {"type": "string", "pattern": r"^[^ ]+:[0-9]+$"}
URL: Shape = {"type": "string", "pattern": r"^(https?://|\$\{env:)[^ ]+$"}
PORT: Shape = {"type": "integer", "minimum": 1, "maximum": 65535}
LABEL_NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"


def closed(members: Mapping[str, Any], *required: str) -> Shape:
    """These members and no others."""
    return {"type": "object", "properties": dict(members), "required": list(required), "additionalProperties": False}


def listed(each: Shape) -> Shape:
    return {"type": "array", "items": each, "minItems": 1}


def switch_or_variable() -> Shape:
    return {"anyOf": [SWITCH, {"type": "string", "pattern": VARIABLE}]}


TEXTS = listed(TEXT)
LABELS: Shape = {"type": "object", "propertyNames": {"pattern": LABEL_NAME}, "additionalProperties": {"type": "string"}}
HTTP = closed({"endpoint": ADDRESS}, "endpoint")
TELEMETRY = closed(
    {
        "logs": closed({"level": {"enum": ["debug", "info", "warn", "error"]}}),
        "metrics": closed(
            {
                "level": {"enum": ["none", "basic", "normal", "detailed"]},
                "readers": listed(
                    closed({"pull": closed({"exporter": closed({"prometheus": closed({"host": TEXT, "port": PORT})})})})
                ),
            }
        ),
    }
)

# --- The collector: a shape for each type of component --------------------------------------------------------------------

RETRY = closed(
    {"enabled": SWITCH, "initial_interval": DURATION, "max_interval": DURATION, "max_elapsed_time": DURATION}
)
QUEUE = closed({"enabled": SWITCH, "num_consumers": NUMBER, "queue_size": NUMBER, "storage": TEXT})
STATEMENTS = listed(closed({"context": TEXT, "statements": TEXTS, "conditions": TEXTS}, "context", "statements"))
OTLP_OUT = closed(
    {
        "endpoint": URL,
        "headers": {"type": "object", "additionalProperties": TEXT},
        "tls": closed({"insecure": SWITCH, "ca_file": TEXT, "cert_file": TEXT, "key_file": TEXT}),
        "timeout": DURATION,
        "retry_on_failure": RETRY,
        "sending_queue": QUEUE,
    },
    "endpoint",
)
AWS = {"region": TEXT, "endpoint": URL, "role_arn": TEXT, "max_retries": NUMBER}
POLICIES = {
    "status_code": closed({"status_codes": listed({"enum": ["OK", "ERROR", "UNSET"]})}, "status_codes"),
    "latency": closed({"threshold_ms": NUMBER, "upper_threshold_ms": NUMBER}, "threshold_ms"),
    "probabilistic": closed(
        {"sampling_percentage": {"type": "number", "exclusiveMinimum": 0, "maximum": 100}, "hash_salt": TEXT},
        "sampling_percentage",
    ),
}
POLICY: Shape = closed({"name": TEXT, "type": {"enum": [*POLICIES]}, **POLICIES}, "name", "type") | {
    "allOf": [{"if": {"properties": {"type": {"const": each}}}, "then": {"required": [each]}} for each in POLICIES]
}
SOURCE = closed({"from": {"enum": ["connection", "resource_attribute"]}, "name": TEXT}, "from")

# The days that CloudWatch Logs takes, and no others.
RETENTION: Shape = {
    "enum": [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ]
}  # fmt: skip

COMPONENTS: dict[str, dict[str, Shape]] = {
    "extensions": {"health_check": closed({"endpoint": ADDRESS, "path": TEXT}, "endpoint")},
    "receivers": {"otlp": closed({"protocols": closed({"http": HTTP, "grpc": HTTP})}, "protocols")},
    "processors": {
        "memory_limiter": closed(
            {"check_interval": DURATION, "limit_mib": NUMBER, "spike_limit_mib": NUMBER}, "check_interval", "limit_mib"
        ),
        "k8s_attributes": closed(
            {
                "passthrough": switch_or_variable(),
                "auth_type": {"enum": ["serviceAccount", "kubeConfig"]},
                "extract": closed({"metadata": TEXTS}),
                "pod_association": listed(closed({"sources": listed(SOURCE)}, "sources")),
            }
        ),
        "transform": closed(
            {
                "error_mode": {"enum": ["propagate", "ignore", "silent"]},
                **{f"{each}_statements": STATEMENTS for each in ("trace", "metric", "log")},
            },
            "error_mode",
        ),
        "tail_sampling": closed(
            {
                "decision_wait": DURATION,
                "num_traces": NUMBER,
                "expected_new_traces_per_sec": NUMBER,
                "decision_cache": closed({"sampled_cache_size": NUMBER, "non_sampled_cache_size": NUMBER}),
                "policies": listed(POLICY),
            },
            "policies",
        ),
        "batch": closed({"timeout": DURATION, "send_batch_size": NUMBER, "send_batch_max_size": NUMBER}),
    },
    "exporters": {
        "otlp_http": OTLP_OUT,
        "awsemf": closed(
            {
                **AWS,
                "namespace": TEXT,
                "log_group_name": TEXT,
                "log_stream_name": TEXT,
                "log_retention": RETENTION,
                "resource_to_telemetry_conversion": closed({"enabled": SWITCH}, "enabled"),
                "dimension_rollup_option": {
                    "enum": ["NoDimensionRollup", "SingleDimensionRollupOnly", "ZeroAndSingleDimensionRollup"]
                },
                "metric_declarations": listed(
                    closed({"metric_name_selectors": TEXTS, "dimensions": listed(TEXTS)}, "metric_name_selectors")
                ),
            },
            "region", "namespace",
        ),
        "awscloudwatchlogs": closed(
            {
                **AWS,
                "log_group_name": TEXT,
                "log_stream_name": TEXT,
                "log_retention": RETENTION,
                "retry_on_failure": RETRY,
                "sending_queue": QUEUE,
            },
            "log_group_name", "log_stream_name",
        ),
        "awsxray": closed({**AWS, "indexed_attributes": TEXTS, "index_all_attributes": SWITCH}),
    },
}  # fmt: skip
# Jaeger 2 is built as a collector is, of components of its own.
MEMORY = closed({"max_traces": NUMBER}, "max_traces")
JAEGER_COMPONENTS: dict[str, dict[str, Shape]] = {
    "extensions": {
        "healthcheckv2": closed({"use_v2": SWITCH, "http": HTTP}, "http"),
        "jaeger_storage": closed(
            {"backends": {"type": "object", "additionalProperties": closed({"memory": MEMORY}, "memory")}}, "backends"
        ),
        "jaeger_query": closed({"storage": closed({"traces": TEXT}, "traces"), "http": HTTP, "grpc": HTTP}, "storage"),
    },
    "receivers": COMPONENTS["receivers"],
    "exporters": {"jaeger_storage_exporter": closed({"trace_storage": TEXT}, "trace_storage")},
}
KINDS = ("extensions", "receivers", "processors", "exporters", "connectors")
PIPELINE = closed({"receivers": TEXTS, "processors": TEXTS, "exporters": TEXTS}, "receivers", "exporters")
# Only the frame: what is in a component is held to the shape of its type.
COLLECTOR = closed(
    {
        **{key: {"type": "object"} for key in KINDS},
        "service": closed(
            {
                "extensions": TEXTS,
                "pipelines": {
                    "type": "object",
                    "propertyNames": {"pattern": "^(traces|metrics|logs)(/.+)?$"},
                    "additionalProperties": PIPELINE,
                },
                "telemetry": TELEMETRY,
            },
            "pipelines",
        ),
    },
    "service",
)
