"""Releases that the tests render: as small as can be, and with everything switched on."""

from __future__ import annotations

from typing import Any

import yaml

from tests.chart.rendering import CHART, merged

# By what the chart itself knows of them, so that a copy of the house names its own there alone.
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((CHART / "files" / "services.yaml").read_text(encoding="utf-8"))
FIRST = next(iter(SERVICES))
# The one that asks another; where there is none, the tests of that say that they were skipped.
ASKING = next((name for name, each in SERVICES.items() if each["asks"]), FIRST)
DIGEST = "sha256:" + "1" * 64
ISSUER = {
    "name": "people",
    "issuer": "https://id.example.org",
    "audiences": ["careway"],
    "jwks_url": "https://id.example.org/keys",
    "organization": "st-elsewhere",
}


def trial(service: str = FIRST) -> dict[str, Any]:
    return {"service": service, "database": {"trial": True}}


def production(service: str = FIRST) -> dict[str, Any]:
    """The least that a release for patients needs."""
    asks = SERVICES[service]["asks"]
    least = {
        "service": service,
        "image": {"digest": DIGEST},
        "issuers": [ISSUER],
        "database": {"host": "db.example.org"},
        "secrets": {"existing": "from-elsewhere"},
        "networkPolicy": {"egress": {"database": [{"cidr": "10.1.0.0/16"}], "issuers": [{"cidr": "10.2.0.0/16"}]}},
    }
    peer = {"peer": {"url": f"http://{asks}.other.svc:8000"}}
    way = {"networkPolicy": {"egress": {"peer": [{"namespace": "other", "podLabels": {"app": "other"}}]}}}
    return merged(least, peer, way) if asks else least


SWITCHED_ON: dict[str, Any] = {
    "autoscaling": {"enabled": True},
    "imagePullSecrets": [{"name": "pull"}],
    "settings": {"CAREWAY_THREADS": 8, "CAREWAY_BEHIND_TLS_PROXY": True, "OTEL_PROPAGATORS": "tracecontext"},
    "hosts": ["api.example.org", "*.example.org"],
    "keySets": "key-sets",
    "database": {"caConfigMap": "ca", "options": {"target_session_attrs": "read-write"}},
    "secrets": {
        "existing": "",
        "external": {
            "enabled": True,
            "region": "eu-central-1",
            "roleArn": "arn:aws:iam::123456789012:role/reader",
            "secretKey": {"key": "team/own"},
            "database": {"key": "team/own/database"},
        },
    },
    "telemetry": {"endpoint": "http://collector.observability.svc:4318", "attributes": {"deployment.environment": "test"}},
    "networkPolicy": {
        "ingress": {"from": [{"namespace": "edge", "podLabels": {"app": "proxy"}}, {"cidr": "10.9.0.0/16"}]},
        "egress": {"telemetry": [{"namespace": "observability"}], "aws": [{"cidr": "10.3.0.0/16", "except": ["10.3.9.0/24"]}]},
    },
    "monitoring": {
        "rules": "prometheusrule",
        "runbooks": "https://docs.example.org/runbooks",
        "labels": {"release": "prometheus"},
        "dashboards": True,
    },
    "serviceAccount": {"annotations": {"example.org/owner": "team"}},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gate", "namespace": "edge"}], "hostnames": ["route.example.org"]},
    "ingress": {"enabled": True, "hosts": ["in.example.org"], "tlsSecret": "made-up"},
    "exportHistory": {"enabled": True, "claim": "archive"},
    "team": {"enabled": True, "subjects": [{"kind": "Group", "name": "team"}]},
    "resourceQuota": {"pods": 20},
    "limitRange": [{"type": "Container", "max": {"memory": "1Gi"}}],
    "labels": {"example.org/cost-centre": "42"},
    "podAnnotations": {"example.org/scrape": "false"},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "clinical",
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraVolumes": [{"name": "more", "emptyDir": {"sizeLimit": "1Mi"}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{{{{ .Release.Name }}}}-{end}"}, "data": {"a": "b"}}
        for end in ("more", "most")
    ],
}  # fmt: skip


def everything(service: str = FIRST) -> dict[str, Any]:
    """All that a release for patients can have, at once; but for sidecars, which are somebody else's containers."""
    return merged(production(service), SWITCHED_ON)


def watched(service: str = FIRST, rules: str = "configmap") -> dict[str, Any]:
    """The least of a release whose alerts are rendered, in one of the formats."""
    way = {"networkPolicy": {"egress": {"telemetry": [{"namespace": "observability"}]}}}
    telemetry = {"telemetry": {"endpoint": "http://collector.observability.svc:4318"}}
    monitoring = {"monitoring": {"rules": rules, "runbooks": "https://docs.example.org/runbooks"}}
    return merged(production(service), way, telemetry, monitoring)


FORMATS = ("configmap", "prometheusrule", "sloth", "pyrra")
# Every shape that the templates have a branch for.
SHAPES: dict[str, dict[str, Any]] = {
    **{f"a trial of {service}": trial(service) for service in SERVICES},
    **{f"the least of {service}": production(service) for service in SERVICES},
    **{f"everything of {service}": everything(service) for service in SERVICES},
    "without policies": merged(production(), {"networkPolicy": {"enabled": False}}),
    "a trial without policies": merged(trial(), {"networkPolicy": {"enabled": False}}),
    "migrations past a pooler": merged(production(), {"database": {"direct": {"host": "primary.example.org"}}}),
    "a single pod": merged(production(), {"replicas": 1}),
    "tests as jobs": merged(everything(), {"tests": {"asJob": True}}),
    "a store that is there": merged(everything(), {"secrets": {"external": {"store": "teams"}}}),
    "no wait before it ends": merged(production(), {"preStopSeconds": 0}),
    **{f"alerts as {rules}": watched(rules=rules) for rules in FORMATS},
    "sampled by the collector": merged(watched(), {"telemetry": {"tailSampled": True, "logs": True}}),
}
