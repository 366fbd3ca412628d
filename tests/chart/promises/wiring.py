"""Objects find each other: names, labels, selectors, ports, references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.chart.promises.release import Release, selects
from tests.chart.rendering import ABOUT, component, template_of

# What an object is about, where it is not the server.
COMPONENTS = {
    "Role": {"team"}, "RoleBinding": {"team"}, "ResourceQuota": {"team"}, "LimitRange": {"team"},
    "CronJob": {"job"}, "SecretStore": {"secrets"}, "ExternalSecret": {"secrets"}, "Secret": {"trial-database"},
    "Job": {"migration", "test"}, "ConfigMap": {"server", "test", "monitoring"}, "ServiceAccount": {"server", "secrets"},
    "NetworkPolicy": {"server", "test", "trial-database"},
    "Deployment": {"server", "trial-database"}, "Service": {"server", "trial-database"},
    **{kind: {"monitoring"} for kind in ("PrometheusRule", "PrometheusServiceLevel", "ServiceLevelObjective")},
}  # fmt: skip


def headed(release: Release) -> Iterator[str]:
    """Every object is in the namespace of the release, begins with its name, and says by its labels what it is."""
    for each in release.ours:
        head = each["metadata"]
        if head["namespace"] != release.namespace or not head["name"].startswith(release.name):
            yield f"{each['kind']} is {head['namespace']}/{head['name']}"
        if each["kind"] == "Pod":
            continue
        expected = {
            "app.kubernetes.io/name": release.service,
            "app.kubernetes.io/instance": release.name,
            "app.kubernetes.io/part-of": "careway",
            "app.kubernetes.io/version": ABOUT["appVersion"],
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": f"{ABOUT['name']}-{ABOUT['version']}",
            **release.value("labels"),
        }
        labels = {name: text for name, text in head["labels"].items() if name != "app.kubernetes.io/component"}
        if component(each) == "monitoring":
            # What operators find them by is monitoring.py's.
            labels = {name: text for name, text in labels.items() if name in expected}
        if labels != expected or component(each) not in COMPONENTS.get(each["kind"], {"server"}):
            yield f"{each['kind']}/{head['name']} has {head['labels']}"


def once(release: Release) -> Iterator[str]:
    """No two objects of a kind have one name."""
    counted = Counter((each["kind"], each["metadata"]["name"]) for each in release.objects)
    yield from (f"{kind}/{name}" for (kind, name), number in counted.items() if number > 1)


def selectors_take_their_own(release: Release) -> Iterator[str]:
    """A Deployment, a Service and a budget take the pods of one component, of this release alone."""
    for each in release.kind("Deployment", "Service", "PodDisruptionBudget"):
        name = f"{each['kind']}/{each['metadata']['name']}"
        selector = each["spec"]["selector"]
        labels = selector if each["kind"] == "Service" else selector["matchLabels"]
        if labels.get("app.kubernetes.io/instance") != release.name or len(labels) != 3:
            yield f"{name} selects {labels}"
        taken = {component(pod) for pod in release.pods.values() if selects({"matchLabels": labels}, _labels(pod))}
        if taken != {component(each)}:
            yield f"{name} takes {taken}"
        template = template_of(each)
        if template and not selects(selector, _labels(template)):
            yield f"{name} does not take its own pods"


def _labels(pod: dict[str, dict[str, dict[str, str]]]) -> dict[str, str]:
    return pod["metadata"]["labels"]


def ports_are_there(release: Release) -> Iterator[str]:
    """A port that is named is a port of the pods that are meant."""
    for service in release.kind("Service"):
        taken = [
            pod for pod in release.pods.values() if selects({"matchLabels": service["spec"]["selector"]}, _labels(pod))
        ]
        known = {port["name"] for pod in taken for one in pod["spec"]["containers"] for port in one.get("ports", [])}
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in known:
                yield f"{service['metadata']['name']} leads to {port['targetPort']}"


def references_are_there(release: Release) -> Iterator[str]:
    """What an object of the chart names is an object of the chart."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": release.name}
    for each in release.kind("HorizontalPodAutoscaler"):
        if each["spec"]["scaleTargetRef"] != target or not release.has("Deployment"):
            yield f"what is scaled is {each['spec']['scaleTargetRef']}"
    proof = release.named("ConfigMap", f"{release.name}-prove")["data"]
    if set(proof) != {"prove.py"} or 'if __name__ == "__main__":' not in proof["prove.py"]:
        yield f"the tests are {sorted(proof)}"
    for name, pod in release.pods.items():
        if not release.has("ServiceAccount", pod["spec"]["serviceAccountName"]):
            yield f"{name} is nobody"


def brought_whole(release: Release) -> Iterator[str]:
    """Objects and containers that values bring are there, and strings in the objects are templates."""
    for wanted in release.value("extraObjects"):
        name = wanted["metadata"]["name"].replace("{{ .Release.Name }}", release.name)
        if release.named(wanted["kind"], name) != {**wanted, "metadata": {**wanted["metadata"], "name": name}}:
            yield f"{name} is another"
    spec = release.serving
    (*early, _), (_, *beside) = spec["initContainers"], spec["containers"]
    wanted = release.value("sidecars")
    # What asks the database at the start may need one of them.
    if early != [each for each in wanted if "restartPolicy" in each] or [*early, *beside] != wanted:
        yield f"the containers beside are {[each['name'] for each in [*early, *beside]]}"
