"""The cluster is the issuer of the services' own tokens: genomics verifies them by a key set that the platform keeps fresh."""

from __future__ import annotations

import base64
import json
import os
import shlex
import time
from functools import partial
from typing import Any

from tests.chassis.issuing import key_document, signer
from tests.cluster.kubectl import Failed, eventually, get, kubectl, refusal, rolled_out, run, within
from tests.cluster.links import linked, linking
from tests.cluster.releases import must_be_installed, server, servers, touch
from tests.cluster.world import ISSUER, NAMESPACES, ORGANIZATION, PLATFORM, SCOPES, World

from . import NotTried, promise

TEAMS = NAMESPACES["genomics"], NAMESPACES["clinical"]
REFRESHER = f"system:serviceaccount:{PLATFORM}:key-sets"
ROTATE = os.environ.get("CAREWAY_PROOF_ROTATE", "")
AWAIT = """
import json, sys, time
known, wanted, seconds = sys.argv[1].split(","), json.loads(sys.argv[2]), float(sys.argv[3])
began = time.monotonic()
while True:
    kids = {key["kid"] for key in json.load(open("/etc/careway/key-sets/cluster.json"))["keys"]}
    if all((kid in kids) == wanted for kid in known):
        break
    if time.monotonic() - began > seconds:
        sys.exit(f"the pod's key set has not followed: {sorted(kids)}")
    time.sleep(0.2)
print(round(time.monotonic() - began))
"""


@promise(
    "issuer.verified",
    "Genomics believes clinical by the cluster's key set, and nobody had to give it a token",
    tried="POST …/genomic-links at clinical; the header and claims of the projected token, as the pod has it",
    quick=True,
)
def verified(world: World) -> str:
    must_be_installed(world)
    link = linked(world)
    assert link["verification"] == "verified", f"the link is {link['verification']}"
    header, claims = token_of(server("clinical"))
    assert header["kid"] in kids(world), f"the cluster signs with {header['kid']}, and publishes {kids(world)}"
    assert claims["iss"] == world.cluster_issuer
    seconds = claims["exp"] - claims["iat"]
    return f"verified; the token is for {claims['aud']}, of {claims['sub']}, for {seconds} s, signed by {header['kid'][:8]}…"


