"""How the promises of promises/network.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.kubectl import Failed, Object, apply, eventually, get, kubectl, patch
from tests.cluster.promises.network import GENOMICS, database
from tests.cluster.world import CLIENTS, World

from . import mutation


@contextmanager
def kept(namespace: str, kind: str, name: str) -> Iterator[Object]:
    """An object that may be changed or deleted meanwhile, and is as it was afterwards."""
    before = get(namespace, kind, name)
    try:
        yield before
    finally:
        for each in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
            before["metadata"].pop(each, None)
        before.pop("status", None)
        try:
            kubectl("replace", "--filename", "-", stdin=json.dumps(before))
        except Failed as error:
            if "NotFound" not in error.told:
                raise
            kubectl("create", "--filename", "-", stdin=json.dumps(before))


def add_rule(policy: str, way: str, rule: Object) -> None:
    patch(GENOMICS, "networkpolicy", policy, "add", f"/spec/{way}/-", rule)


def selector(namespace: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


@mutation("network.anybody", breaks=("network.ingress",))
def anybody_may_ask(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-ingress"):
        add_rule("genomics-ingress", "ingress", {"ports": [{"port": "http"}]})
        yield


@mutation("network.labels", breaks=("network.ingress",))
def labels_of_clients_do_not_count(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-ingress"):
        add_rule("genomics-ingress", "ingress", {"from": [selector(CLIENTS)], "ports": [{"port": "http"}]})
        yield


@mutation("network.ports", breaks=("network.ingress",))
def clients_reach_every_port(world: World) -> Iterator[None]:
    clients = {**selector(CLIENTS), "podSelector": {"matchLabels": {"careway.test/proof": "client"}}}
    with kept(GENOMICS, "networkpolicy", "genomics-ingress"):
        add_rule("genomics-ingress", "ingress", {"from": [clients]})
        yield


@mutation("network.nobody", breaks=("network.ingress",))
def nobody_may_ask(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-ingress"):
        kubectl("--namespace", GENOMICS, "delete", "networkpolicy", "genomics-ingress")
        yield


@mutation("network.default", breaks=("network.ingress",))
def nothing_is_denied_by_default(world: World) -> Iterator[None]:
    """The other policies select those that serve; pods of tests and of jobs have this one alone."""
    with kept(GENOMICS, "networkpolicy", "genomics-deny"):
        kubectl("--namespace", GENOMICS, "delete", "networkpolicy", "genomics-deny")
        yield


@mutation("network.database-host", breaks=("network.egress",))
def every_port_of_the_database_host(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-egress"):
        add_rule("genomics-egress", "egress", {"to": [{"ipBlock": {"cidr": f"{world.address}/32"}}]})
        yield


@mutation("network.every-database", breaks=("network.egress",))
def every_address_at_the_port_of_the_database(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-egress"):
        add_rule("genomics-egress", "egress", {"ports": [{"port": world.database.port}]})
        yield


@mutation("network.egress", breaks=("network.egress", "network.first"))
def it_goes_everywhere(world: World) -> Iterator[None]:
    with kept(GENOMICS, "networkpolicy", "genomics-egress"):
        add_rule("genomics-egress", "egress", {})
        yield


@mutation("network.all", breaks=("network.ingress", "network.egress", "network.first", "network.upgrade"))
def somebody_allows_everything(world: World) -> Iterator[None]:
    """Policies are a union: one more in the namespace, and an upgrade does not take it away."""
    metadata = {"name": "everything", "namespace": GENOMICS}
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
    apply([{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}])
    try:
        yield
    finally:
        kubectl("--namespace", GENOMICS, "delete", "networkpolicy", "everything")


@mutation("network.database", breaks=("network.database",))
def one_login_opens_both_databases(world: World) -> Iterator[None]:
    way = "ON DATABASE careway_clinical"
    world.database.postgres.execute(f"GRANT CONNECT {way} TO careway_genomics_a")
    try:
        eventually(lambda: _opens(world), 40, "the bouncer tries again")
        yield
    finally:
        world.database.postgres.execute(f"REVOKE CONNECT {way} FROM careway_genomics_a")


def _opens(world: World) -> bool:
    """A bouncer repeats a refusal for a while, without asking the server."""
    try:
        database(world)
    except Failed:
        raise
    except AssertionError:
        return True
    return False
