"""Secrets come from AWS Secrets Manager, each team's own alone, rotate without a restart, and the database is verified."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from tests.chart.rendering import merged
from tests.cluster.kubectl import Failed, Object, apply, eventually, get, kubectl, within
from tests.cluster.objects import config_map, script
from tests.cluster.outside import Database
from tests.cluster.releases import Values, install, must_be_installed, server, servers, touch
from tests.cluster.watching import under_load
from tests.cluster.world import ESO_IMAGE, NAMESPACES, World

from . import NotTried, promise

TEAM = NAMESPACES["clinical"]
OTHER = "genomics"
# Names alone leave a pod, not what the files hold.
DIGESTS = """
import hashlib, json, pathlib
files = [file for file in pathlib.Path("/etc/careway/secrets").iterdir() if not file.name.startswith(".")]
print(json.dumps({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}))
"""


def _external() -> None:
    if not ESO_IMAGE:
        raise NotTried("CAREWAY_PROOF_EXTERNAL_SECRETS_IMAGE names no image of External Secrets")


def _wanted(world: World, service: str) -> dict[str, str]:
    """What Secrets Manager has for a service."""
    return world.aws.values[f"careway/{service}"] | world.aws.values[f"careway/{service}/database"]


def _condition(where: str, kind: str, name: str) -> Object:
    """What External Secrets says of an object; raises AssertionError while it says nothing."""
    conditions = get(where, kind, name).get("status", {}).get("conditions", [])
    assert conditions, f"{kind} {name} has no conditions"
    return next(dict(each) for each in conditions if each["type"] == "Ready")


@promise(
    "secrets.synced",
    "External Secrets brings each service its own secrets, and the pods have them as files",
    tried="kubectl get externalsecrets,secretstores of both; digests of the files in a pod beside those in Secrets Manager",
    quick=True,
)
def synced(world: World) -> str:
    _external()
    must_be_installed(world)
    for service, team in NAMESPACES.items():
        found = _condition(team, "externalsecret", service)
        assert (found["status"], found["reason"]) == ("True", "SecretSynced"), found
        assert _condition(team, "secretstore", service)["status"] == "True"
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in _wanted(world, service).items()}
        mounted = json.loads(within(team, server(service), "python", "-c", DIGESTS, container="server"))
        assert mounted == digests, f"{service} has other files than Secrets Manager: {sorted(mounted)}"
    return f"SecretSynced of both; the pods' files are those of Secrets Manager: {', '.join(sorted(digests))}"


@promise(
    "secrets.nowhere",
    "What is secret stands in no object but the Secret, and in no variable",
    tried="helm get all; kubectl get of everything but Secrets in both namespaces; printenv in a pod",
    quick=True,
)
def nowhere(world: World) -> str:
    must_be_installed(world)
    kinds = "all,configmaps,serviceaccounts,events,networkpolicies,cronjobs"
    count = 0
    for service, team in NAMESPACES.items():
        shown = {
            "helm get all": world.registry.helm("get", "all", service, "--namespace", team),
            "kubectl get": kubectl("--namespace", team, "get", kinds, "--output", "json"),
            "printenv": within(team, server(service), "python", "-c", "import os; print(dict(os.environ))"),
        }
        if ESO_IMAGE:
            outside = "externalsecrets,secretstores"
            shown["kubectl get externalsecrets"] = kubectl("--namespace", team, "get", outside, "--output", "json")
        for name, text in _wanted(world, service).items():
            # Who the user is, is no secret.
            found = [where for where, each in shown.items() if name != "username" and text in each]
            assert not found, f"{name} of {service} is shown by {', '.join(found)}"
        count += sum(map(len, shown.values()))
    return f"neither password nor secret key in {count} characters of objects, release and environment"


@promise(
    "secrets.refused",
    "No store reads the other team's secret, and none is borrowed from the other namespace",
    tried="in clinical's namespace, ExternalSecrets of genomics' secret: by its own store, by the name of genomics' store,"
    " by an account that claims genomics' role; AssumeRoleWithWebIdentity with clinical's token",
    quick=True,
)
def refused(world: World) -> str:
    _external()
    must_be_installed(world)
    before = len(world.aws.refusals)
    names = {"proof-own": "clinical", "proof-borrowed": OTHER, "proof-claimed": "proof-claimed"}
    claiming = _claiming(world)
    try:
        apply([*claiming, *(_asking(name, store) for name, store in names.items())])
        for name in names:
            found = eventually(partial(_condition, TEAM, "externalsecret", name), 60, f"a condition of {name}")
            assert found["status"] == "False", (
                f"{name} is {found['reason']}: genomics' secret is in clinical's namespace"
            )
            assert found["reason"] == "SecretSyncedError", found
        # It tries again, so what it is told may come later than the first condition.
        missing = set(_whys(world)).difference
        eventually(lambda: not missing(world.aws.refusals[before:]), 60, f"AWS says: {' and '.join(_whys(world))}")
    finally:
        kubectl("--namespace", TEAM, "delete", "externalsecret", *names, "--ignore-not-found")
        kubectl("--namespace", TEAM, "delete", "secretstore,serviceaccount", "proof-claimed", "--ignore-not-found")
    token = kubectl("--namespace", TEAM, "create", "token", "clinical-secrets", "--audience", "sts.amazonaws.com")
    asked = {service: world.aws.assume(world.role(service), token.strip())[0] for service in NAMESPACES}
    assert asked == {"clinical": 200, "genomics": 403}, asked
    return f"3 of 3 SecretSyncedError; AccessDenied: {'; '.join(_whys(world))}; clinical's token assumes its own role alone"


def _whys(world: World) -> tuple[str, str]:
    read = f"{world.role('clinical')} may not perform secretsmanager:GetSecretValue on careway/{OTHER}/database"
    return read, f"system:serviceaccount:{TEAM}:proof-claimed may not assume {world.role(OTHER)}"


def _asking(name: str, store: str) -> Object:
    """An ExternalSecret of clinical's team that asks for genomics' password."""
    wanted = {"key": f"careway/{OTHER}/database", "property": "password"}
    spec = {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "SecretStore", "name": store},
        "target": {"name": name},
        "data": [{"secretKey": "password", "remoteRef": wanted}],
    }
    head = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}
    return {**head, "metadata": {"name": name, "namespace": TEAM}, "spec": spec}


def _claiming(world: World) -> list[Object]:
    """An account of clinical's team that says it has genomics' role, and a store that asks in its name."""
    metadata = {"name": "proof-claimed", "namespace": TEAM}
    annotations = {"eks.amazonaws.com/role-arn": world.role(OTHER)}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, "annotations": annotations}}
    asks = {"jwt": {"serviceAccountRef": {"name": "proof-claimed"}}}
    aws = {"service": "SecretsManager", "region": "eu-central-1", "auth": asks}
    head = {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore"}
    return [account, {**head, "metadata": metadata, "spec": {"provider": {"aws": aws}}}]


@promise(
    "secrets.tls",
    "The database is asked with TLS, and is who its authority says",
    tried="psycopg.connect in a server's pod as the service does it; with another authority; by another name; without TLS",
    quick=True,
)
def tls(world: World) -> str:
    must_be_installed(world)
    stranger = world.database.stranger.file.read_text(encoding="utf-8")

    def answered(service: str, *options: str) -> str:
        asks = ("python", "-c", script("login.py"), *options)
        return within(NAMESPACES[service], server(service), *asks, stdin=stranger, container="server").strip()

    for service in NAMESPACES:
        assert (told := answered(service)) == "connected, with TLS", f"{service}: {told}"
        told = answered(service, "sslrootcert=/tmp/ca.pem")
        assert "certificate verify failed" in told, f"{service}, with another authority: {told}"
        # Whatever sslmode says, libpq refuses another authority; only verify-full refuses another's name.
        told = answered(service, "host=somebody-else.test", f"hostaddr={world.address}")
        assert "does not match host name" in told, f"{service}, by another name: {told}"
        clear = answered(service, "sslmode=disable")
        assert "SSL required" in clear or "no encryption" in clear, f"{service}, without TLS: {clear}"
    return "both connect with TLS; refused: another authority, a name that the certificate has not, and no TLS"


@promise(
    "secrets.authority",
    "A release with the wrong authority of the database does not start and says why; with the right one it does",
    tried="helm upgrade --install second with the values of genomics and another database.caConfigMap, then with the right one",
)
def authority(world: World) -> str:
    must_be_installed(world)
    team = NAMESPACES[OTHER]
    stranger = world.database.stranger.file.read_text(encoding="utf-8")
    apply([config_map("stranger-ca", team, {"ca.pem": stranger})])
    # Its own values, as they are now: what weakens them weakens this one.
    own: Values = json.loads(world.registry.helm("get", "values", OTHER, "--namespace", team, "--output", "json"))
    own = merged(own, {"replicas": 1})
    try:
        try:
            install(
                world,
                OTHER,
                release="second",
                changed=merged(own, {"database": {"caConfigMap": "stranger-ca"}}),
                timeout="25s",
            )
        except Failed:
            chosen = ("--selector", "app.kubernetes.io/instance=second")
            logs = kubectl("--namespace", team, "logs", *chosen, "--all-containers", "--ignore-errors", "--tail=-1")
        else:
            raise AssertionError("it started, though the database's certificate is of another authority")
        assert "certificate verify failed" in logs, logs[-600:]
        install(world, OTHER, release="second", changed=own)
        assert len(servers(OTHER, "second")) == 1
    finally:
        world.registry.helm("uninstall", "second", "--namespace", team, "--wait", "--ignore-not-found")
        kubectl("--namespace", team, "delete", "configmap", "stranger-ca", "--ignore-not-found")
    times = logs.count("certificate verify failed")
    return f"not ready in 25 s, its log says {times} times: certificate verify failed; ready with the right one"


@promise(
    "secrets.rotated",
    "Another user of the database reaches files and logins without a restart and without a failed request",
    tried="another user in Secrets Manager, under load; the files and sessions of the pods; then the old user is locked",
)
def rotated(world: World) -> str:
    _external()
    must_be_installed(world)
    old = world.aws.values[f"careway/{OTHER}/database"]["username"]
    (new,) = set(Database.users(OTHER)) - {old}
    before = _runs()
    counted: list[str] = []
    try:
        with under_load(world, counted, [OTHER]):
            told = _switched(world, new)
            _must_be_unused(world, old)
            # Whoever still needed it would fail from here on.
            world.database.lock(old)
            world.database.rows(
                OTHER, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{old}'"
            )
        sessions = world.database.sessions(OTHER)
        assert new in sessions, sessions
        assert old not in sessions, sessions
    finally:
        _restore(world, old)
    assert _runs() == before, f"{before} became {_runs()}"
    return f"{told}; all sessions of {new}, {old} locked; no restart; {'; '.join(counted)}"


def _runs() -> set[tuple[str, int]]:
    """The pods that serve, and how often they were restarted."""
    return {
        (each["metadata"]["uid"], status["restartCount"])
        for each in servers(OTHER)
        for status in each["status"]["containerStatuses"]
    }


def _switched(world: World, user: str) -> str:
    """Puts another user's login into Secrets Manager, and waits until every pod has it."""
    world.aws.values[f"careway/{OTHER}/database"] = world.database.change_password(user)
    team = NAMESPACES[OTHER]
    began = time.monotonic()
    eventually(lambda: _user(team) == user, 45, f"{user} in the Secret")
    seconds = time.monotonic() - began
    later = _files_say(user)
    return f"in the Secret after {seconds:.0f} s, in the files {' and '.join(later)} s later"


def _user(team: str) -> str:
    return base64.b64decode(get(team, "secret", OTHER)["data"]["username"]).decode()


def _files_say(user: str) -> list[str]:
    asks = ("python", "-c", script("follow.py"), user, "150")
    names = [f"pod/{each['metadata']['name']}" for each in servers(OTHER)]
    return [within(NAMESPACES[OTHER], name, *asks, container="server", timeout=200).strip() for name in names]


def _must_be_unused(world: World, user: str) -> None:
    """No connection grows old (releases.py), and each that is made anew is the new user's."""
    # The bouncer keeps sessions that nobody has any more: those are of the user still, and idle.
    recent = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND state_change > now() - interval '5s'"
    eventually(lambda: _count(world.database.rows(OTHER, recent)) == 0, 90, f"nobody uses {user}")


def _count(rows: Iterable[tuple[Any, ...]]) -> int:
    ((number,),) = rows
    return int(number)


def _restore(world: World, user: str) -> None:
    """As it was, without the wait."""
    world.aws.values[f"careway/{OTHER}/database"] = world.database.change_password(user)
    team = NAMESPACES[OTHER]
    eventually(lambda: _user(team) == user, 45, f"{user} in the Secret")
    touch(OTHER)
    _files_say(user)
