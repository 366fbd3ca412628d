"""Objects that the proof itself puts into a cluster: namespaces as a platform makes them, and pods to try things from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import observability

from .kubectl import Object

SCRIPTS = Path(__file__).parent / "pods"
# What a namespace may use; the platform's to set, and small enough to be seen.
QUOTA = {"pods": "40", "requests.memory": "8Gi", "limits.memory": "16Gi"}
RANGE = [{"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"cpu": "10m", "memory": "64Mi"}}]


def namespace(name: str, level: str = "restricted") -> Object:
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn", "audit")}
    labels["careway.test/proof"] = "yes"
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def limits(team: str) -> list[Object]:
    """The quota and the range of a team's namespace."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": _named("team", team), "spec": {"hard": QUOTA}}
    bounds = {"apiVersion": "v1", "kind": "LimitRange", "metadata": _named("team", team), "spec": {"limits": RANGE}}
    return [quota, bounds]


def config_map(name: str, where: str, data: Mapping[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named(name, where), "data": dict(data)}


def script(name: str) -> str:
    """One of those that pods of the proof run."""
    return (SCRIPTS / name).read_text(encoding="utf-8")


def scripts(where: str) -> Object:
    """All that pods of the proof run, as files below /proof."""
    return config_map("proof", where, {file.name: file.read_text(encoding="utf-8") for file in SCRIPTS.glob("*.py")})


def secret(name: str, where: str, data: Mapping[str, str], kind: str = "Opaque") -> Object:
    metadata = _named(name, where)
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": dict(data)}


def _named(name: str, where: str) -> Object:
    return {"name": name, "namespace": where}


def pod_spec(image: str, command: Sequence[str], *, account: str = "default", token: bool = False) -> Object:
    """A pod of the image under the rules of Pod Security `restricted`; `/proof` holds the scripts."""
    return {
        "serviceAccountName": account,
        "automountServiceAccountToken": token,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "imagePullSecrets": [{"name": "pull"}],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [
            {"name": "proof", "configMap": {"name": "proof"}},
            {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        ],
        "containers": [
            {
                "name": "proof",
                "image": image,
                "command": list(command),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "proof", "mountPath": "/proof"}, {"name": "memory", "mountPath": "/tmp"}],
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
            }
        ],
    }


IDLE = ("python", "-c", "import signal; signal.pause()")


def pod(name: str, where: str, image: str, *, labels: Mapping[str, str] | None = None, **options: Any) -> Object:
    """A pod that waits to be told what to run."""
    metadata = {**_named(name, where), "labels": {"careway.test/proof": name, **(labels or {})}}
    spec = pod_spec(image, options.pop("command", IDLE), **options)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def deployment(name: str, where: str, image: str, command: Sequence[str], **options: Any) -> Object:
    labels = {"careway.test/proof": name}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec(image, command, **options)},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _named(name, where), "spec": spec}


