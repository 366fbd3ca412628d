"""What may reach what, as NetworkPolicy says it: a small reading of the policies, asked about every pair of parties."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from tests.chart.promises.release import Release, selects
from tests.chart.rendering import Object, Objects, component

# Parties that no values name.
OUTSIDE = {"namespace": "elsewhere", "labels": {"app": "stranger"}}
OTHER_RELEASE = {
    "namespace": "team",
    "labels": {"app.kubernetes.io/instance": "other", "app.kubernetes.io/component": "server"},
}
DEFAULT_PORTS = {"telemetry": 4318, "issuers": 443, "aws": 443, "peer": 8000}


def _policies(release: Release, pod: Object, direction: str) -> Objects:
    """Those that hold for a pod of the release, in a direction."""
    return [
        each
        for each in release.kind("NetworkPolicy")
        if direction in each["spec"]["policyTypes"] and selects(each["spec"]["podSelector"], pod["metadata"]["labels"])
    ]


def _rules(release: Release, pod: Object, direction: str) -> Iterator[tuple[Object, Any]]:
    """Each way that is open for a pod: a party, and a port with its protocol."""
    for policy in _policies(release, pod, direction):
        for rule in policy["spec"].get(direction.lower()) or []:
            parties = rule["from" if direction == "Ingress" else "to"]
            for party in parties:
                for port in rule["ports"]:
                    yield party, (port["port"], port["protocol"])


def _of(party: Object, namespace: str, labels: dict[str, str], own: str) -> bool:
    """Whether a rule's party takes a pod."""
    if "ipBlock" in party:
        return False
    there = {"kubernetes.io/metadata.name": namespace}
    in_namespace = selects(party["namespaceSelector"], there) if "namespaceSelector" in party else namespace == own
    return in_namespace and selects(party.get("podSelector", {}), labels)


def _heard(release: Release, source: Object, target: Object) -> bool:
    """Whether the policies let one pod of the release ask another."""
    out = any(
        _of(party, release.namespace, target["metadata"]["labels"], release.namespace)
        for party, _ in _rules(release, source, "Egress")
    )
    return out and _let_in(release, source, target)


def _let_in(release: Release, source: Object, target: Object) -> bool:
    """Whether the target's own policies take what the source sends."""
    return any(
        _of(party, release.namespace, source["metadata"]["labels"], release.namespace)
        for party, _ in _rules(release, target, "Ingress")
    )


def denied_by_default(release: Release) -> Iterator[str]:
    """With policies every pod is held in both directions; without them there is none at all."""
    if not release.value("networkPolicy.enabled"):
        yield from (each["metadata"]["name"] for each in release.kind("NetworkPolicy"))
        return
    for name, pod in release.pods.items():
        for direction in ("Ingress", "Egress"):
            if not _policies(release, pod, direction):
                yield f"{name} is open: {direction}"


def never_the_world(release: Release) -> Iterator[str]:
    """Each rule names its parties and its ports, no party is everybody, and no other release is touched."""
    for policy in release.kind("NetworkPolicy"):
        name, spec = policy["metadata"]["name"], policy["spec"]
        if spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/instance") != release.name:
            yield f"{name} holds pods of others"
        for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
            parties = rule.get("from") or rule.get("to")
            if not parties or not rule.get("ports"):
                yield f"{name} has a rule for everybody, or for every port"
            for party in parties or []:
                if "ipBlock" in party:
                    if ip_network(party["ipBlock"]["cidr"]).prefixlen == 0:
                        yield f"{name} names the whole world"
                elif not any(selector.get("matchLabels") for selector in party.values()):
                    yield f"{name} names everybody"


def heard_within(release: Release) -> Iterator[str]:
    """Inside the release: the tests' own pod is heard by the service, the stranger is not, and the database of a trial
    by those alone that need it."""
    if not release.value("networkPolicy.enabled"):
        return
    wanted = {("test-within", "server")}
    if release.trial:
        wanted |= {(each, "trial-database") for each in ("server", "migration", "job")}
    every = {component(pod): pod for pod in release.pods.values()}
    pairs = [(one, other) for one in every for other in every if one != other]
    found = {(one, other) for one, other in pairs if _heard(release, every[one], every[other])}
    if found != wanted:
        yield f"heard are {sorted(found)}"
    # Each of the two sides is enough by itself: what a policy of one forgets, the other's does not repair.
    hears = {(one, other) for one, other in pairs if _let_in(release, every[one], every[other])}
    if hears != wanted:
        yield f"would be heard: {sorted(hears)}"
    # Who may send is not the proof of who is refused: the stranger sends, so that it is the service that does not hear.
    stranger = every["test-stranger"]
    if not any(
        _of(party, release.namespace, every["server"]["metadata"]["labels"], release.namespace)
        for party, _ in _rules(release, stranger, "Egress")
    ):
        yield "the stranger cannot even try"


def let_in_from_outside(release: Release) -> Iterator[str]:
    """The service hears those whom the values name, at its port; nothing else of the release hears anybody from outside."""
    if not release.value("networkPolicy.enabled"):
        return
    for name, pod in release.pods.items():
        ways = [(party, port) for party, port in _rules(release, pod, "Ingress") if _from_outside(party)]
        expected = []
        if component(pod) == "server":
            expected = [(_party(each), ("http", "TCP")) for each in release.value("networkPolicy.ingress.from")]
        if ways != expected:
            yield f"{name} hears {ways}"
        for who in (OUTSIDE, OTHER_RELEASE):
            if any(_of(party, who["namespace"], who["labels"], release.namespace) for party, _ in ways):  # type: ignore[arg-type]
                yield f"{name} hears {who}"


def goes_out(release: Release) -> Iterator[str]:
    """What leaves: names, and what the values name, at its port. The tests resolve names and ask the service."""
    if not release.value("networkPolicy.enabled"):
        return
    egress = release.value("networkPolicy.egress")
    names = [(_party(each), (each.get("port", 53), protocol)) for each in egress["dns"] for protocol in ("UDP", "TCP")]
    ports = {**DEFAULT_PORTS, "database": release.value("database.port")}
    others = [(_party(each), (each.get("port", ports[what]), "TCP")) for what in sorted(ports) for each in egress[what]]
    for name, pod in release.pods.items():
        ways = [way for way in _rules(release, pod, "Egress") if _from_outside(way[0])]
        part = component(pod)
        expected = {"trial-database": [], "test-within": names, "test-stranger": names}.get(part, [*names, *others])
        if ways != expected:
            yield f"{name} reaches {ways}"
        inside = [port for party, port in _rules(release, pod, "Egress") if not _from_outside(party)]
        own = {"trial-database": [], "test-within": [("http", "TCP")], "test-stranger": [("http", "TCP")]}
        if inside != own.get(part, [(5432, "TCP")] if release.trial else []):
            yield f"{name} reaches {inside} of the release"


def _from_outside(party: Object) -> bool:
    return "ipBlock" in party or "namespaceSelector" in party


def _party(value: Object) -> Object:
    """A party of the values as a policy writes it."""
    if "cidr" in value:
        return {"ipBlock": {key: value[key] for key in ("cidr", "except") if key in value}}
    found: Object = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": value["namespace"]}}}
    return {**found, "podSelector": {"matchLabels": value["podLabels"]}} if value.get("podLabels") else found
