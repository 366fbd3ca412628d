"""Who may connect to whom."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.cluster import objects
from tests.cluster.kubectl import Object, apply, eventually, get, kubectl, name_of, within
from tests.cluster.reach import (
    CLIENT,
    MAYBE,
    PORT,
    STRANGER,
    Place,
    Target,
    Targets,
    doors,
    elsewhere,
    kubelet_of,
    listener,
    listening,
    must_be,
    must_become,
    node_port,
    of_own_node,
    of_release,
    pod_of,
    reached,
    standing,
    together,
)
from tests.cluster.releases import install, must_be_installed, server, servers
from tests.cluster.world import CLIENTS, NAMESPACES, PLATFORM, STRANGERS, World

from . import promise

CLOSED = 8001
GENOMICS, CLINICAL = NAMESPACES["genomics"], NAMESPACES["clinical"]
# How long a newcomer keeps trying.
SECONDS = 6


# --- Coming in ----------------------------------------------------------------------------------------------------------


def comes_in(world: World) -> str:
    must_be_installed(world)
    tests, job = of_release("genomics", "test-within"), of_release("clinical", "job")
    asked = [
        listener(world, STRANGERS, {"careway.test/proof": "client"}),
        listener(world, CLIENTS, {}),
        *(listener(world, team, {}) for team in NAMESPACES.values()),
        listener(world, GENOMICS, tests),
        listener(world, CLINICAL, job),
    ]
    with standing(*asked) as places:
        *others, tester, worker = places
        open_doors = doors()
        shut: Targets = {"a pod of helm test": (tester.address, PORT), "a pod of a job": (worker.address, PORT)}
        closed = {f"another port of {what}": (host, CLOSED) for what, (host, _) in open_doors.items() if "pod" in what}
        control = {f"a pod beside it in {each.namespace}": (each.address, PORT) for each in others}
        ends = {"a closed port": (others[-1].address, CLOSED)}
        # All of them listen, and who tries has a way out; a port where nobody listens would say so.
        _controls(world, control, ends, (tester, worker))
        must_be("connected", reached(world, CLIENT, open_doors), f"{CLIENT}, who is let in,")
        places = [STRANGER, *others]
        told = together(
            lambda: reached(world, CLIENT, shut | closed),
            *(partial(reached, world, each, open_doors | shut) for each in places),
        )
        for who, outcomes in zip((CLIENT, *places), told, strict=True):
            must_be("silent", outcomes, who)
    tries = sum(map(len, told))
    return f"{CLIENT} reached {len(open_doors)} of {len(open_doors)}; {tries} tries of {len(told)} pods were silent"


def _controls(world: World, control: Targets, ends: Targets, listens: Sequence[Place]) -> None:
    itself = {"itself": ("127.0.0.1", PORT)}
    together(
        *(partial(must_become, world, who, {"connected": control, "refused": ends}) for who in (CLIENT, STRANGER)),
        *(partial(must_become, world, each, {"connected": itself}) for each in listens),
    )


@promise(
    "network.ingress",
    "Named clients and the peer come in, at one port; nobody else does, from any namespace",
    tried="connections to both Services and pods, to other ports, and to pods of helm test and of jobs: from the client, "
    "strangers, a stranger with the client's labels, and pods beside those that are let in",
    quick=True,
)
def ingress(world: World) -> str:
    return comes_in(world)


# --- Going out ----------------------------------------------------------------------------------------------------------


def goes_out(world: World) -> str:
    must_be_installed(world)
    asked = [listener(world, where, {}) for where in (*NAMESPACES.values(), PLATFORM)]
    asked.insert(0, listener(world, STRANGERS, {}, PORT, world.database.port))
    with standing(*asked) as pods, listening(world.address) as port, node_port(pods[0].pod) as node:
        there = elsewhere(world, port, node, pods)
        must_become(world, STRANGER, {"connected": there})
        own = {
            "its database": (world.address, world.database.port),
            "the collector": (f"collector.{PLATFORM}.svc", 4318),
        }
        peer = {what: target for what, target in doors().items() if "genomics" in what}
        other = {what: target for what, target in doors().items() if "clinical" in what}
        closed = {f"another port of {what}": (host, CLOSED) for what, (host, _) in peer.items() if "pod" in what}
        maybe, heard, *told = together(
            partial(reached, world, STRANGER, MAYBE),
            partial(reached, world, CLIENT, other),
            partial(_goes, world, pod_of("genomics"), own, there | MAYBE | other),
            partial(_goes, world, pod_of("clinical"), own | peer, there | MAYBE | closed),
        )
    must_be("connected", heard, CLIENT)
    nobody = [what for what, how in maybe.items() if how == "silent"]
    known = f"; nobody is at {' and '.join(nobody)} for the stranger either" if nobody else ""
    return (
        f"both reached their database and the collector, clinical its peer, by name; {len(there)} others, which "
        f"{STRANGER} reached, were silent: {', '.join(there)}; but the kubelet of its own node, which no policy has to "
        f"keep from a pod, answered {told[0]['/pods']}{known}"
    )


def _goes(world: World, place: Place, allowed: Targets, refused: Targets) -> dict[str, int | str]:
    must_become(world, place, {"connected": allowed})
    others = {what: target for what, target in refused.items() if what != kubelet_of(place.node)}
    must_be("silent", reached(world, place, others), place)
    return of_own_node(place, refused)


@promise(
    "network.egress",
    "A service goes to names, its database, its collector and its peer, and nowhere else",
    tried="connections from a serving pod of each, and from the stranger: to pods of four namespaces, an address outside "
    "the cluster, the API server by both addresses, kubelets, node ports, the metadata address",
    quick=True,
)
def egress(world: World) -> str:
    return goes_out(world)


@promise(
    "network.database",
    "The login of one service opens no other service's database",
    tried="psycopg in a serving pod of each, with its mounted login, to both databases",
    quick=True,
)
def database(world: World) -> str:
    must_be_installed(world)
    told = []
    for service, team in NAMESPACES.items():
        (other,) = set(NAMESPACES) - {service}
        asks = ("python", "-c", objects.script("login.py"))
        own = within(team, server(service), *asks, stdin="", container="server").strip()
        assert own == "connected, with TLS", f"{service} has no database: {own}"
        answer = within(team, server(service), *asks, f"dbname=careway_{other}", stdin="", container="server").strip()
        assert f'permission denied for database "careway_{other}"' in answer, f"{service}, at the other's: {answer}"
        told.append(f'{service} is told: permission denied for database "careway_{other}"')
    return "; ".join(told)


# --- In the first seconds of a pod, and after an upgrade ------------------------------------------------------------------


def newcomer(world: World, targets: Targets) -> Object:
    """A pod with the labels of those that serve, which never becomes ready: its Service sends nobody there.

    Like theirs it has a container that comes first, for about as long as theirs: the one that waits for migrations.
    """
    words = [word for host, port in targets.values() for word in (host, str(port))]
    command = ("python", "/proof/newcomer.py", str(SECONDS), str(PORT), *words)
    name = f"newcomer-{secrets.token_hex(3)}"
    made = objects.pod(name, GENOMICS, world.image, labels=of_release("genomics", "server"), command=command)
    spec = made["spec"] | {"restartPolicy": "Never", "readinessGates": [{"conditionType": "careway.test/never"}]}
    (container,) = spec["containers"]
    before = {**container, "name": "before", "command": ["python", "/proof/newcomer.py", "2", "0", *words]}
    container["ports"] = [{"name": "http", "containerPort": PORT}]
    return {**made, "spec": {**spec, "initContainers": [before]}}


def trying(place: Place, address: str) -> dict[str, Any]:
    """Somebody who comes to the newcomer again and again, from the moment when its address is known."""
    words = ("python", "/proof/newcomer.py", str(SECONDS), "0", address, str(PORT))
    noted = json.loads(within(place.namespace, place.pod, *words))
    (way,) = noted["targets"].values()
    return {"began": noted["began"] + way["first"] / 1000, "tries": way["tries"]}


@promise(
    "network.first",
    "That holds from the first instruction of what serves",
    tried=f"a new pod, made like those that serve, tries everything from its first instruction on, before and as what "
    f"serves, for {SECONDS} s; the stranger and the client come to it as soon as it has an address",
    quick=True,
)
def first_seconds(world: World) -> str:
    must_be_installed(world)
    bystander = listener(world, STRANGERS, {}, PORT, world.database.port)
    with standing(bystander) as pods, listening(world.address) as port, node_port(pods[0].pod) as node:
        there = elsewhere(world, port, node, pods)
        must_become(world, STRANGER, {"connected": there})
        own = (world.address, world.database.port)
        made = newcomer(world, {**there, "its database": own})
        visits, logs, its_node = _life(made)
    del there[kubelet_of(its_node)]  # between a pod and its own node no policy has to hold
    early, late = ({what: logs[which]["targets"][_key(at)] for what, at in there.items()} for which in logs)
    let_in = {what: f"{dict(way['tries'])} at {way['let_in']} ms" for what, way in late.items() if way["let_in"]}
    assert not let_in, f"in its first {SECONDS} s what serves reached {let_in}"
    allowed = logs["proof"]["targets"][_key(own)]
    assert allowed["let_in"], f"the newcomer never reached its database: {allowed}"
    addresses = {get(each.namespace, "pod", each.pod)["status"]["podIP"]: each for each in (CLIENT, STRANGER)}
    visitors = {str(addresses.get(address, address)) for address in logs["proof"]["visitors"]}
    assert visitors == {str(CLIENT)}, f"the newcomer was visited by {visitors}; {visits}"
    tries = sum(sum(way["tries"].values()) for way in late.values())
    before = max((way["let_in"][-1] for way in early.values() if way["let_in"]), default=None)
    heard = (
        "none either" if before is None else f"the last one at {before} ms, when the cluster had not heard of the pod"
    )
    return (
        f"{tries} tries to {len(late)} targets from {min(way['first'] for way in late.values())} ms after the start on: "
        f"none got through (of the container before it: {heard}); its database answered at {allowed['let_in'][0]} ms. "
        f"The stranger came {visits[STRANGER]['began'] - logs['proof']['began']:+.1f} s from its start: "
        f"{visits[STRANGER]['tries']}; the client: {visits[CLIENT]['tries']}"
    )


def _life(made: Object) -> tuple[dict[Place, dict[str, Any]], dict[str, Any], str]:
    """Of a newcomer: who came to it, what its containers noted, and the node that it was on."""
    apply([made])
    name = name_of(made)
    try:
        at = eventually(lambda: get(GENOMICS, "pod", name)["status"].get("podIP"), 60, "the newcomer has an address")
        told = together(*(partial(trying, who, at) for who in (STRANGER, CLIENT)))
        over = "--for=jsonpath={.status.phase}=Succeeded"
        kubectl("--namespace", GENOMICS, "wait", over, f"pod/{name}", "--timeout=60s")
        logs = {
            each: json.loads(kubectl("--namespace", GENOMICS, "logs", name, "--container", each))
            for each in ("before", "proof")
        }
        node = str(get(GENOMICS, "pod", name)["spec"]["nodeName"])
    finally:
        kubectl("--namespace", GENOMICS, "delete", "pod", name, "--ignore-not-found", "--wait=false")
    return dict(zip((STRANGER, CLIENT), told, strict=True)), logs, node


def _key(target: Target) -> str:
    return f"{target[0]}:{target[1]}"


@promise(
    "network.upgrade",
    "It holds again for the pods of an upgrade",
    tried="helm upgrade --wait with another annotation of the pods, and all of the above for ingress and egress",
)
def upgrade(world: World) -> str:
    must_be_installed(world)
    before = {name_of(each) for each in servers("genomics")}
    try:
        install(world, "genomics", changed={"podAnnotations": {"careway.test/upgraded": "yes"}})
        after = {name_of(each) for each in servers("genomics")}
        assert not before & after, f"{before & after} are of the release before"
        return f"{len(after)} new pods; {comes_in(world)}; {goes_out(world)}"
    finally:
        install(world, "genomics")