def service(name: str, where: str, port: int) -> Object:
    spec = {"selector": {"careway.test/proof": name}, "ports": [{"name": "http", "port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _named(name, where), "spec": spec}


def key_sets_refresher(where: str, image: str, teams: Sequence[str]) -> list[Object]:
    """What keeps the cluster's key set fresh in the teams' namespaces: it may read that, and change one ConfigMap each."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named("key-sets", where)}
    subjects = [{"kind": "ServiceAccount", **_named("key-sets", where)}]
    reader = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{where}-key-sets", "labels": {"careway.test/proof": "yes"}},
        "roleRef": _role_ref("ClusterRole", "system:service-account-issuer-discovery"),
        "subjects": subjects,
    }
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["key-sets"], "verbs": ["patch"]}]
    rights = [_granted("key-sets", team, rules, subjects) for team in teams]
    command = ["python", "-u", "/proof/refresh.py", *(f"{team}/key-sets" for team in teams)]
    runs = deployment("key-sets", where, image, command, account="key-sets", token=True)
    return [account, reader, *(each for pair in rights for each in pair), runs]


def _granted(name: str, where: str, rules: list[Object], subjects: list[Object]) -> tuple[Object, Object]:
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": _named(name, where)}
    role = {**head, "kind": "Role", "rules": rules}
    binding = {**head, "kind": "RoleBinding", "roleRef": _role_ref("Role", name), "subjects": subjects}
    return role, binding


def _role_ref(kind: str, name: str) -> Object:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def collector(where: str, image: str) -> list[Object]:
    """What services send their telemetry to, and what can be asked for a trace."""
    runs = deployment("collector", where, image, ["python", "-u", "/proof/receive.py"])
    (container,) = runs["spec"]["template"]["spec"]["containers"]
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 4318}, "periodSeconds": 1}
    return [runs, service("collector", where, 4318)]


def otel_collector(where: str, image: str, variables: Mapping[str, str]) -> list[Object]:
    """The real one, with the file that people read; it may look at pods, to say whose telemetry it is."""
    name, file = "otel-collector", Path(observability.__file__).with_name("collector.yaml")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(name, where)}
    rules = [{"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["get", "list", "watch"]}]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    metadata = {"name": f"{where}-{name}", "labels": {"careway.test/proof": "yes"}}
    role = {**head, "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    subjects = [{"kind": "ServiceAccount", **_named(name, where)}]
    reference = _role_ref("ClusterRole", f"{where}-{name}")
    binding = {**head, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects}
    runs = deployment(name, where, image, [], account=name, token=True)
    spec = runs["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    del container["command"]
    container["args"] = ["--config=/etc/otelcol/collector.yaml"]
    here = {"LISTEN_HOST": "0.0.0.0", "KUBERNETES_PASSTHROUGH": "false", "DECISION_WAIT": "2s", **variables}
    container["env"] = [{"name": variable, "value": text} for variable, text in here.items()]
    container["resources"]["limits"]["memory"] = "512Mi"
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 13133}, "periodSeconds": 1}
    container["volumeMounts"].append({"name": "configuration", "mountPath": "/etc/otelcol"})
    spec["volumes"].append({"name": "configuration", "configMap": {"name": name}})
    configuration = config_map(name, where, {"collector.yaml": file.read_text(encoding="utf-8")})
    return [account, role, binding, configuration, runs, service(name, where, 4318)]


def external_secrets(where: str, image: str, endpoint: str, teams: Sequence[str]) -> list[Object]:
    """External Secrets, told that AWS is somewhere else.

    One for each team's namespace, which looks at no other: one of the whole cluster would read every store with its AWS.
    """
    name = "external-secrets"
    rules = [
        {"apiGroups": ["external-secrets.io", "generators.external-secrets.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["serviceaccounts", "namespaces"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    ]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    metadata = {"name": f"{where}-{name}", "labels": {"careway.test/proof": "yes"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(name, where)}
    role = {**head, "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    subjects = [{"kind": "ServiceAccount", **_named(name, where)}]
    reference = _role_ref("ClusterRole", f"{where}-{name}")
    binding = {**head, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects}
    off = ("cluster-store", "cluster-external-secret", "push-secret", "cluster-push-secret")
    aws = {"AWS_SECRETSMANAGER_ENDPOINT": endpoint, "AWS_STS_ENDPOINT": endpoint, "AWS_REGION": "eu-central-1"}
    runs = []
    for team in teams:
        each = deployment(f"{name}-{team}", where, image, [], account=name, token=True)
        (container,) = each["spec"]["template"]["spec"]["containers"]
        del container["command"]
        container["args"] = [f"--namespace={team}", *(f"--enable-{kind}-reconciler=false" for kind in off)]
        container["env"] = [{"name": variable, "value": text} for variable, text in aws.items()]
        runs.append(each)
    return [account, role, binding, *runs]
