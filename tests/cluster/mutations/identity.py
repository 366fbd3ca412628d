"""How the promises of promises/identity.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kubectl import Object, kubectl, patch, rolled_out
from tests.cluster.releases import PEOPLE, install, values
from tests.cluster.world import NAMESPACES, World

from . import mutation
from .network import kept

GENOMICS = NAMESPACES["genomics"]


@contextmanager
def patched(service: str, change: Object) -> Iterator[None]:
    """The pods of a Deployment, changed by hand; `change` is of the pod's spec."""
    team = NAMESPACES[service]
    changed = json.dumps({"spec": {"template": {"spec": change}}})
    try:
        with kept(team, "deployment", service):
            kubectl("--namespace", team, "patch", "deployment", service, f"--patch={changed}")
            rolled_out(team, service)
            yield
    finally:
        rolled_out(team, service)


@contextmanager
def bound(name: str, *words: str) -> Iterator[None]:
    kubectl("--namespace", GENOMICS, "create", "rolebinding", name, *words)
    try:
        yield
    finally:
        kubectl("--namespace", GENOMICS, "delete", "rolebinding", name)


@mutation("identity.role", breaks=("identity.rights", "identity.refused"))
def the_team_may_read_secrets(world: World) -> Iterator[None]:
    with kept(GENOMICS, "role", "genomics-team"):
        rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
        patch(GENOMICS, "role", "genomics-team", "add", "/rules/-", rule)
        yield


@mutation("identity.other-team", breaks=("identity.rights", "identity.refused"))
def the_other_team_looks_in(world: World) -> Iterator[None]:
    with bound("guests", "--role=genomics-team", "--group=clinical-team"):
        yield


@mutation("identity.workload", breaks=("identity.rights",))
def the_workload_looks_around(world: World) -> Iterator[None]:
    with bound("workload", "--clusterrole=view", f"--serviceaccount={GENOMICS}:genomics"):
        yield


@mutation("identity.no-role", breaks=("identity.rights", "identity.refused"))
def the_team_sees_nothing(world: World) -> Iterator[None]:
    with kept(GENOMICS, "rolebinding", "genomics-team"):
        kubectl("--namespace", GENOMICS, "delete", "rolebinding", "genomics-team")
        yield


@mutation("identity.token", breaks=("identity.token", "pod.inside"))
def pods_have_a_token_for_the_api_server(world: World) -> Iterator[None]:
    with patched("genomics", {"automountServiceAccountToken": True}):
        yield


@mutation("identity.audience", breaks=("identity.stolen", "identity.token"))
def the_token_for_the_peer_is_for_somebody_else(world: World) -> Iterator[None]:
    source = {"serviceAccountToken": {"audience": "clinical", "expirationSeconds": 600, "path": "token"}}
    volume = {"name": "peer-token", "projected": {"defaultMode": 0o440, "sources": [source]}}
    with patched("clinical", {"volumes": [volume]}):
        yield


@mutation("identity.audiences", breaks=("identity.stolen",))
def genomics_believes_tokens_for_others(world: World) -> Iterator[None]:
    cluster = values(world, "genomics")["issuers"][1]
    try:
        install(world, "genomics", changed={"issuers": [PEOPLE, {**cluster, "audiences": ["genomics", "clinical"]}]})
        yield
    finally:
        install(world, "genomics")


@mutation("identity.accounts", breaks=("identity.stolen",))
def genomics_believes_its_own_account(world: World) -> Iterator[None]:
    cluster = values(world, "genomics")["issuers"][1]
    accounts = {**cluster["scope_map"], f"system:serviceaccount:{GENOMICS}:genomics": ["genomics:read"]}
    try:
        install(world, "genomics", changed={"issuers": [PEOPLE, {**cluster, "scope_map": accounts}]})
        yield
    finally:
        install(world, "genomics")
