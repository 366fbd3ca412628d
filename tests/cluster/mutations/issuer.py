"""How the promises of promises/issuer.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chassis.issuing import signer
from tests.cluster.kubectl import Object, apply, eventually, kubectl, pods, rolled_out
from tests.cluster.releases import PEOPLE, install, restarted
from tests.cluster.world import NAMESPACES, PLATFORM, World

from . import mutation

GENOMICS, CLINICAL = NAMESPACES["genomics"], NAMESPACES["clinical"]


@mutation("issuer: clinical asks with a token for another audience", breaks=("issuer.verified",))
def audience(world: World) -> Iterator[None]:
    try:
        install(world, "clinical", changed={"peer": {"audience": "somebody-else"}})
        yield
    finally:
        install(world, "clinical")


@mutation("issuer: genomics does not know the cluster as an issuer", breaks=("issuer.verified",))
def unknown(world: World) -> Iterator[None]:
    try:
        install(world, "genomics", changed={"issuers": [PEOPLE]})
        yield
    finally:
        install(world, "genomics")


@mutation(
    "issuer: the key-set file is a static copy, and its keys have been rotated",
    breaks=("issuer.verified", "issuer.fresh"),
)
def stale(world: World) -> Iterator[None]:
    """With the refresher gone, the file holds other keys than those that sign."""
    with _no_refresher():
        _write({"keys": [signer("long-gone", "ES256").jwk]})
        restarted("genomics")
        try:
            yield
        finally:
            _write(json.loads(world.key_set()))
            restarted("genomics")


def _write(keys: Object) -> None:
    change = json.dumps({"data": {"cluster.json": json.dumps(keys)}})
    kubectl("--namespace", GENOMICS, "patch", "configmap", "key-sets", "--type=merge", "--patch", change)


@contextmanager
def _no_refresher() -> Iterator[None]:
    _refreshers(0)
    try:
        yield
    finally:
        _refreshers(1)


def _refreshers(replicas: int) -> None:
    kubectl("--namespace", PLATFORM, "scale", "deployment/key-sets", f"--replicas={replicas}")
    rolled_out(PLATFORM, "key-sets")
    eventually(lambda: len(pods(PLATFORM, "careway.test/proof=key-sets")) == replicas, 60, f"{replicas} refreshers")


@mutation("issuer: the pods have a copy of the key sets that nobody renews", breaks=("issuer.followed",))
def copied(world: World) -> Iterator[None]:
    """As a ConfigMap that is immutable: the kubelet never looks again."""
    kept = json.loads(kubectl("--namespace", GENOMICS, "get", "configmap", "key-sets", "--output", "json"))
    frozen = {**_plain(kept), "metadata": {"name": "key-sets-copy", "namespace": GENOMICS}, "immutable": True}
    apply([frozen])
    try:
        install(world, "genomics", changed={"keySets": "key-sets-copy"})
        yield
    finally:
        install(world, "genomics")
        kubectl("--namespace", GENOMICS, "delete", "configmap", "key-sets-copy", "--ignore-not-found")


def _plain(found: Object) -> Object:
    return {name: found[name] for name in ("apiVersion", "kind", "data")}


@mutation("issuer: the refresher may read Secrets", breaks=("issuer.rights",))
def widened(world: World) -> Iterator[None]:
    account = f"{PLATFORM}:key-sets"
    words = ("--namespace", CLINICAL, "create", "rolebinding", "proof-wide", "--clusterrole=edit")
    kubectl(*words, f"--serviceaccount={account}")
    try:
        yield
    finally:
        kubectl("--namespace", CLINICAL, "delete", "rolebinding", "proof-wide")


@mutation("issuer: a policy lets clinical's pods go where they want", breaks=("issuer.unreachable",))
def open_policy(world: World) -> Iterator[None]:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}
    metadata = {"name": "proof-open", "namespace": CLINICAL}
    apply([{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}])
    try:
        yield
    finally:
        kubectl("--namespace", CLINICAL, "delete", "networkpolicy", "proof-open")
