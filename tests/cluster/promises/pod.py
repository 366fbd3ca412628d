"""What a container may do, and what a namespace lets in."""

from __future__ import annotations

import copy
import json
import secrets
from typing import Any

from tests.cluster import objects
from tests.cluster.kubectl import Failed, Object, apply, get, kubectl, name_of, refusal, within
from tests.cluster.objects import script
from tests.cluster.releases import must_be_installed, server, values
from tests.cluster.world import NAMESPACES, World

from . import promise

GENOMICS = NAMESPACES["genomics"]
ID = "10001"
RIGHTS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def faults(told: dict[str, Any]) -> list[str]:
    """What a container was given, or could do, and should not."""
    found = []
    for process, status in told["processes"].items():
        for name in ("Uid", "Gid"):
            if status[name].split() != [ID] * 4:
                found.append(f"process {process}: {name} {status[name]}")
        if set(status["Groups"].split()) - {ID}:
            found.append(f"process {process}: groups {status['Groups']}")
        found += [f"process {process}: {right} {status[right]}" for right in RIGHTS if int(status[right], 16)]
        if (status["NoNewPrivs"], status["Seccomp"]) != ("1", "2"):
            found.append(f"process {process}: NoNewPrivs {status['NoNewPrivs']}, Seccomp {status['Seccomp']}")
    found += [f"it was able {what}" for what, how in told["tries"].items() if how == "done"]
    found += [f"it wrote {path}" for path, how in told["writes"].items() if how == "done" and path != "/tmp/file"]
    if told["writes"]["/tmp/file"] != "done":
        found.append(f"it could not write /tmp/file: {told['writes']['/tmp/file']}")
    if "ro" not in told["root"].split(","):
        found.append(f"its root is mounted {told['root']}")
    if links := [each for each in told["variables"] if each.endswith("_SERVICE_HOST") and each[:11] != "KUBERNETES_"]:
        found.append(f"it has variables of Services: {links}")
    if told["api_token"]:
        found.append("it has a token for the API server")
    return found + [f"it has {each}" for each in (*told["devices"], *told["setuid"])]


@promise(
    "pod.inside",
    "A container runs as nobody in particular, can gain nothing, and cannot change its own files",
    tried="in a serving pod of each: /proc/1/status, setuid(0), mount, unshare, chroot, raw sockets, writes, devices",
    quick=True,
)
def inside(world: World) -> str:
    must_be_installed(world)
    told = {}
    for service, team in NAMESPACES.items():
        asks = ("python", "-")
        told = json.loads(within(team, server(service), *asks, stdin=script("inside.py"), container="server"))
        found = faults(told)
        assert not found, f"{service}: {'; '.join(found)}"
    one = told["processes"]["1"]
    tries = ", ".join(f"{what} ({how})" for what, how in told["tries"].items())
    return (
        f"Uid {one['Uid'].split()[0]}, CapBnd {one['CapBnd']}, NoNewPrivs {one['NoNewPrivs']}, Seccomp {one['Seccomp']}, "
        f"root {told['root'].split(',')[0]}; in vain: {tries}, and {len(told['writes']) - 1} writes"
    )


# --- Admission ----------------------------------------------------------------------------------------------------------


