"""Who lets a pod in: what the checks of the network bring along, and how they try.

A policy drops: `silent` is its work, if the target itself is there. So each target is tried from a pod that no policy
holds as well, and `refused` counts as reached: somebody was there to say no.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import objects
from .kubectl import Object, apply, eventually, get, kubectl, name_of, within
from .objects import script
from .releases import servers
from .world import CLIENTS, NAMESPACES, STRANGERS, World

Target = tuple[str, int]
Targets = dict[str, Target]
PORT, KUBELET = 8000, 10250
# Where a cluster may have nobody who answers, so that silence alone says little; the evidence names those.
MAYBE = {"the metadata address": ("169.254.169.254", 80), "198.51.100.1": ("198.51.100.1", 443)}


@dataclass(frozen=True)
class Place:
    """Where something is tried from."""

    namespace: str
    pod: str
    address: str = ""
    container: str = ""
    node: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod.removeprefix('pod/')}"


STRANGER, CLIENT = Place(STRANGERS, "stranger"), Place(CLIENTS, "client")


def reached(world: World, place: Place, targets: Mapping[str, Target]) -> dict[str, str]:
    """Who lets a pod in, by what the target is."""
    told = world.connects(place.namespace, place.pod, *targets.values(), container=place.container)
    return {what: told[f"{host}:{port}"] for what, (host, port) in targets.items()}


def must_be(expected: str, told: Mapping[str, str], who: object) -> bool:
    others = {what: how for what, how in told.items() if how != expected}
    assert not others, f"to {who} should be {expected}, and are not: {others}"
    return True


def must_become(world: World, place: Place, expected: Mapping[str, Targets]) -> None:
    """Targets by their outcome, among them pods that have just come, of which a policy may have to hear first."""
    everything = {what: target for targets in expected.values() for what, target in targets.items()}

    def holds() -> bool:
        told = reached(world, place, everything)
        return all(must_be(how, {what: told[what] for what in targets}, place) for how, targets in expected.items())

    eventually(holds, 20, f"{place} finds what it should")


def together(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(call) for call in calls]]


@contextmanager
def standing(*made: Object) -> Iterator[list[Place]]:
    """Pods, once they are ready."""
    words = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(made)})
    apply(made)
    try:
        kubectl("wait", "--for=condition=Ready", "--filename", "-", "--timeout=120s", stdin=words)
        found = json.loads(kubectl("get", "--filename", "-", "--output", "json", stdin=words))
        items = found["items"] if found["kind"] == "List" else [found]
        yield [Place(each["metadata"]["namespace"], name_of(each), each["status"]["podIP"]) for each in items]
    finally:
        kubectl("delete", "--filename", "-", "--ignore-not-found", "--wait=false", stdin=words)


def listener(world: World, where: str, labels: Mapping[str, str], *ports: int) -> Object:
    command = ("python", "/proof/listen.py", *map(str, ports or (PORT,)))
    # A name of its own each time: the pod of the last check may still be about to end.
    return objects.pod(f"listener-{secrets.token_hex(3)}", where, world.image, labels=labels, command=command)


def of_release(service: str, component: str) -> dict[str, str]:
    label = "app.kubernetes.io"
    return {f"{label}/name": service, f"{label}/instance": service, f"{label}/component": component}


@contextmanager
def listening(address: str) -> Iterator[int]:
    """A server outside the cluster, as on the internet; its port."""
    with socket.create_server((address, 0), backlog=64) as there:

        def answer() -> None:
            while True:
                try:
                    there.accept()[0].close()
                except OSError:  # the check is over
                    return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield int(there.getsockname()[1])
        there.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@contextmanager
def node_port(pod: str) -> Iterator[int]:
    """A port of every node that leads to a pod of the strangers."""
    name = f"{pod}-node"
    spec = {"type": "NodePort", "selector": {"careway.test/reached-by": pod}, "ports": [{"port": PORT}]}
    metadata = {"name": name, "namespace": STRANGERS}
    kubectl("--namespace", STRANGERS, "label", f"pod/{pod}", f"careway.test/reached-by={pod}")
    apply([{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}])
    try:
        yield int(get(STRANGERS, "service", name)["spec"]["ports"][0]["nodePort"])
    finally:
        kubectl("--namespace", STRANGERS, "delete", "service", name)


def pod_of(service: str) -> Place:
    found = servers(service)[0]
    return Place(NAMESPACES[service], name_of(found), found["status"]["podIP"], "server", found["spec"]["nodeName"])


def doors() -> Targets:
    """Where both services are asked, by their Services and past them."""
    found: Targets = {}
    for service, team in NAMESPACES.items():
        found[f"the Service of {service}"] = (f"{service}.{team}.svc", PORT)
        found[f"a pod of {service}"] = (pod_of(service).address, PORT)
    return found


def elsewhere(world: World, port: int, node: int, pods: Sequence[Place]) -> Targets:
    """What a service has no business with; `port` is one of this machine, `node` one of every node."""
    (point,) = (each for each in get("default", "endpointslices") if name_of(each) == "kubernetes")
    itself = point["endpoints"][0]["addresses"][0], point["ports"][0]["port"]
    found: Targets = {
        "an address outside": (world.address, port),
        "the API server's Service": (get("default", "service", "kubernetes")["spec"]["clusterIP"], 443),
        "the API server": itself,
        **{f"a pod of {each.namespace}": (each.address, PORT) for each in pods},
        **{f"the database's port of {each.namespace}": (each.address, world.database.port) for each in pods[:1]},
    }
    for each in get("default", "nodes"):
        address = next(one["address"] for one in each["status"]["addresses"] if one["type"] == "InternalIP")
        found |= {kubelet_of(name_of(each)): (address, KUBELET), f"a port of {name_of(each)}": (address, node)}
    return found


def kubelet_of(node: str) -> str:
    return f"the kubelet of {node}"


def of_own_node(place: Place, there: Mapping[str, Target]) -> dict[str, int | str]:
    """What the kubelet of a pod's own node says: no policy has to hold between those two, so it must refuse by itself."""
    host, port = there[kubelet_of(place.node)]
    told = within(
        place.namespace,
        place.pod,
        "python",
        "-",
        host,
        str(port),
        stdin=script("kubelet.py"),
        container=place.container,
    )
    statuses = dict[str, int | str](json.loads(told))
    assert set(statuses.values()) <= {401, 403, "silent"}, told
    return statuses
