"""Who a pod is, where it may run, and what it can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.chart.promises.release import Release
from tests.chart.rendering import ABOUT, Object, Objects, component
from tests.chart.rendering import containers as of_pod

WRITTEN = {"memory", "trial-key", "archive"}


def restricted(release: Release) -> Iterator[str]:
    """Pod Security `restricted`: nobody's process is root, and system calls are filtered."""
    for name, pod in release.pods.items():
        number = 999 if component(pod) == "trial-database" else 10001
        kept = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        kept |= dict.fromkeys(["runAsUser", "runAsGroup", "fsGroup"], number)
        found = {key: pod["spec"]["securityContext"].get(key) for key in kept}
        if found != kept:
            yield f"{name} is {found}"
        if {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"]):
            yield f"{name} shares what is the node's"


def nobody_to_the_api_server(release: Release) -> Iterator[str]:
    """No pod has a token for the API server, nor has its account one to give."""
    for name, pod in release.pods.items():
        spec = pod["spec"]
        if spec["automountServiceAccountToken"] is not False or spec["enableServiceLinks"] is not False:
            yield f"{name} gets a token, or the variables of all Services"
        if spec["serviceAccountName"] != release.name:
            yield f"{name} is {spec['serviceAccountName']}"
    for account in release.kind("ServiceAccount"):
        if account["automountServiceAccountToken"] is not False:
            yield f"{account['metadata']['name']} gives its pods a token"


def labelled(release: Release) -> Iterator[str]:
    """Every pod says what it is part of, in its version, and has the labels of the values. Nothing of the chart's version."""
    for name, pod in release.pods.items():
        labels = dict(pod["metadata"]["labels"])
        expected = {
            "app.kubernetes.io/name": release.service,
            "app.kubernetes.io/instance": release.name,
            "app.kubernetes.io/component": labels.get("app.kubernetes.io/component"),
            "app.kubernetes.io/part-of": "careway",
            "app.kubernetes.io/version": ABOUT["appVersion"],
            **release.value("labels"),
        }
        if labels != expected:
            yield f"{name} has {labels}"


def components(release: Release) -> Iterator[str]:
    """What makes a pod says what the pod is for; policies and selectors are built on it."""
    kinds = {"Deployment": {"server", "trial-database"}, "CronJob": {"job"}, "Pod": {"test-within", "test-stranger"}}
    kinds["Job"] = {"migration", "test-within", "test-stranger"}
    for name, pod in release.pods.items():
        if component(pod) not in kinds[name.partition("/")[0]]:
            yield f"{name} is a {component(pod)}"
    needed = {"server", "migration", "job", "test-within"}
    needed |= {"test-stranger"} if release.value("networkPolicy.enabled") else set()
    needed |= {"trial-database"} if release.trial else set()
    if (found := {component(pod) for pod in release.pods.values()}) != needed:
        yield f"there are {sorted(found)}"


def placed(release: Release) -> Iterator[str]:
    """Where pods may run, and what they are pulled with, holds for all of them."""
    for name, pod in release.pods.items():
        for key in ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName"):
            value = release.value(key)
            if (pod["spec"].get(key) or type(value)()) != value:
                yield f"{name} has {key} {pod['spec'].get(key)}"


def mounted(release: Release) -> Iterator[str]:
    """What each component can read and write, and where: memory with an end, files that nobody can write, nothing else.

    No subPath: a file that is mounted alone is never renewed.
    """
    brought = {each["name"] for each in release.value("sidecars")}
    for name, pod in release.own_pods:
        expected = _expected(release, component(pod), name)
        volumes = [{"name": volume, **source} for volume, (_, source) in expected.items()]
        if _sorted(pod["spec"]["volumes"]) != _sorted([*volumes, *release.value("extraVolumes")]):
            yield f"{name} has {pod['spec']['volumes']}"
        for container in of_pod(pod):
            # What waits for the migrations asks nobody else.
            unasked = {"peer-token"} if container["name"] == "migrations" else set()
            mounts = [
                {"name": volume, "mountPath": path, **({} if volume in WRITTEN else {"readOnly": True})}
                for volume, (path, _) in expected.items()
                if volume not in unasked
            ]
            wanted = _sorted([*mounts, *release.value("extraVolumeMounts")])
            if container["name"] not in brought and _sorted(container["volumeMounts"]) != wanted:
                yield f"{name} {container['name']} mounts {container['volumeMounts']}"


def _sorted(objects: Objects) -> Objects:
    return sorted(objects, key=lambda each: str(each["name"]))


def _projected(**token: Any) -> Object:
    return {"projected": {"defaultMode": 0o440, "sources": [{"serviceAccountToken": {**token, "path": "token"}}]}}


def _expected(release: Release, part: str, name: str) -> dict[str, tuple[str, Object]]:
    found: dict[str, tuple[str, Object]] = {"memory": ("/tmp", {"emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}})}
    if part.startswith("test-"):
        found["test"] = ("/test", {"configMap": {"name": f"{release.name}-prove"}})
        found["test-token"] = ("/var/run/secrets/careway-test", _projected(audience="nobody"))
    else:
        secret = release.value("secrets.existing") or release.name
        found["secrets"] = ("/etc/careway/secrets", {"secret": {"secretName": secret, "defaultMode": 0o440}})
        if release.trial:
            found["trial-key"] = ("/srv/careway/.careway", {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    if authority := release.value("database.caConfigMap"):
        found["database-ca"] = ("/etc/careway/database-ca", {"configMap": {"name": authority}})
    if keys := release.value("keySets"):
        found["key-sets"] = ("/etc/careway/key-sets", {"configMap": {"name": keys}})
    peer = release.value("peer")
    if peer["url"] and part in {"server", "job"}:
        token = _projected(audience=peer["audience"], expirationSeconds=peer["tokenSeconds"])
        found["peer-token"] = ("/var/run/secrets/careway", token)
    if name.endswith("-export-history"):
        claim = {"persistentVolumeClaim": {"claimName": release.value("exportHistory.claim")}}
        found["archive"] = ("/archive", claim)
    return found
