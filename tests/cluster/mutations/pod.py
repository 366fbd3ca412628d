"""How the promises of promises/pod.py are broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kubectl import Object, apply, kubectl
from tests.cluster.promises.pod import GENOMICS
from tests.cluster.world import World

from . import mutation
from .identity import patched
from .network import kept

ENFORCED = "pod-security.kubernetes.io/enforce"


def server_with(context: Object) -> Object:
    return {"containers": [{"name": "server", "securityContext": context}]}


@contextmanager
def enforcing(level: str) -> Iterator[None]:
    """The level of Pod Security of the namespace; none where it is empty."""
    label = f"{ENFORCED}={level}" if level else f"{ENFORCED}-"
    kubectl("label", "namespace", GENOMICS, label, "--overwrite")
    try:
        yield
    finally:
        kubectl("label", "namespace", GENOMICS, f"{ENFORCED}=restricted", "--overwrite")


@mutation("pod.writable", breaks=("pod.inside",))
def its_root_can_be_written(world: World) -> Iterator[None]:
    with patched("genomics", server_with({"readOnlyRootFilesystem": False})):
        yield


@mutation("pod.capability", breaks=("pod.inside",))
def it_has_a_capability(world: World) -> Iterator[None]:
    """The one that `restricted` lets through."""
    with patched("genomics", server_with({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})):
        yield


@mutation("pod.links", breaks=("pod.inside",))
def it_is_told_of_services(world: World) -> Iterator[None]:
    with patched("genomics", {"enableServiceLinks": True}):
        yield


@mutation("pod.unconfined", breaks=("pod.inside", "pod.admission"))
def it_is_not_confined(world: World) -> Iterator[None]:
    """Not privileged altogether: in a cluster of containers nobody may be."""
    unconfined = {"seccompProfile": {"type": "Unconfined"}, "allowPrivilegeEscalation": True}
    with (
        enforcing("privileged"),
        patched("genomics", server_with({**unconfined, "capabilities": {"drop": None, "add": ["NET_RAW"]}})),
    ):
        yield


@mutation("pod.label", breaks=("pod.admission",))
def nothing_is_enforced(world: World) -> Iterator[None]:
    with enforcing(""):
        yield


@mutation("pod.baseline", breaks=("pod.admission",))
def less_is_enforced(world: World) -> Iterator[None]:
    with enforcing("baseline"):
        yield


@mutation("pod.small-quota", breaks=("pod.objects",))
def the_quota_has_no_room_for_a_release(world: World) -> Iterator[None]:
    metadata = {"name": "small", "namespace": GENOMICS}
    apply([{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"services": "1"}}}])
    try:
        yield
    finally:
        kubectl("--namespace", GENOMICS, "delete", "resourcequota", "small")


@mutation("pod.quota", breaks=("pod.quota",))
def there_is_no_quota(world: World) -> Iterator[None]:
    with kept(GENOMICS, "resourcequota", "team"):
        kubectl("--namespace", GENOMICS, "delete", "resourcequota", "team")
        yield


@mutation("pod.bounds", breaks=("pod.quota",))
def there_are_no_bounds(world: World) -> Iterator[None]:
    with kept(GENOMICS, "limitrange", "team"):
        kubectl("--namespace", GENOMICS, "delete", "limitrange", "team")
        yield
