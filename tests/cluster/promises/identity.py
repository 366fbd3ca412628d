"""What the identities of a team and of its workload may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt

from tests.cluster.kubectl import PROGRAM as KUBECTL
from tests.cluster.kubectl import Failed, get, kubectl, pods, refusal, run, within
from tests.cluster.releases import must_be_installed, objects_of, server
from tests.cluster.rights import Subject, account, answered, questions, team
from tests.cluster.world import NAMESPACES, ORGANIZATION, World

from . import promise

CLINICAL = NAMESPACES["clinical"]
PEER_TOKEN = "/var/run/secrets/careway/token"


@promise(
    "identity.rights",
    "A team looks at its own namespace and at nothing else; the workload may do nothing",
    tried="SubjectAccessReviews, which `kubectl auth can-i --as` makes too: every verb and resource of the Role, and of "
    "what leads to data or to more rights, in both namespaces, the platform's, kube-system, and the cluster",
    quick=True,
)
def rights(world: World) -> str:
    must_be_installed(world)
    asked = list(questions())
    told = answered(asked)
    wrong = [f"{each}: {'yes' if may else 'no'}" for each, may in zip(asked, told, strict=True) if may != each.allowed]
    assert not wrong, f"{len(wrong)} of {len(asked)} are otherwise: {'; '.join(wrong[:5])}"
    return f"{len(asked)} questions: {sum(told)} allowed, {len(told) - sum(told)} denied, each as it should be"


# --- Really refused -----------------------------------------------------------------------------------------------------


def own_secret(service: str) -> str:
    """The Secret that the service reads."""
    volumes = get(NAMESPACES[service], "deployment", service)["spec"]["template"]["spec"]["volumes"]
    return str(next(each["secret"]["secretName"] for each in volumes if each["name"] == "secrets"))


def attempts(service: str) -> Iterator[tuple[Subject, tuple[str, ...]]]:
    (other,) = set(NAMESPACES) - {service}
    own, foreign = ("--namespace", NAMESPACES[service]), ("--namespace", NAMESPACES[other])
    for subject in (team(service), account(service)):
        yield subject, (*own, "get", "secrets")
        yield subject, (*own, "get", "secret", own_secret(service))
        yield subject, (*foreign, "get", "secrets")
        yield subject, (*foreign, "get", "secret", own_secret(other))
        yield subject, (*foreign, "get", "pods")
        yield subject, (*foreign, "get", "configmaps")
        yield subject, (*own, "create", "token", service)
        yield subject, (*foreign, "create", "token", other)
    yield team(service), (*own, "exec", server(service), "--container", "server", "--", "true")
    yield team(service), (*own, "delete", server(service), "--dry-run=server")


@promise(
    "identity.refused",
    "Neither a team nor its workload reads a Secret, its own or the other team's, or goes where it has no business",
    tried="kubectl --as … get secrets, get secret NAME, create token, exec, delete, in both namespaces; and, as what the "
    "team may, get pods and logs",
    quick=True,
)
def refused(world: World) -> str:
    must_be_installed(world)
    told = []
    for service, own in NAMESPACES.items():
        kubectl("--namespace", own, "get", "secret", own_secret(service), "--output", "name")  # it is there
        may = team(service).words
        assert kubectl("--namespace", own, *may, "get", "pods", "--output", "name").count("pod/") >= 2
        assert kubectl("--namespace", own, *may, "logs", server(service), "--container", "server", "--tail=1")
        asked = list(attempts(service))
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda each: refusal(*each[0].words, *each[1]), asked))
        for (subject, words), answer in zip(asked, answers, strict=True):
            assert "forbidden" in answer, f"{subject.user}: {' '.join(words)}: {answer}"
        told += answers
    return f"{len(told)} refusals, such as: {told[3].partition('(Forbidden): ')[2][:160]}"


# --- Tokens -------------------------------------------------------------------------------------------------------------

TOKENS = """
import json, pathlib
found = (each for each in pathlib.Path("/var/run/secrets").rglob("token") if ".." not in str(each))
print(json.dumps({str(each): each.read_text() for each in found}))
"""


def tokens(service: str) -> dict[str, str]:
    """Those that a serving pod has, by path."""
    asks = ("python", "-c", TOKENS)
    told = within(NAMESPACES[service], server(service), *asks, container="server")
    return dict[str, str](json.loads(told))


def stolen() -> str:
    """The token that clinical asks its peer with."""
    return tokens("clinical")[PEER_TOKEN]


def created(service: str, audience: str = "") -> str:
    """A token of the account of a service, as somebody with more rights than any team would make it."""
    aimed = ["--audience", audience] if audience else []
    return kubectl("--namespace", NAMESPACES[service], "create", "token", service, *aimed).strip()


def with_token(world: World, token: str, *words: str) -> str:
    """What kubectl is told that has this token and nothing else."""
    told = json.loads(kubectl("config", "view", "--raw", "--flatten", "--minify", "--output", "json"))
    for each in told["contexts"]:
        each["context"]["user"] = "bearer"
    told["users"] = [{"name": "bearer", "user": {"token": token}}]
    file = world.folder / "bearer.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    try:
        return run([KUBECTL, "--kubeconfig", str(file), *words])
    except Failed as error:
        return error.told
    finally:
        file.unlink()


@promise(
    "identity.token",
    "No pod has a token for the API server, and the token that it has for its peer is worth nothing there",
    tried="the files of serving pods, automountServiceAccountToken of all workloads; kubectl with clinical's token, and "
    "with one of its account for the API server",
    quick=True,
)
def no_api_token(world: World) -> str:
    must_be_installed(world)
    for service, expected in (("genomics", set[str]()), ("clinical", {PEER_TOKEN})):
        assert set(tokens(service)) == expected, f"{service} has {set(tokens(service))}"
        specs = [each["spec"] for each in pods(NAMESPACES[service], f"app.kubernetes.io/instance={service}")]
        specs += [each["spec"]["jobTemplate"]["spec"]["template"]["spec"] for each in objects_of(service, "cronjobs")]
        mounted = [each for each in specs if each.get("automountServiceAccountToken") is not False]
        assert not mounted, f"{len(mounted)} of {len(specs)} pods of {service} have a token for the API server"
    token = stolen()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == ["genomics"], f"the token for the peer is for {claims['aud']}"
    pods_of_it = ("--namespace", CLINICAL, "get", "pods")
    answer = with_token(world, token, *pods_of_it)
    assert "Unauthorized" in answer, answer
    # The same account with a token for the API server is known there, and may do nothing.
    known = with_token(world, created("clinical"), *pods_of_it)
    assert "(Forbidden)" in known, known
    return f"with clinical's token for {claims['aud'][0]}: {answer.splitlines()[-1][:80]}; with one for the API: 403"


Use = tuple[str, str, str, str, Any, set[int]]


def uses() -> list[Use]:
    """What is tried with which token: the service, the path, what is written, and the statuses that it may be answered."""
    token = stolen()
    record = {"accession": "N-1", "kind": "blood", "origin": "germline"}
    return [
        ("clinical's token, reading at genomics", token, "genomics", "analyses", None, {200}),
        ("clinical's token, writing at genomics", token, "genomics", "samples", record, {403}),
        ("clinical's token, at clinical", token, "clinical", "patients", None, {401}),
        (
            "genomics' account for genomics, at genomics",
            created("genomics", "genomics"),
            "genomics",
            "analyses",
            None,
            {403},
        ),
        (
            "genomics' account for clinical, at clinical",
            created("genomics", "clinical"),
            "clinical",
            "patients",
            None,
            {401},
        ),
        (
            "clinical's account for clinical, at genomics",
            created("clinical", "clinical"),
            "genomics",
            "analyses",
            None,
            {401},
        ),
        (
            "clinical's account for people, at genomics",
            created("clinical", "careway"),
            "genomics",
            "analyses",
            None,
            {401},
        ),
        ("clinical's account for the API, at genomics", created("clinical"), "genomics", "analyses", None, {401}),
    ]


@promise(
    "identity.stolen",
    "A stolen token of one service opens nothing but what it is for",
    tried="clinical's token for genomics, read from its pod, sent by a client to both services; tokens of either account "
    "for other audiences",
    quick=True,
)
def stolen_token(world: World) -> str:
    must_be_installed(world)
    asked = uses()
    answers = world.ask(
        *(
            {
                "method": "POST" if body else "GET",
                "url": f"{world.url(service)}/{service}/v1/{path}",
                "headers": {
                    "Authorization": f"Bearer {used}",
                    "Careway-Organization": ORGANIZATION,
                    "Content-Type": "application/json",
                },
                "body": body,
            }
            for _, used, service, path, body, _ in asked
        )
    )
    told = {each[0]: answer.status for each, answer in zip(asked, answers, strict=True)}
    wrong = {each[0]: told[each[0]] for each in asked if told[each[0]] not in each[5]}
    assert not wrong, f"answered otherwise: {wrong}; {[answer.content[:200] for answer in answers]}"
    return "; ".join(f"{what}: {status}" for what, status in told.items())
