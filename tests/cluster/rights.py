"""Who may do what at the API server: what is asked, and what the answer should be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .kubectl import Object, kubectl
from .world import NAMESPACES, PLATFORM

LOOK = ("list", "get", "watch")
CHANGE = ("create", "update", "patch", "delete", "deletecollection")
# What a team may look at in its namespace, and nothing else.
SEEN = (
    *("pods", "pods/log", "services", "endpoints", "configmaps", "events", "serviceaccounts", "resourcequotas"),
    *("limitranges", "apps/deployments", "apps/replicasets", "batch/jobs", "batch/cronjobs"),
    *("networking.k8s.io/networkpolicies", "networking.k8s.io/ingresses", "gateway.networking.k8s.io/httproutes"),
    *("discovery.k8s.io/endpointslices", "policy/poddisruptionbudgets", "autoscaling/horizontalpodautoscalers"),
    *("external-secrets.io/externalsecrets", "external-secrets.io/secretstores"),
)
# What leads to the data, or to more rights.
INTO = {
    "secrets": (*LOOK, *CHANGE),
    "pods/exec": ("get", "create"),
    "pods/attach": ("get", "create"),
    "pods/portforward": ("get", "create"),
    "pods/proxy": ("get", "create"),
    "services/proxy": ("get", "create"),
    "pods/ephemeralcontainers": ("update", "patch"),
    "pods/eviction": ("create",),
    "serviceaccounts/token": ("create",),
    "apps/deployments/scale": ("update", "patch"),
    "rbac.authorization.k8s.io/roles": (*CHANGE, "escalate", "bind"),
    "rbac.authorization.k8s.io/rolebindings": CHANGE,
    "apps/daemonsets": CHANGE,
    "apps/statefulsets": CHANGE,
    "external-secrets.io/pushsecrets": CHANGE,
}
OF_THE_CLUSTER = (
    "secrets",
    "nodes",
    "nodes/proxy",
    "namespaces",
    "persistentvolumes",
    "rbac.authorization.k8s.io/clusterroles",
)


@dataclass(frozen=True)
class Subject:
    """Whoever asks the API server, as kubectl's --as and --as-group name them."""

    user: str
    groups: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [f"--as={self.user}", *(f"--as-group={each}" for each in self.groups)]


def team(service: str) -> Subject:
    return Subject("ana", (f"{service}-team", "system:authenticated"))


def account(service: str, name: str = "") -> Subject:
    where = NAMESPACES[service]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{where}", "system:authenticated")
    return Subject(f"system:serviceaccount:{where}:{name or service}", groups)


@dataclass(frozen=True)
class Question:
    subject: Subject
    verb: str
    resource: str
    namespace: str
    allowed: bool

    def __str__(self) -> str:
        who = f"{self.subject.user} ({self.subject.groups[0]})"
        return f"{who}: {self.verb} {self.resource} in {self.namespace or 'the cluster'}"

    @property
    def review(self) -> Object:
        """What `kubectl auth can-i` asks, for somebody else."""
        group, _, resource = self.resource.partition("/") if "." in self.resource.partition("/")[0] else ("", "", "")
        if not resource:
            first, _, rest = self.resource.partition("/")
            group, resource = (
                (first, rest) if first in ("apps", "batch", "policy", "autoscaling") else ("", self.resource)
            )
        resource, _, subresource = resource.partition("/")
        about = {"verb": self.verb, "group": group, "resource": resource, "subresource": subresource}
        spec = {"user": self.subject.user, "groups": list(self.subject.groups)}
        attributes = {**about, "namespace": self.namespace}
        head = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        return {**head, "spec": {**spec, "resourceAttributes": attributes}}


def questions() -> Iterator[Question]:
    for service, own in NAMESPACES.items():
        workloads = (account(service), account(service, f"{service}-secrets"))
        everybody = (team(service), *workloads)
        for where in (*NAMESPACES.values(), PLATFORM, "kube-system", ""):
            for resource in SEEN:
                verbs: Sequence[str] = LOOK if where == own else LOOK[:1]
                yield from (Question(team(service), verb, resource, where, where == own) for verb in verbs)
        for where in NAMESPACES.values():
            for resource in SEEN:
                yield from (Question(each, "list", resource, where, False) for each in workloads)
                yield from (
                    Question(each, verb, resource, where, False) for each in everybody for verb in ("create", "delete")
                )
            for resource, verbs in INTO.items():
                yield from (Question(each, verb, resource, where, False) for each in everybody for verb in verbs)
        for resource in OF_THE_CLUSTER:
            yield from (Question(each, verb, resource, "", False) for each in everybody for verb in ("list", "create"))


def answered(asked: Sequence[Question]) -> list[bool]:
    """All at once: a kubectl for each would take minutes."""
    listed = {"apiVersion": "v1", "kind": "List", "items": [each.review for each in asked]}
    told = kubectl("create", "--filename", "-", "--output", "json", stdin=json.dumps(listed))
    # One document after the other, and no list.
    found: list[Object] = []
    decoder, rest = json.JSONDecoder(), told.lstrip()
    while rest:
        one, end = decoder.raw_decode(rest)
        found.append(one)
        rest = rest[end:].lstrip()
    assert len(found) == len(asked), (len(found), len(asked))
    return [bool(each["status"]["allowed"]) for each in found]