def token_of(pod: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the token that a pod of clinical asks with; its signature stays there."""
    shows = "print(open('/var/run/secrets/careway/token').read().rpartition('.')[0])"
    parts = within(NAMESPACES["clinical"], pod, "python", "-c", shows, container="server").strip().split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in parts)
    return header, claims


def kids(world: World) -> list[str]:
    """The keys that the cluster publishes."""
    return [key["kid"] for key in json.loads(world.key_set())["keys"]]


@promise(
    "issuer.unreachable",
    "Nobody in the two namespaces reaches the API server; the platform's refresher does",
    tried="connections to kubernetes.default.svc:443 and to each of its endpoints, from the pods that serve and the refresher's",
    quick=True,
)
def unreachable(world: World) -> str:
    must_be_installed(world)
    targets = [("kubernetes.default.svc", 443)]
    for each in get("default", "endpointslices", "--selector", "kubernetes.io/service-name=kubernetes"):
        ports = [port["port"] for port in each["ports"]]
        targets += [(ip, port) for point in each["endpoints"] for ip in point["addresses"] for port in ports]
    # What nobody reaches at all proves nothing.
    theirs = world.connects(PLATFORM, "deployment/key-sets", *targets)
    assert set(theirs.values()) == {"connected"}, theirs
    for service, team in NAMESPACES.items():
        found = world.connects(team, server(service), *targets, container="server")
        assert set(found.values()) == {"silent"}, f"from {service}: {found}"
    return f"{', '.join(theirs)}: connected from the refresher, silence from genomics and clinical"


# What it is for, and what else somebody might want of it: (verb, what, namespace), as kubectl has them.
ALLOWED = [("get", "/openid/v1/jwks", ""), *(("patch", "configmaps/key-sets", team) for team in TEAMS)]
DENIED = [
    *((verb, "secrets", team) for team in TEAMS for verb in ("get", "list", "create", "delete")),
    *((verb, "pods", team) for team in TEAMS for verb in ("get", "list", "create", "delete")),
    *((verb, "configmaps/key-sets", team) for team in TEAMS for verb in ("get", "update", "delete")),
    *(("patch", "configmaps/clinical", team) for team in TEAMS),
    *(("create", what, team) for team in TEAMS for what in ("pods/exec", "serviceaccounts/token", "configmaps")),
    *(("patch", "configmaps/key-sets", where) for where in (PLATFORM, "default", "kube-system")),
    *(("list", what, "") for what in ("nodes", "namespaces", "clusterroles")),
    *(("get", path, "") for path in ("/metrics", "/logs", "/debug/pprof", "/configz")),
]


@promise(
    "issuer.rights",
    "Who refreshes the key-set file may read the key set and change one ConfigMap a namespace, and no other object",
    tried="kubectl auth can-i as its account; kubectl get --raw as its account",
    quick=True,
)
def rights(world: World) -> str:
    for expected, asked in ((True, ALLOWED), (False, DENIED)):
        for verb, what, where in asked:
            assert _may(verb, what, where) == expected, (
                f"{REFRESHER} {verb} {what} in {where or 'the cluster'}: {not expected}"
            )
    shown = kubectl("get", "--raw", "/openid/v1/jwks", "--as", REFRESHER)
    assert json.loads(shown)["keys"], shown
    paths = [f"/api/v1/namespaces/{team}/{kind}" for team in TEAMS for kind in ("secrets", "pods", "configmaps")]
    for path in (*paths, "/api/v1/nodes", "/apis/apps/v1/deployments", "/metrics"):
        told = refusal("get", "--raw", path, "--as", REFRESHER)
        assert "Forbidden" in told or "forbidden" in told, f"{path}: {told}"
    return f"{len(ALLOWED)} allowed and {len(DENIED)} denied, as written; the key set answered, {len(paths) + 3} other paths are 403"


def _may(verb: str, what: str, where: str) -> bool:
    scope = ("--namespace", where) if where else ()
    try:
        return kubectl("auth", "can-i", verb, what, *scope, "--as", REFRESHER).strip() == "yes"
    except Failed as error:
        if error.told.splitlines()[-1].startswith("no"):  # it ends with 1 when it says no
            return False
        raise


@promise(
    "issuer.fresh",
    "The platform keeps the key-set file as the cluster publishes it",
    tried="kubectl patch configmap key-sets with a stranger's key beside the cluster's; it is gone again",
    quick=True,
)
def fresh(world: World) -> str:
    team = NAMESPACES["genomics"]
    published = json.loads(world.key_set())
    strange = {"keys": [*published["keys"], signer("stranger", "ES256").jwk]}
    _patch(team, "cluster.json", json.dumps(strange))
    began = time.monotonic()

    try:
        eventually(partial(_is_written, world), 30, "the ConfigMap is the cluster's key set again")
    except AssertionError:
        _patch(team, "cluster.json", world.key_set())
        raise
    return f"a stranger's key was gone after {time.monotonic() - began:.0f} s"


def _is_written(world: World) -> bool:
    written = get(NAMESPACES["genomics"], "configmap", "key-sets")["data"]["cluster.json"]
    return bool(json.loads(written) == json.loads(world.key_set()))


def _patch(team: str, file: str, content: str) -> None:
    change = json.dumps({"data": {file: content}})
    kubectl("--namespace", team, "patch", "configmap", "key-sets", "--type=merge", "--patch", change)


@promise(
    "issuer.followed",
    "A key that is added to the key set counts in every pod without a restart, and one that is removed counts no more",
    tried="kubectl patch configmap key-sets: another key of the people's issuer, and without it again; a token that it signs",
)
def followed(world: World) -> str:
    must_be_installed(world)
    team = NAMESPACES["genomics"]
    added = signer("added", "ES256")
    token = added.token(
        iss=ISSUER, sub="dr-okafor", scope=SCOPES["genomics"], organization=ORGANIZATION, exp=int(time.time()) + 3600
    )
    before = {each["metadata"]["uid"] for each in servers("genomics")}
    assert _statuses(world, token) == {401}, "a key that nobody has published counts"
    began = time.monotonic()
    try:
        _patch(team, "clients.json", key_document(world.clients, added).decode())
        eventually(partial(_is_answered, world, token, {200}), 150, "each pod believes the new key")
        seconds = time.monotonic() - began
        _patch(team, "clients.json", key_document(world.clients).decode())
        touch("genomics")  # the wait was seen once
        eventually(partial(_is_answered, world, token, {401}), 150, "no pod believes the new key")
    finally:
        _patch(team, "clients.json", key_document(world.clients).decode())
    assert {each["metadata"]["uid"] for each in servers("genomics")} == before
    return f"401 before, 200 of every pod {seconds:.0f} s after it was added, 401 after it was removed; no restart"


def _is_answered(world: World, token: str, expected: set[int]) -> bool:
    return _statuses(world, token) == expected


def _statuses(world: World, token: str) -> set[int]:
    """What each pod of genomics answers."""
    ask = {"headers": {"Authorization": f"Bearer {token}", "Host": "genomics"}}
    pods = [each["status"]["podIP"] for each in servers("genomics")]
    return {
        answer.status for answer in world.ask(*({**ask, "url": f"http://{ip}:8000/genomics/v1/samples"} for ip in pods))
    }


@promise(
    "issuer.rotated",
    "A rotation of the cluster's signing keys breaks no link",
    tried="$CAREWAY_PROOF_ROTATE publish, sign, retire, while links are made; kubectl rollout restart of clinical for new tokens",
)
def rotated(world: World) -> str:
    if not ROTATE:
        raise NotTried("CAREWAY_PROOF_ROTATE names no command that rotates this cluster's keys: publish, sign, retire")
    must_be_installed(world)
    (old,) = kids(world)
    with linking(world) as outcomes:
        _rotate("publish")
        (new,) = eventually(lambda: set(kids(world)) - {old}, 120, "the cluster publishes another key")
        published = _pods_know(new, True)
        _rotate("sign")
        # The kubelet renews a token when four fifths of its time are over; a new pod has a new one.
        kubectl("--namespace", NAMESPACES["clinical"], "rollout", "restart", "deployment/clinical")
        rolled_out(NAMESPACES["clinical"], "clinical")
        signed = {token_of(f"pod/{each['metadata']['name']}")[0]["kid"] for each in servers("clinical")}
        assert signed == {new}, f"tokens of new pods are signed by {signed}"
        _rotate("retire")
        eventually(lambda: kids(world) == [new], 120, "the cluster publishes the new key alone")
        eventually(partial(_is_written, world), 60, "the ConfigMap is the cluster's key set")
        touch("genomics")
        _pods_know(old, False)
        assert linked(world)["verification"] == "verified"
    assert set(outcomes) == {"verified"}, dict(outcomes)
    assert outcomes["verified"] >= 100, f"{dict(outcomes)} prove nothing"
    return (
        f"{old[:8]}… gave way to {new[:8]}…, which the pods had {published} s after it was published;"
        f" {outcomes['verified']} links meanwhile, all verified"
    )


def _rotate(step: str) -> None:
    run([*shlex.split(ROTATE), step], timeout=300)
    eventually(lambda: kubectl("get", "--raw", "/readyz") == "ok", 120, "the API server is ready again")


def _pods_know(kid: str, wanted: bool) -> int:
    """Waits until the key is, or is no more, in the key-set file of every pod of genomics; the seconds that took."""
    asks = ("python", "-c", AWAIT, kid, json.dumps(wanted), "180")
    began = time.monotonic()
    for each in servers("genomics"):
        within(NAMESPACES["genomics"], f"pod/{each['metadata']['name']}", *asks, container="server", timeout=200)
    return round(time.monotonic() - began)
