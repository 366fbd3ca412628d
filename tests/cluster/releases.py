"""The releases of the proof: their values, as production has them, and what is done to them with the real helm."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

from tests.chart.rendering import merged

from .kubectl import Failed, Object, apply, get, kubectl, name_of, pods, rolled_out
from .objects import secret
from .world import CLIENTS, ESO_IMAGE, ISSUER, NAMESPACES, PLATFORM, World

Values = dict[str, Any]
CLIENT = {"namespace": CLIENTS, "podLabels": {"careway.test/proof": "client"}}
PEOPLE = {
    "name": "people",
    "issuer": ISSUER,
    "audiences": ["careway"],
    "algorithms": ["ES256"],
    "jwks_file": "/etc/careway/key-sets/clients.json",
    "organization_claim": "organization",
}


def values(world: World, service: str) -> Values:
    """As production has them; where there is no External Secrets, the Secret is one that the proof makes."""
    own = _genomics(world) if service == "genomics" else _clinical(world)
    return merged(
        {
            "service": service,
            "imagePullSecrets": [{"name": "pull"}],
            # Nobody waits an hour to see that no connection is a rotated user's any more.
            "settings": {"CAREWAY_CONNECTION_SECONDS": 20},
            "issuers": [PEOPLE],
            "keySets": "key-sets",
            "database": {"host": world.address, "port": world.database.port, "caConfigMap": "database-ca"},
            "secrets": {"external": _external(world, service)} if ESO_IMAGE else {"existing": "careway"},
            "telemetry": {
                "endpoint": f"http://collector.{PLATFORM}.svc:4318",
                "tracedShare": 1,
                # The usual time is long to wait for an exemplar.
                "exportSeconds": 5,
            },
            "networkPolicy": {
                "ingress": {"from": [CLIENT]},
                "egress": {
                    "database": [{"cidr": f"{world.address}/32"}],
                    "telemetry": [{"namespace": PLATFORM, "podLabels": {"careway.test/proof": "collector"}}],
                },
            },
            "team": {"enabled": True, "subjects": [{"kind": "Group", "name": f"{service}-team"}]},
        },
        own,
    )


def _external(world: World, service: str) -> Values:
    return {
        "enabled": True,
        "region": "eu-central-1",
        "roleArn": world.role(service),
        "refreshInterval": "5s",
        "secretKey": {"key": f"careway/{service}"},
        "database": {"key": f"careway/{service}/database"},
    }


def _genomics(world: World) -> Values:
    cluster = {
        "name": "cluster",
        "issuer": world.cluster_issuer,
        "audiences": ["genomics"],
        "jwks_file": "/etc/careway/key-sets/cluster.json",
        "scope_claims": ["sub"],
        "scope_map": {f"system:serviceaccount:{NAMESPACES['clinical']}:clinical": ["genomics:read"]},
        "delegated": True,
    }
    asking = {"namespace": NAMESPACES["clinical"], "podLabels": {"app.kubernetes.io/name": "clinical"}}
    return {"issuers": [PEOPLE, cluster], "networkPolicy": {"ingress": {"from": [CLIENT, asking]}}}


def _clinical(world: World) -> Values:
    served = {"app.kubernetes.io/name": "genomics", "app.kubernetes.io/component": "server"}
    return {
        # The least that Kubernetes gives, so that a rotation of the cluster's keys is over in minutes.
        "peer": {"url": world.url("genomics"), "tokenSeconds": 600},
        "networkPolicy": {"egress": {"peer": [{"namespace": NAMESPACES["genomics"], "podLabels": served}]}},
    }


def install(
    world: World,
    service: str,
    *options: str,
    release: str = "",
    version: str = "",
    changed: Values | None = None,
    timeout: str = "5m",
) -> None:
    """`helm upgrade --install --wait` from the registry. Raises Failed."""
    team = NAMESPACES[service]
    if not ESO_IMAGE:
        kept = world.aws.values
        apply([secret("careway", team, kept[f"careway/{service}"] | kept[f"careway/{service}/database"])])
    words = ["upgrade", "--install", release or service, world.registry.by_digest(version or world.first)]
    words += ["--namespace", team, *world.registry.trust]
    told = json.dumps(merged(values(world, service), changed or {}))
    try:
        world.registry.helm(*words, "--wait", "--timeout", timeout, *options, "--values", "-", stdin=told)
    except Failed as error:
        error.add_note(what_is_wrong(team))
        raise


def what_is_wrong(team: str) -> str:
    """What a person would look at: helm says no more than that time was over."""
    told = [kubectl("--namespace", team, "get", "pods,jobs,externalsecrets", "--ignore-not-found")]
    told.append(
        kubectl("--namespace", team, "get", "events", "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp")
    )
    for pod in get(team, "pods"):
        with suppress(Failed):
            told.append(kubectl("--namespace", team, "logs", name_of(pod), "--all-containers", "--prefix", "--tail=8"))
    return "\n".join(told)


def is_installed(world: World, service: str) -> bool:
    listed = json.loads(world.registry.helm("list", "--namespace", NAMESPACES[service], "--output", "json"))
    return any(each["name"] == service and each["status"] == "deployed" for each in listed)


def must_be_installed(world: World) -> None:
    """Both, for promises that are tried alone."""
    for service in NAMESPACES:
        if not is_installed(world, service):
            install(world, service)


def servers(service: str, release: str = "") -> list[Object]:
    """The pods that serve."""
    labels = f"app.kubernetes.io/instance={release or service},app.kubernetes.io/component=server"
    return pods(NAMESPACES[service], labels)


def server(service: str) -> str:
    """One of them, as kubectl names it."""
    return f"pod/{servers(service)[0]['metadata']['name']}"


def restarted(service: str) -> None:
    kubectl("--namespace", NAMESPACES[service], "rollout", "restart", f"deployment/{service}")
    rolled_out(NAMESPACES[service], service)


def touch(service: str) -> None:
    """The kubelet looks after a pod that has changed at once, its files too; after others within a minute or two."""
    noted = f"careway.test/touched={time.time_ns()}"
    for each in servers(service):
        kubectl("--namespace", NAMESPACES[service], "annotate", "--overwrite", "pod", name_of(each), noted)


def objects_of(service: str, kind: str) -> list[Object]:
    return list(get(NAMESPACES[service], kind, "--selector", f"app.kubernetes.io/instance={service}"))
