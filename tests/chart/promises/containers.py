"""What a container may, what it runs, what it is told, and what it may use up."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tests.chart.promises.release import Release
from tests.chart.rendering import ABOUT, Object, component
from tests.chart.rendering import containers as of_pod

CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
FIELDS = {
    "K8S_POD_NAME": "metadata.name",
    "K8S_POD_UID": "metadata.uid",
    "K8S_POD_IP": "status.podIP",
    "K8S_NODE_NAME": "spec.nodeName",
}


def _own(release: Release) -> Iterator[tuple[str, Object, Object]]:
    """Each container that the chart makes, with its pod; not those that values bring."""
    sidecars = {each["name"] for each in release.value("sidecars")}
    for name, pod in release.pods.items():
        for each in of_pod(pod):
            if each["name"] not in sidecars:
                yield f"{name} {each['name']}", each, pod


def _of_the_service(release: Release) -> Iterator[tuple[str, Object, Object]]:
    """Those of our image."""
    return (each for each in _own(release) if component(each[2]) != "trial-database")


def confined(release: Release) -> Iterator[str]:
    """No privilege can be had, no capability is held, and nothing of the image can be written."""
    for name, container, _ in _own(release):
        if container["securityContext"] != CONFINED:
            yield f"{name} may {container['securityContext']}"


def bounded(release: Release) -> Iterator[str]:
    """Requests and limits are there, so that a quota lets the pod in and a neighbour keeps its memory."""
    for name, container, _ in _own(release):
        for kind, needed in (("requests", {"cpu", "memory"}), ("limits", {"memory"})):
            if missing := (needed | {"ephemeral-storage"}) - set(container["resources"][kind]):
                yield f"{name} has no {kind} of {', '.join(sorted(missing))}"
    for name, container, _ in _of_the_service(release):
        key = "resources" if container["name"] == "server" else "jobResources"
        if container["resources"] != release.value(key):
            yield f"{name} has {container['resources']}"


def of_the_image(release: Release) -> Iterator[str]:
    """Every container of ours is the image of the values, by digest where there is one."""
    image = release.value("image")
    which = f"@{image['digest']}" if image["digest"] else f":{ABOUT['appVersion']}"
    for name, container, pod in _own(release):
        expected = (f"{image['repository']}{which}", image["pullPolicy"])
        if component(pod) == "trial-database":
            expected = (release.value("database.trialImage"), "IfNotPresent")
        if (container["image"], container["imagePullPolicy"]) != expected:
            yield f"{name} is {container['image']}"


def told(release: Release) -> Iterator[str]:
    """Every container of ours reads the same settings, knows which pod it is in, says so to telemetry, and has what values add.
    What migrates, and what waits for that, has another way to the database where there is one.

    The order matters: the kubelet fills $(NAME) in with what stands before.
    """
    known: list[Object] = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in FIELDS.items()
    ]
    attributes = {
        f"k8s.{part}": f"$(K8S_{part.replace('.', '_').upper()})" for part in ("pod.name", "pod.uid", "node.name")
    }
    attributes |= {"k8s.namespace.name": release.namespace, "k8s.deployment.name": release.name}
    attributes |= {name: quote(text) for name, text in sorted(release.value("telemetry.attributes").items())}
    said = {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": ",".join("=".join(each) for each in attributes.items())}
    proved = {
        "CAREWAY_PROVED": f"{release.name}:8000",
        "CAREWAY_COLLECTION": f"/{release.service}/v1/{release.facts['collection']}",
        "CAREWAY_POLICIES": str(release.value("networkPolicy.enabled")).lower(),
    }
    direct = release.value("database.direct")
    past = {"DATABASE_URL": release.database_url(direct), "CAREWAY_TRANSACTION_POOLER": "false"}
    for name, container, pod in _of_the_service(release):
        tries = proved if component(pod).startswith("test-") else {}
        if direct["host"] and container["name"] in {"migrate", "migrations"}:
            tries = past
        tried = [{"name": key, "value": text} for key, text in tries.items()]
        if container["env"] != [*known, *tried, said, *release.value("extraEnv")]:
            yield f"{name} is told {container['env']}"
        if container["envFrom"] != [{"configMapRef": {"name": release.name}}]:
            yield f"{name} reads {container['envFrom']}"


def runs(release: Release) -> Iterator[str]:
    """Each container has its one command."""
    trial = ["serve", "--bind", "127.0.0.1:8000", "--bind", "[$(K8S_POD_IP)]:8000"]
    expected = {
        "migrations": ["migrate", "--check", "--wait", "3600"],
        "server": trial if release.trial else ["serve"],
        "migrate": ["migrate", "--no-input"],
        "within": ["python", "/test/prove.py", "within"],
        "stranger": ["python", "/test/prove.py", "stranger"],
        "export-history": ["export_history", "/archive/history.ndjson"],
        "postgres": None,
    }
    for name, job in release.value("jobs").items():
        expected[name] = [name.replace("-", "_"), *map(str, job["args"])]
    for name, container, _ in _own(release):
        command = container.get("command", container.get("args"))
        if command != expected[container["name"]]:
            yield f"{name} runs {command}"
