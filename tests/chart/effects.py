"""Where each value is seen: another valid value, and the places of the rendered objects that it changes, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.chart.releases import ASKING, DIGEST, FIRST, everything, production, trial
from tests.chart.rendering import Values, merged

# Every pod of `everything`, of its own image.
PODS = [
    "Deployment/own/spec/template/spec",
    "Job/own-migrate/spec/template/spec",
    *(f"CronJob/own-{name}/spec/jobTemplate/spec/template/spec" for name in ("purge-idempotency", "export-history")),
    *(f"Pod/own-test-{role}/spec" for role in ("within", "stranger")),
]
# A service that asks another one has a command by the clock for it.
ASKED = everything(ASKING)
CONTAINERS = [f"{pod}/*ontainers/*" for pod in PODS]
SERVER = "Deployment/own/spec/template/spec/containers/server"
INIT = "Deployment/own/spec/template/spec/initContainers/migrations"
MIGRATION = "Job/own-migrate/spec/template/spec/containers/migrate"
EGRESS = "NetworkPolicy/own-egress/spec/egress"
RULES = "PrometheusRule/own-rules"
DATABASE_POD = "Deployment/own-trial-database/spec/template"


EVERYTHING = everything()


class Effect(NamedTuple):
    """`change` is the other value, in a release of `values`; `places` are where it is seen.

    `beside` are values that have to change with it, or the chart would refuse the two together.
    """

    change: Any
    places: list[str]
    values: Values = EVERYTHING
    beside: Mapping[str, Any] = MappingProxyType({})


def in_pods(place: str) -> list[str]:
    return [f"{pod}/{place}" for pod in PODS]


def in_containers(place: str) -> list[str]:
    return [f"{each}/{place}" for each in CONTAINERS]


def in_settings(*names: str) -> list[str]:
    return [f"ConfigMap/own/data/{name}" for name in names]


def in_rules(group: str, *members: str) -> list[str]:
    return [f"{RULES}/spec/groups/careway:team:own:{group}/rules/*/{member}" for member in members]


PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
PROBE_SECONDS = {"periodSeconds": 4, "timeoutSeconds": 5, "failureThreshold": 9}
SCALED = production()
DIRECT = merged(production(), {"database": {"direct": {"host": "primary.example.org"}}})
EXPORT = merged(production(), {"exportHistory": {"claim": "archive"}})

# One entry for each leaf of values.yaml, in its order. `None`: there is no other valid value.
EFFECTS: dict[str, Effect | None] = {
    # Another service is another release: nothing of it stays the same.
    "service": Effect(ASKING, ["*"], trial(FIRST)),
    "image.repository": Effect("registry.example.org/careway", in_containers("image")),
    "image.digest": Effect(DIGEST.replace("1", "2"), in_containers("image")),
    "image.tag": Effect("9", ["*/*ontainers/*/image"], trial()),
    "image.pullPolicy": Effect("Always", in_containers("imagePullPolicy")),
    "imagePullSecrets": Effect([{"name": "other"}], in_pods("imagePullSecrets/*")),
    "replicas": Effect(3, ["Deployment/own/spec/replicas"], SCALED),
    "autoscaling.enabled": Effect(True, ["HorizontalPodAutoscaler/own/*", "Deployment/own/spec/replicas"], SCALED),
    "autoscaling.minReplicas": Effect(3, ["HorizontalPodAutoscaler/own/spec/minReplicas"]),
    "autoscaling.maxReplicas": Effect(9, ["HorizontalPodAutoscaler/own/spec/maxReplicas"]),
    "autoscaling.targetCPUUtilizationPercentage": Effect(
        50, ["HorizontalPodAutoscaler/own/spec/metrics/0/resource/target/averageUtilization"]
    ),
    "podDisruptionBudget.enabled": Effect(False, ["PodDisruptionBudget/own/*"]),
    "podDisruptionBudget.minAvailable": Effect(
        2, ["PodDisruptionBudget/own/spec/minAvailable"], merged(SCALED, {"replicas": 3})
    ),
    "settings": Effect({"CAREWAY_MAX_BODY_BYTES": 33554432}, in_settings("CAREWAY_MAX_BODY_BYTES")),
    "hosts": Effect(["other.example.org"], in_settings("CAREWAY_ALLOWED_HOSTS")),
    "issuers": Effect(
        [
            {
                "name": "other",
                "issuer": "https://other.example.org",
                "audiences": ["a"],
                "jwks_file": "/etc/careway/key-sets/a.json",
                "organization": "a",
            }
        ],
        in_settings("CAREWAY_TRUSTED_ISSUERS"),
    ),
    "keySets": Effect("other", in_pods("volumes/key-sets/configMap/name")),
    "database.trial": Effect(
        True,
        ["Deployment/own-trial-database/*", "Service/own-trial-database/*", "Secret/own/*", "*"],
        production(),
        {"database": {"host": ""}, "secrets": {"existing": ""}, "issuers": []},
    ),
    "database.trialImage": Effect("postgres:other", [f"{DATABASE_POD}/spec/containers/postgres/image"], trial()),
    "database.host": Effect("other.example.org", in_settings("DATABASE_URL")),
    "database.port": Effect(5433, [*in_settings("DATABASE_URL"), f"{EGRESS}/*/ports/0/port"]),
    "database.name": Effect("other", in_settings("DATABASE_URL")),
    "database.caConfigMap": Effect("other", in_pods("volumes/database-ca/configMap/name")),
    "database.options": Effect({"connect_timeout": 3}, in_settings("DATABASE_URL")),
    **{
        f"database.direct.{key}": Effect(change, [f"{each}/env/DATABASE_URL/value" for each in (INIT, MIGRATION)], DIRECT)
        for key, change in (("host", "other.example.org"), ("port", 5433))
    },
    "secrets.existing": Effect("other", ["*/volumes/secrets/secret/secretName"], production()),
    "secrets.external.enabled": Effect(
        True,
        [
            "SecretStore/own/*",
            "ExternalSecret/own/*",
            "ServiceAccount/own-secrets/*",
            "*/volumes/secrets/secret/secretName",
        ],
        merged(everything(), {"secrets": {"external": {"enabled": False}, "existing": "x"}}),
        {"secrets": {"existing": ""}},
    ),
    "secrets.external.store": Effect(
        "other", ["ExternalSecret/own/spec/secretStoreRef/name", "SecretStore/own/*", "ServiceAccount/own-secrets/*"]
    ),
    "secrets.external.region": Effect("eu-west-1", ["SecretStore/own/spec/provider/aws/region"]),
    "secrets.external.roleArn": Effect(
        "arn:aws:iam::1:role/other", ["ServiceAccount/own-secrets/metadata/annotations/eks.amazonaws.com/role-arn"]
    ),
    "secrets.external.refreshInterval": Effect("5m", ["ExternalSecret/own/spec/refreshInterval"]),
    "secrets.external.secretKey.key": Effect("other", ["ExternalSecret/own/spec/data/0/remoteRef/key"]),
    "secrets.external.secretKey.property": Effect("other", ["ExternalSecret/own/spec/data/0/remoteRef/property"]),
    "secrets.external.database.key": Effect(
        "other", [f"ExternalSecret/own/spec/data/{number}/remoteRef/key" for number in (1, 2)]
    ),
    "secrets.external.database.username": Effect("other", ["ExternalSecret/own/spec/data/1/remoteRef/property"]),
    "secrets.external.database.password": Effect("other", ["ExternalSecret/own/spec/data/2/remoteRef/property"]),
    "peer.url": Effect("http://other:8000", ["ConfigMap/own/data/CAREWAY_*_URL"], ASKED),
    "peer.audience": Effect("other", ["*/volumes/peer-token/projected/sources/0/serviceAccountToken/audience"], ASKED),
    "peer.tokenSeconds": Effect(
        900, ["*/volumes/peer-token/projected/sources/0/serviceAccountToken/expirationSeconds"], ASKED
    ),
    "telemetry.endpoint": Effect("http://other:4318", in_settings("OTEL_EXPORTER_OTLP_ENDPOINT")),
    "telemetry.tracedShare": Effect(1, in_settings("OTEL_TRACES_SAMPLER_ARG")),
    "telemetry.attributes": Effect({"team": "a b"}, in_containers("env/OTEL_RESOURCE_ATTRIBUTES/value")),
    "telemetry.tailSampled": Effect(True, in_settings("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")),
    "telemetry.exportSeconds": Effect(30, [*in_settings("OTEL_METRIC_EXPORT_INTERVAL"), *in_rules("alerts", "expr")]),
    "telemetry.logs": Effect(True, in_settings("OTEL_LOGS_EXPORTER")),
    **{
        f"slo.{slo}.{key}": Effect(change, [*in_rules(slo, *members), *beyond])
        for slo in ("availability", "latency")
        for key, change, members, beyond in (
            ("objective", 99.5, ["expr"], []),
            ("threshold", 2.5, ["expr"], []),
            # A database that is there again stays the cause for as long as availability's shortest window remembers it.
            ("period", 7, ["expr", "record"], in_rules("alerts", "keep_firing_for") if slo == "availability" else []),
            ("minimumTraffic", 200, ["expr"], []),
        )
        if (slo, key) != ("availability", "threshold")
    },
    "monitoring.rules": Effect("", [f"{RULES}/*"]),
    "monitoring.runbooks": Effect("https://other.example.org", in_rules("*", "annotations/runbook_url")),
    "monitoring.team": Effect("night", in_rules("*", "labels/team")),
    "monitoring.patienceSeconds": Effect(600, in_rules("alerts", "expr", "for")),
    "monitoring.selector": Effect({"service_name": "own"}, in_rules("*", "expr")),
    "monitoring.labels": Effect({"release": "other"}, [f"{RULES}/metadata/labels/release"]),
    "monitoring.dashboards": Effect(False, ["ConfigMap/own-dashboard-*"]),
    "monitoring.dashboardLabels.grafana_dashboard": Effect(
        "other", ["ConfigMap/own-dashboard-*/metadata/labels/grafana_dashboard"]
    ),
    "networkPolicy.enabled": Effect(
        False, ["NetworkPolicy/*", "Pod/own-test-stranger/*", "*/env/CAREWAY_POLICIES/value"]
    ),
    "networkPolicy.ingress.from": Effect(
        [{"namespace": "other"}], ["NetworkPolicy/own-ingress/spec/ingress/[01]/*"]
    ),
    "networkPolicy.egress.dns": Effect(
        [{"cidr": "169.254.20.10/32", "port": 5353}],
        [f"{EGRESS}/0/to/*", f"{EGRESS}/0/ports/*", "NetworkPolicy/own-prove-egress/spec/egress/0/*"],
    ),
    "networkPolicy.egress.database": Effect([{"cidr": "10.8.0.0/16"}], [f"{EGRESS}/*/to/0/ipBlock/cidr"]),
    "networkPolicy.egress.telemetry": Effect(
        [{"namespace": "other"}], [f"{EGRESS}/*/matchLabels/kubernetes.io/metadata.name"]
    ),
    "networkPolicy.egress.issuers": Effect([{"cidr": "10.8.0.0/16"}], [f"{EGRESS}/*/to/0/ipBlock/cidr"]),
    "networkPolicy.egress.aws": Effect([{"cidr": "10.3.0.0/16"}], [f"{EGRESS}/*/to/0/ipBlock/except/0"]),
    "networkPolicy.egress.peer": Effect([{"cidr": "10.8.0.0/16"}], [f"{EGRESS}/*/to/0/*"], ASKED),
    "serviceAccount.annotations": Effect({"example.org/owner": "b"}, ["ServiceAccount/own/metadata/annotations/*"]),
    "httpRoute.enabled": Effect(False, ["HTTPRoute/own/*", *in_settings("CAREWAY_ALLOWED_HOSTS")]),
    "httpRoute.parentRefs": Effect([{"name": "gate", "sectionName": "https"}], ["HTTPRoute/own/spec/parentRefs/gate/*"]),
    "httpRoute.hostnames": Effect(
        ["*.example.org"], ["HTTPRoute/own/spec/hostnames/0", *in_settings("CAREWAY_ALLOWED_HOSTS")]
    ),
    "ingress.enabled": Effect(False, ["Ingress/own/*", *in_settings("CAREWAY_ALLOWED_HOSTS")]),
    "ingress.className": Effect("nginx", ["Ingress/own/spec/ingressClassName", "Ingress/own/metadata/annotations/alb*"]),
    "ingress.annotations": Effect({"example.org/a": "b"}, ["Ingress/own/metadata/annotations/example.org/a"]),
    "ingress.hosts": Effect(
        ["*.example.org"],
        ["Ingress/own/spec/rules/0/host", "Ingress/own/spec/tls/0/hosts/0", *in_settings("CAREWAY_ALLOWED_HOSTS")],
    ),
    "ingress.tlsSecret": Effect("other", ["Ingress/own/spec/tls/0/secretName"]),
    **{
        f"jobs.{name}.{key}": Effect(change, [f"CronJob/own-{name}/spec/{place}"], ASKED)
        for name in ("purge-idempotency", "verify-links")
        for key, change, place in (
            ("schedule", "1 2 3 4 5", "schedule"),
            ("suspend", True, "suspend"),
            ("args", ["--at-most", 1000000], f"jobTemplate/spec/template/spec/containers/{name}/args/[12]"),
        )
    },
    "exportHistory.enabled": Effect(True, ["CronJob/own-export-history/*"], EXPORT),
    "exportHistory.schedule": Effect("1 2 3 4 5", ["CronJob/own-export-history/spec/schedule"]),
    "exportHistory.claim": Effect("other", ["CronJob/own-export-history/*/volumes/archive/persistentVolumeClaim/claimName"]),
    "team.enabled": Effect(False, ["Role/own-team/*", "RoleBinding/own-team/*"]),
    "team.subjects": Effect([{"kind": "User", "name": "dr"}], ["RoleBinding/own-team/subjects/*"]),
    "resourceQuota": Effect({"limits.memory": "8Gi"}, ["ResourceQuota/own/spec/hard/limits.memory"]),
    "limitRange": Effect([{"type": "Pod", "max": {"cpu": 2}}], ["LimitRange/own/spec/limits/0/*"]),
    **{
        f"resources.{kind}.{what}": Effect("321Mi", [f"{SERVER}/resources/{kind}/{what}"])
        for kind, what in (
            *(("requests", what) for what in ("cpu", "memory", "ephemeral-storage")),
            *(("limits", what) for what in ("memory", "ephemeral-storage")),
        )
    },
    **{
        f"jobResources.{kind}.{what}": Effect(
            "321Mi",
            [f"{INIT}/resources/{kind}/{what}", *(f"{pod}/containers/*/resources/{kind}/{what}" for pod in PODS[1:])],
        )
        for kind, what in (
            *(("requests", what) for what in ("cpu", "memory", "ephemeral-storage")),
            *(("limits", what) for what in ("memory", "ephemeral-storage")),
        )
    },
    "preStopSeconds": Effect(
        25, [f"{SERVER}/lifecycle/preStop/sleep/seconds", "Deployment/own/*/terminationGracePeriodSeconds"]
    ),
    **{
        f"{probe}.{key}": Effect(value, [f"{SERVER}/{probe}/{key}"])
        for probe in PROBES
        for key, value in PROBE_SECONDS.items()
    },
    "startupProbe.httpGet.path": Effect("/readyz", [f"{SERVER}/startupProbe/httpGet/path"]),
    "readinessProbe.httpGet.path": Effect("/livez", [f"{SERVER}/readinessProbe/httpGet/path"]),
    **dict.fromkeys(["livenessProbe.httpGet.path", *(f"{probe}.httpGet.port" for probe in PROBES)]),
    "tests.asJob": Effect(True, ["Pod/own-test-*", "Job/own-within/*", "Job/own-stranger/*"]),
    "labels": Effect({"example.org/cost-centre": "43"}, ["*/labels/example.org/cost-centre"]),
    "podAnnotations": Effect({"example.org/scrape": "true"}, ["Deployment/own/*/annotations/example.org/scrape"]),
    "nodeSelector": Effect({"kubernetes.io/arch": "amd64"}, in_pods("nodeSelector/kubernetes.io/arch")),
    "tolerations": Effect([{"operator": "Exists"}], in_pods("tolerations/0/*")),
    "affinity": Effect({"podAffinity": {}}, ["Deployment/own/spec/template/spec/affinity/*"]),
    "priorityClassName": Effect("other", in_pods("priorityClassName")),
    "extraEnv": Effect([{"name": "TZ", "value": "CET"}], in_containers("env/TZ/value")),
    "extraVolumes": Effect(
        [{"name": "more", "emptyDir": {"sizeLimit": "2Mi"}}], in_pods("volumes/more/emptyDir/sizeLimit")
    ),
    "extraVolumeMounts": Effect([{"name": "more", "mountPath": "/other"}], in_containers("volumeMounts/more/mountPath")),
    "sidecars": Effect(
        [{"name": "beside", "image": "proxy"}], ["Deployment/own/spec/template/spec/containers/beside/*"]
    ),
    "extraObjects": Effect(
        [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Values.service }}-a"}}],
        ["ConfigMap/own-mo*/*", f"ConfigMap/{FIRST}-a/*"],
    ),
}  # fmt: skip
