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
ERROR_MODE: Shape = {"enum": ["propagate", "ignore", "silent"]}
STATEMENTS = listed(closed({"context": TEXT, "statements": TEXTS, "conditions": TEXTS}, "context", "statements"))
CLIENT = {
    "endpoint": URL,
    "auth": closed({"authenticator": TEXT}, "authenticator"),
    "headers": {"type": "object", "additionalProperties": TEXT},
    "tls": closed({"insecure": SWITCH, "ca_file": TEXT, "cert_file": TEXT, "key_file": TEXT}),
    "timeout": DURATION,
    "retry_on_failure": RETRY,
}
OTLP_OUT = closed({**CLIENT, "sending_queue": QUEUE}, "endpoint")
OF_RESOURCE = closed({"enabled": SWITCH}, "enabled")
# Units that CloudWatch knows, of those that an instrument of ours has.
CLOUDWATCH_UNIT: Shape = {"enum": ["Bytes", "Count", "Milliseconds", "None", "Percent", "Seconds"]}
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

COMPONENTS: dict[str, dict[str, Shape]] = {
    "extensions": {
        "health_check": closed({"endpoint": ADDRESS, "path": TEXT}, "endpoint"),
        "sigv4auth": closed({"region": TEXT, "service": TEXT, "assume_role": closed({"arn": TEXT}, "arn")}, "service"),
    },
    "receivers": {"otlp": closed({"protocols": closed({"http": HTTP, "grpc": HTTP})}, "protocols")},
    "processors": {
        "memory_limiter": closed(
            {"check_interval": DURATION, "limit_mib": NUMBER, "spike_limit_mib": NUMBER}, "check_interval", "limit_mib"
        ),
        "k8s_attributes": closed(
            {
                "passthrough": switch_or_variable(),
                "auth_type": {"enum": ["serviceAccount", "kubeConfig"]},
                "extract": closed({"metadata": TEXTS, "deployment_name_from_replicaset": SWITCH}),
                "pod_association": listed(closed({"sources": listed(SOURCE)}, "sources")),
            }
        ),
        "transform": closed(
            {
                "error_mode": ERROR_MODE,
                **{f"{each}_statements": STATEMENTS for each in ("trace", "metric", "log")},
            },
            "error_mode",
        ),
        "filter": closed(
            {
                "error_mode": ERROR_MODE,
                "traces": closed({"span": TEXTS}),
                "metrics": closed({"metric": TEXTS, "datapoint": TEXTS}),
                "logs": closed({"log_record": TEXTS}),
            },
            "error_mode",
        ),
        "cumulativetodelta": closed({"initial_value": {"enum": ["auto", "keep", "drop"]}, "max_staleness": DURATION}),
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
        "nop": closed({}),
        "otlp_http": OTLP_OUT,
        "prometheusremotewrite": closed(
            {
                **CLIENT,
                "external_labels": LABELS,
                "resource_to_telemetry_conversion": OF_RESOURCE,
                "remote_write_queue": closed({"enabled": SWITCH, "queue_size": NUMBER}),
            },
            "endpoint",
        ),
        "awsemf": closed(
            {
                **AWS,
                "namespace": TEXT,
                "log_group_name": TEXT,
                "log_stream_name": TEXT,
                "resource_to_telemetry_conversion": OF_RESOURCE,
                "dimension_rollup_option": {
                    "enum": ["NoDimensionRollup", "SingleDimensionRollupOnly", "ZeroAndSingleDimensionRollup"]
                },
                "metric_declarations": listed(
                    closed({"metric_name_selectors": TEXTS, "dimensions": listed(TEXTS)}, "metric_name_selectors")
                ),
                "metric_descriptors": listed(
                    closed({"metric_name": TEXT, "unit": CLOUDWATCH_UNIT, "overwrite": SWITCH}, "metric_name", "unit")
                ),
            },
            "region", "namespace",
        ),
        "awscloudwatchlogs": closed(
            {
                **AWS,
                "log_group_name": TEXT,
                "log_stream_name": TEXT,
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
