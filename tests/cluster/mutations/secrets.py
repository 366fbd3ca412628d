"""How the promises of promises/secrets.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from tests.cluster.kubectl import Object, eventually, get, kubectl, patch, rolled_out
from tests.cluster.promises.secrets import synced
from tests.cluster.world import NAMESPACES, PLATFORM, World

from . import mutation

TEAM = NAMESPACES["genomics"]


@mutation("secrets: the role of clinical reads genomics' secret too", breaks=("secrets.refused",))
def role_widened(world: World) -> Iterator[None]:
    roles = list(world.aws.roles)
    others = tuple(f"careway/genomics{end}" for end in ("", "/database"))
    narrow = next(role for role in roles if role.arn == world.role("clinical"))
    world.aws.roles[roles.index(narrow)] = replace(narrow, secrets=narrow.secrets + others)
    try:
        yield
    finally:
        world.aws.roles[:] = roles


@mutation("secrets: anybody may assume genomics' role", breaks=("secrets.refused",))
def role_open(world: World) -> Iterator[None]:
    roles = list(world.aws.roles)
    closed = next(role for role in roles if role.arn == world.role("genomics"))
    others = tuple(
        f"system:serviceaccount:{NAMESPACES['clinical']}:{name}" for name in ("proof-claimed", "clinical-secrets")
    )
    world.aws.roles[roles.index(closed)] = replace(closed, subjects=closed.subjects + others)
    try:
        yield
    finally:
        world.aws.roles[:] = roles


@mutation("secrets: External Secrets has stopped", breaks=("secrets.rotated",))
def nobody_refreshes(world: World) -> Iterator[None]:
    _external_secrets(0)
    try:
        yield
    finally:
        _external_secrets(1)
        eventually(lambda: synced(world), 150, "the pods have what Secrets Manager has")


def _external_secrets(replicas: int) -> None:
    name = f"external-secrets-{TEAM}"
    kubectl("--namespace", PLATFORM, "scale", f"deployment/{name}", f"--replicas={replicas}")
    rolled_out(PLATFORM, name)


@mutation("secrets: Secrets Manager and the pods do not agree", breaks=("secrets.synced",))
def another_value(world: World) -> Iterator[None]:
    kept = world.aws.values["careway/genomics"]
    _external_secrets(0)
    world.aws.values["careway/genomics"] = {"secret-key": "another" * 10}
    try:
        yield
    finally:
        world.aws.values["careway/genomics"] = kept
        _external_secrets(1)
        eventually(lambda: synced(world), 150, "the pods have what Secrets Manager has")


@mutation("secrets: the password stands in the ConfigMap of the release", breaks=("secrets.nowhere",))
def shown(world: World) -> Iterator[None]:
    password = world.aws.values["careway/genomics/database"]["password"]
    _note(password)
    try:
        yield
    finally:
        _note(None)


def _note(text: str | None) -> None:
    """In the release's ConfigMap; None takes it out again."""
    change = json.dumps({"data": {"NOTE": text}})
    kubectl("--namespace", TEAM, "patch", "configmap", "genomics", "--type=merge", "--patch", change)


@mutation("secrets: any authority of the database will do", breaks=("secrets.tls",))
def unverified(world: World) -> Iterator[None]:
    # The chart's values know no way to lower it, so it takes the Deployment.
    host = f"{world.address}:{world.database.port}"
    url = f"postgresql://{host}/careway_genomics?sslmode=prefer&sslrootcert=/etc/careway/database-ca/ca.pem"
    try:
        _environment(f"DATABASE_URL={url}", "CAREWAY_ALLOW_PLAINTEXT_DATABASE=true")
        yield
    finally:
        _environment("DATABASE_URL-", "CAREWAY_ALLOW_PLAINTEXT_DATABASE-")


def _environment(*words: str) -> None:
    kubectl("--namespace", TEAM, "set", "env", "deployment/genomics", "--containers=server", *words)
    rolled_out(TEAM, "genomics")


@mutation("secrets: the stranger's authority is the database's own", breaks=("secrets.authority",))
def no_stranger(world: World) -> Iterator[None]:
    stranger = world.database.stranger
    world.database.stranger = world.database.authority
    try:
        yield
    finally:
        world.database.stranger = stranger


@mutation("secrets: the files are mounted with subPath", breaks=("secrets.rotated",))
def never_changing(world: World) -> Iterator[None]:
    (container,) = get(TEAM, "deployment", "genomics")["spec"]["template"]["spec"]["containers"]
    mounts = [each for each in container["volumeMounts"] if each["name"] != "secrets"]
    keys = ("secret-key", "username", "password")
    single = [{"name": "secrets", "mountPath": f"/etc/careway/secrets/{key}", "subPath": key} for key in keys]
    path = "/spec/template/spec/containers/0/volumeMounts"
    try:
        _mount(path, mounts + single)
        yield
    finally:
        _mount(path, container["volumeMounts"])


def _mount(path: str, mounts: list[Object]) -> None:
    patch(TEAM, "deployment", "genomics", "replace", path, mounts)
    rolled_out(TEAM, "genomics")