def template(service: str) -> Object:
    """A pod as the Deployment makes it, outside of its Service."""
    found: Object = copy.deepcopy(get(NAMESPACES[service], "deployment", service)["spec"]["template"])
    metadata = {"name": f"as-{service}", "namespace": NAMESPACES[service], "labels": {"careway.test/proof": "variant"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": found["spec"]}


PRIVILEGED: dict[str, tuple[Object, Object, Object]] = {
    # Of the pod, of its security context, of the container's.
    "privileged": ({}, {}, {"privileged": True, "allowPrivilegeEscalation": True}),
    "run-as-root": ({}, {"runAsUser": 0, "runAsNonRoot": False}, {}),
    "root-by-default": ({}, {"runAsUser": None, "runAsNonRoot": None}, {}),
    "privilege-escalation": ({}, {}, {"allowPrivilegeEscalation": True}),
    "capabilities-kept": ({}, {}, {"capabilities": None}),
    "sys-admin": ({}, {}, {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}),
    "unconfined": ({}, {"seccompProfile": {"type": "Unconfined"}}, {}),
    "no-seccomp": ({}, {"seccompProfile": None}, {}),
    "sysctl": ({}, {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}, {}),
    "host-network": ({"hostNetwork": True}, {}, {}),
    "host-processes": ({"hostPID": True}, {}, {}),
    "host-ipc": ({"hostIPC": True}, {}, {}),
    "host-path": ({"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}, {}, {}),
    "proc-unmasked": ({"hostUsers": False}, {}, {"procMount": "Unmasked"}),
}


def variant(name: str) -> Object:
    made = template("genomics")
    spec, (container,) = made["spec"], made["spec"]["containers"]
    of_pod, of_context, of_container = copy.deepcopy(PRIVILEGED[name])
    made["metadata"]["name"] = f"as-{name}"
    volumes = spec["volumes"] + of_pod.pop("volumes", [])
    spec |= {**of_pod, "volumes": volumes, "securityContext": spec["securityContext"] | of_context}
    container["securityContext"] |= of_container
    if of_pod.get("hostNetwork"):  # as whoever tries it would: else the API itself refuses it, before any policy
        container["ports"] = [{**each, "hostPort": each["containerPort"]} for each in container["ports"]]
    return made


@promise(
    "pod.admission",
    "The namespace admits the pod as it is, and no privileged variant of it",
    tried=f"kubectl apply --dry-run=server with the Deployment's own pod, and {len(PRIVILEGED)} variants of it: "
    + ", ".join(PRIVILEGED),
    quick=True,
)
def admission(world: World) -> str:
    must_be_installed(world)
    for service in NAMESPACES:
        apply([template(service)], "--dry-run=server")
    try:
        told = apply([variant(name) for name in PRIVILEGED], "--dry-run=server")
    except Failed as error:
        told = error.told
    lines = told.splitlines()
    refused = {
        name: line
        for name in PRIVILEGED
        for line in lines
        if f'pods "as-{name}" is forbidden: violates PodSecurity' in line
    }
    assert len(refused) == len(PRIVILEGED), f"not refused: {sorted(set(PRIVILEGED) - set(refused))}; {told}"
    return (
        f"{len(refused)} of {len(PRIVILEGED)} refused, as: {refused['privileged'].partition('is forbidden: ')[2][:160]}"
    )


@promise(
    "pod.objects",
    "The API server takes all objects of a release, without a warning",
    tried="helm template oci://… with quota, limit range and autoscaling | kubectl apply --dry-run=server "
    "--warnings-as-errors, as a release that is not there yet",
    quick=True,
)
def all_objects(world: World) -> str:
    must_be_installed(world)
    told = []
    platform = {
        "resourceQuota": objects.QUOTA,
        "limitRange": objects.RANGE,
        "autoscaling": {"enabled": True},
        # A Job and its pod are looked at alike; the pods of helm test would need their account to be there.
        "tests": {"asJob": True},
    }
    for service, team in NAMESPACES.items():
        words = [
            "rehearsal",
            world.registry.chart,
            "--namespace",
            team,
            "--version",
            world.first,
            *world.registry.trust,
        ]
        given = json.dumps({**values(world, service), **platform})
        rendered = world.registry.helm("template", *words, "--values", "-", stdin=given)
        dry = ("apply", "--filename", "-", "--namespace", team, "--dry-run=server", "--warnings-as-errors")
        lines = kubectl(*dry, stdin=rendered).splitlines()
        assert all(line.endswith("created (server dry run)") for line in lines), lines
        kinds = {line.partition("/")[0].partition(".")[0] for line in lines}
        told.append(f"{service}: {len(lines)} objects of {len(kinds)} kinds")
    return "; ".join(told)


@promise(
    "pod.quota",
    "A namespace's quota and bounds hold",
    tried="kubectl create of a pod that asks for more memory than the quota has; of one that asks for nothing",
    quick=True,
)
def quota(world: World) -> str:
    told = ""
    for team in NAMESPACES.values():
        hard = objects.QUOTA["requests.memory"]
        greedy = objects.pod("greedy", team, world.image)
        greedy["spec"]["containers"][0]["resources"] = {"requests": {"memory": hard}, "limits": {"memory": hard}}
        greedy["metadata"]["name"] = f"greedy-{secrets.token_hex(3)}"
        # Without dry run it would be refused in the same place; where it is not, nothing is left behind.
        told = refusal("create", "--filename", "-", "--dry-run=server", stdin=json.dumps(greedy))
        assert "exceeded quota: team" in told, told
        modest = objects.pod(f"modest-{secrets.token_hex(3)}", team, world.image)
        modest["spec"]["containers"][0].pop("resources")
        made = kubectl("create", "--filename", "-", "--dry-run=server", "--output", "json", stdin=json.dumps(modest))
        given = json.loads(made)["spec"]["containers"][0].get("resources")
        (bounds,) = objects.RANGE
        assert given == {"limits": bounds["default"], "requests": bounds["defaultRequest"]}, (
            f"{name_of(modest)}: {given}"
        )
    return f"{told.partition('is forbidden: ')[2][:200]}; who asks for nothing is given {bounds['default']}"
