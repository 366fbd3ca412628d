"""It changes while it serves: not one request fails, however pods come and go."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from tests.cluster.kubectl import PROGRAM, eventually, get, kubectl, name_of, rolled_out
from tests.cluster.migrating import (
    RELEASE,
    TEAM,
    applied,
    deleted,
    empty_database,
    loaded,
    migrated,
    rendered,
    undo_the_last,
)
from tests.cluster.releases import install, must_be_installed, restarted, servers
from tests.cluster.watching import Readiness, under_load, watched
from tests.cluster.world import NAMESPACES, PREFIX, World

from . import NotTried, promise

SERVERS = "app.kubernetes.io/component=server"


def of_both(change: Callable[[str], Any]) -> list[Any]:
    """Does it to both services at the same time."""
    with ThreadPoolExecutor(len(NAMESPACES)) as pool:
        return list(pool.map(change, NAMESPACES))


def gone(service: str, names: Iterable[str]) -> None:
    """Waits until these pods have ended: a pod that was told to end still serves for a while."""
    left = set(names)
    where = NAMESPACES[service]
    found = lambda: left & {name_of(each) for each in get(where, "pods", "--selector", SERVERS)}  # noqa: E731
    eventually(lambda: not found(), 120, f"the old pods of {service} have ended")


def replaced(service: str, change: Callable[[], None], release: str = "") -> None:
    """A change that is over when not one of the pods before it is left."""
    before = [name_of(each) for each in servers(service, release)]
    change()
    rolled_out(NAMESPACES[service], release or service)
    gone(service, before)


def images(service: str) -> set[str]:
    return {each["image"] for pod in servers(service) for each in pod["spec"]["containers"]}


@promise(
    "change.restart",
    "A rollout restart fails no request",
    tried="kubectl rollout restart of both Deployments at once, under reads and writes",
    quick=True,
)
def restart(world: World) -> str:
    must_be_installed(world)
    told: list[str] = []
    with under_load(world, told):
        of_both(lambda service: replaced(service, lambda: restarted(service)))
    return "; ".join(told)


@promise(
    "change.update",
    "A rolling update to the next version, and helm rollback, fail no request",
    tried="helm upgrade --version, then helm rollback, of both releases at once, each under reads and writes",
)
def update(world: World) -> str:
    must_be_installed(world)
    told: list[str] = []
    try:
        with under_load(world, told):
            of_both(lambda service: replaced(service, lambda: install(world, service, version=world.second)))
        assert all(images(service) == {world.image_of(world.second)} for service in NAMESPACES)
    finally:
        back: list[str] = []
        with under_load(world, back):
            of_both(lambda service: replaced(service, lambda: _rolled_back(world, service)))
    assert all(images(service) == {world.image} for service in NAMESPACES)
    return f"update: {'; '.join(told)}. Rollback: {'; '.join(back)}"


def _rolled_back(world: World, service: str) -> None:
    world.registry.helm("rollback", service, "--namespace", NAMESPACES[service], "--wait", "--timeout", "5m")


@promise(
    "change.pods",
    "A pod that is deleted fails no request",
    tried="kubectl delete pod, one pod of each service after the other, under reads and writes",
)
def pods(world: World) -> str:
    must_be_installed(world)
    told: list[str] = []
    with under_load(world, told):
        counts = of_both(_deleted_one_by_one)
    return f"{sum(counts)} pods deleted; {'; '.join(told)}"


def _deleted_one_by_one(service: str) -> int:
    before = [name_of(each) for each in servers(service)]
    for pod in before:
        kubectl("--namespace", NAMESPACES[service], "delete", "pod", pod)  # answers when it has ended
        rolled_out(NAMESPACES[service], service)
    return len(before)


@promise(
    "change.drain",
    "All nodes are drained one by one: no request fails, and the disruption budget holds",
    tried="kubectl drain and uncordon of each node, under reads and writes; every change of a pod is watched",
)
def drain(world: World) -> str:
    must_be_installed(world)
    nodes = [name_of(each) for each in get("default", "nodes") if _takes_pods(each)]
    if len(nodes) < 2:
        raise NotTried("the cluster has one node that takes pods: what is drained has nowhere to go")
    told: list[str] = []
    said = ""
    with ExitStack() as stack:
        seen = {service: stack.enter_context(watched(service)) for service in NAMESPACES}
        with under_load(world, told):
            for node in nodes:
                said += _drained(node)
    for service, readiness in seen.items():
        _must_hold(service, readiness)
    # The last node holds every pod by then, so whoever keeps to the budget has to be told to wait.
    assert "disruption budget" in said, said
    least = ", ".join(f"{service} {readiness.least}" for service, readiness in seen.items())
    return f"{len(nodes)} nodes; fewest ready pods: {least}; refused meanwhile by the budget; {'; '.join(told)}"


def _takes_pods(node: dict[str, Any]) -> bool:
    shut = [taint for taint in node["spec"].get("taints", []) if taint["effect"] != "PreferNoSchedule"]
    return not shut and not node["spec"].get("unschedulable")


def _must_hold(service: str, readiness: Readiness) -> None:
    budget = 1  # what the chart's default leaves; not asked of the cluster, where somebody may have taken it away
    assert readiness.least >= budget, f"{service} had {readiness.least} ready pods, less than {budget}"


def _drained(node: str) -> str:
    """Evicts the pods that serve, and lets the node take pods again; answers what kubectl said.

    On a cluster that others use, a drain of everything would end what is not ours. So the pods of this proof are marked
    and evicted, and nobody else's; but for that time nobody's new pod comes to this node.
    """
    mark = f"careway.test/drained={PREFIX}"
    for team in NAMESPACES.values():
        kubectl("--namespace", team, "label", "pods", "--overwrite", "--selector", SERVERS, mark)
    options = ["--pod-selector", mark, "--delete-emptydir-data", "--timeout=180s"]
    try:
        done = subprocess.run(
            [PROGRAM, "drain", node, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False,
        )  # fmt: skip
    finally:
        kubectl("uncordon", node)
    assert done.returncode == 0, done.stdout
    of_both(lambda service: rolled_out(NAMESPACES[service], service))
    return done.stdout


@promise(
    "change.migration",
    "Under helm --wait and --atomic a Job migrates before new pods start, while an old one serves",
    tried="helm install --wait on an empty database; helm upgrade --atomic to the next version with a migration to apply",
)
def migration(world: World) -> str:
    must_be_installed(world)
    with empty_database(world, "careway_migration") as changed:
        try:
            install(world, "genomics", release=RELEASE, changed=changed)
            told = [f"--wait: {migrated(world, 'careway_migration')}"]
            undone = undo_the_last(world, "careway_migration")
            with loaded(world, "careway_migration") as load:
                replaced("genomics", lambda: _upgraded(world, changed), RELEASE)
            told.append(f"--atomic applied {undone}: {migrated(world, 'careway_migration')}")
        finally:
            world.registry.helm("uninstall", RELEASE, "--namespace", TEAM, "--wait", "--ignore-not-found")
    return f"{'; '.join(told)}; old replicas meanwhile: {load.must_be_whole()}"


def _upgraded(world: World, changed: dict[str, Any]) -> None:
    install(world, "genomics", "--atomic", release=RELEASE, version=world.second, changed=changed)


@promise(
    "change.apply",
    "The same under plain apply, as Argo CD does it, twice with two versions: no field is immutable",
    tried="helm template | kubectl apply --server-side, on an empty database; the same of the next version, under load",
)
def apply(world: World) -> str:
    must_be_installed(world)
    with empty_database(world, "careway_apply") as changed:
        try:
            applied(rendered(world, world.first, changed))
            told = [f"first: {migrated(world, 'careway_apply')}"]
            undone = undo_the_last(world, "careway_apply")
            with loaded(world, "careway_apply") as load:
                replaced("genomics", lambda: applied(rendered(world, world.second, changed)), RELEASE)
            found = {each["image"] for pod in servers("genomics", RELEASE) for each in pod["spec"]["containers"]}
            assert found == {world.image_of(world.second)}, found
            told.append(f"second applied {undone}: {migrated(world, 'careway_apply')}")
        finally:
            deleted()
    return f"{'; '.join(told)}; old replicas meanwhile: {load.must_be_whole()}"


# The defaults of the autoscaler wait five minutes before they take pods away; here the way back is seen, not the waiting.
AT_ONCE = {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}
SCALED = {
    "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 4, "targetCPUUtilizationPercentage": 30},
    # What the percentage is of: 75m a pod is far more than probes take, and far less than the load does.
    "resources": {"requests": {"cpu": "250m"}},
}


@promise(
    "change.autoscaler",
    "The autoscaler adds pods under load and takes them away after it, and no request fails",
    tried="autoscaling.enabled, 2 to 4 pods at 30 % of 250m; reads and writes; its patience patched from 300 s to 0",
)
def autoscaler(world: World) -> str:
    must_be_installed(world)
    if not kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--ignore-not-found"):
        raise NotTried("the cluster has no metrics server")
    team = NAMESPACES["genomics"]
    told: list[str] = []
    try:
        install(world, "genomics", changed=SCALED)
        kubectl("--namespace", team, "patch", "hpa", "genomics", "--type", "merge", "--patch", json.dumps(AT_ONCE))
        eventually(lambda: len(servers("genomics")) == 2, 120, "it begins with two pods")
        with watched("genomics") as seen:
            with under_load(world, told, ["genomics"]):
                eventually(lambda: seen.now == 4, 240, "four pods are ready")
            busy = world.reads_and_writes("genomics")
            with world.load(*busy, clients=1, pause=0.5) as light:
                eventually(lambda: len(servers("genomics")) == 2, 300, "two pods are left")
                gone("genomics", set(seen.pods) - {name_of(each) for each in servers("genomics")})
    finally:
        install(world, "genomics")
        rolled_out(team, "genomics")
    return f"2, {seen.most}, and 2 pods; out: {'; '.join(told)}; back: {light.must_be_whole(20)}"
