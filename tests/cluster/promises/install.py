"""It installs: from the registry, by digest, with nothing prepared by hand but the namespace and its login."""

from __future__ import annotations

import json
import time

from tests.cluster.kubectl import Failed, get, kubectl, name_of, within
from tests.cluster.objects import script
from tests.cluster.releases import install, must_be_installed, restarted, servers
from tests.cluster.world import NAMESPACES, TRIAL, World

from . import promise


@promise(
    "install.trial",
    "One command installs a service on a bare cluster",
    tried="helm install genomics oci://… --set service=genomics --set database.trial=true --wait; a list with its own token",
    quick=True,
)
def trial(world: World) -> str:
    began = time.monotonic()
    own = ["--set", "service=genomics", "--set", "database.trial=true", "--set", "imagePullSecrets[0].name=pull"]
    where = ["--namespace", TRIAL, "--version", world.first, *world.registry.trust, "--wait", "--timeout", "4m"]
    notes = world.registry.helm("install", "genomics", world.registry.chart, *own, *where)
    seconds = time.monotonic() - began
    assert "THIS IS A TRIAL" in notes
    command = ["exec", "deployment/genomics", "--container", "server", "--"]
    token = kubectl("--namespace", TRIAL, *command, "careway", "token").strip()
    asked = json.dumps(
        [{"url": "http://genomics:8000/genomics/v1/analyses", "headers": {"Authorization": f"Bearer {token}"}}]
    )
    asks = [*command[1:], "python", "-c", script("ask.py")]
    (answer,) = json.loads(kubectl("--namespace", TRIAL, "exec", "--stdin", *asks, stdin=asked))
    assert answer["status"] == 200, answer
    world.registry.helm("uninstall", "genomics", "--namespace", TRIAL, "--wait")
    return f"ready after {seconds:.0f} s; GET /genomics/v1/analyses answered 200"


@promise(
    "install.production",
    "Both services install from the registry with production values, each in its team's namespace",
    tried="helm upgrade --install --wait oci://…@sha256:… with a login, External Secrets, and a PostgreSQL outside the cluster",
    quick=True,
)
def production(world: World) -> str:
    told = []
    for service in NAMESPACES:
        began = time.monotonic()
        install(world, service)
        told.append(f"{service} ready after {time.monotonic() - began:.0f} s")
    for service in NAMESPACES:
        images = {each["image"] for pod in servers(service) for each in pod["spec"]["containers"]}
        assert images == {world.image}, images
        assert len(servers(service)) == 2
    chart = world.registry.by_digest(world.first).rpartition("@")[2]
    return f"{', '.join(told)}; chart {chart[:19]}…, all pods run {world.image.rpartition('/')[2][:34]}…"


@promise(
    "install.login",
    "Who has no login pulls nothing from the registry",
    tried="helm pull oci://… without a login",
    quick=True,
)
def login(world: World) -> str:
    nowhere = world.folder / "nowhere"
    nowhere.mkdir(exist_ok=True)
    try:
        world.registry.helm(
            *("pull", world.registry.chart, "--version", world.first, *world.registry.trust),
            *("--destination", str(world.folder)),
            # Helm looks where Docker does, too.
            HELM_REGISTRY_CONFIG=str(nowhere / "config.json"),
            DOCKER_CONFIG=str(nowhere),
        )
    except Failed as error:
        refused = error.told
    else:
        raise AssertionError("the chart was pulled without a login")
    assert any(word in refused.lower() for word in ("401", "unauthorized", "authorization failed")), refused
    return refused.splitlines()[-1][:200]


@promise(
    "install.test",
    "helm test passes, denials included",
    tried="helm test of both releases",
    quick=True,
)
def helm_test(world: World) -> str:
    must_be_installed(world)
    told = []
    for service, team in NAMESPACES.items():
        began = time.monotonic()
        world.registry.helm("test", service, "--namespace", team, "--timeout", "3m")
        seconds = time.monotonic() - began
        lines = [
            line
            for pod in (f"{service}-test-within", f"{service}-test-stranger")
            for line in kubectl("--namespace", team, "logs", pod).splitlines()
        ]
        outcomes = [json.loads(line)["outcome"] for line in lines]
        assert set(outcomes) == {"kept"}, lines
        assert seconds < 120, seconds
        told.append(f"{service}: {len(outcomes)} promises kept in {seconds:.0f} s")
    return "; ".join(told)


@promise(
    "install.jobs",
    "The same tests run as plain Jobs, for Argo CD",
    tried="helm upgrade --set tests.asJob=true --wait --wait-for-jobs",
)
def tests_as_jobs(world: World) -> str:
    must_be_installed(world)
    install(world, "genomics", "--wait-for-jobs", changed={"tests": {"asJob": True}})
    jobs = [
        each
        for each in get(NAMESPACES["genomics"], "jobs", "--selector", "app.kubernetes.io/instance=genomics")
        if "prove" not in name_of(each) and each["metadata"]["labels"]["app.kubernetes.io/component"].startswith("test")
    ]
    assert len(jobs) == 2, [name_of(each) for each in jobs]
    assert all(each["status"].get("succeeded") == 1 for each in jobs), [each["status"] for each in jobs]
    install(world, "genomics")
    return f"{', '.join(name_of(each) for each in jobs)} succeeded"


@promise(
    "install.beside",
    "A second release stands beside the first in one namespace, and neither takes the other's pods",
    tried="helm install second …; the endpoints of both Services; helm uninstall second",
)
def beside(world: World) -> str:
    must_be_installed(world)
    install(world, "genomics", release="second", changed={"replicas": 1})
    team = NAMESPACES["genomics"]
    addresses = {}
    for release in ("genomics", "second"):
        slices = get(team, "endpointslices", "--selector", f"kubernetes.io/service-name={release}")
        addresses[release] = {ip for each in slices for point in each["endpoints"] for ip in point["addresses"]}
        served = {pod["status"]["podIP"] for pod in servers("genomics", release)}
        assert addresses[release] == served, (release, addresses[release], served)
    assert not addresses["genomics"] & addresses["second"]
    world.registry.helm("uninstall", "second", "--namespace", team, "--wait")
    return f"genomics has {len(addresses['genomics'])} pods, second {len(addresses['second'])}, none in common"


@promise(
    "install.rollback",
    "--atomic takes a bad image back while the old one serves",
    tried="helm upgrade --atomic --timeout 45s with a digest that is not there, under load",
)
def rollback(world: World) -> str:
    must_be_installed(world)
    team = NAMESPACES["genomics"]
    before = {name_of(each) for each in servers("genomics")}
    with world.load(*world.reads_and_writes("genomics")) as load:
        try:
            bad = {"image": {"digest": "sha256:" + "0" * 64}}
            install(world, "genomics", "--atomic", changed=bad, timeout="45s")
        except Failed as error:
            told = error.told
        else:
            raise AssertionError("an image that does not exist was installed")
    history = json.loads(world.registry.helm("history", "genomics", "--namespace", team, "--output", "json"))
    assert history[-1]["status"] == "deployed"
    assert "Rollback" in history[-1]["description"], history[-1]
    assert before <= {name_of(each) for each in servers("genomics")}
    return f"{history[-1]['description']}; {load.must_be_whole()}; helm said: {told.splitlines()[0][:120]}"


@promise(
    "install.values",
    "A missing secret is named by the pod that waits for it",
    tried="secrets.existing names a Secret that is not there; the events of the pod",
)
def missing_secret(world: World) -> str:
    must_be_installed(world)
    team = NAMESPACES["genomics"]
    absent = {"secrets": {"external": {"enabled": False}, "existing": "nobody-made-this"}, "replicas": 1}
    try:
        install(world, "genomics", release="lost", changed=absent, timeout="20s")
    except Failed:
        events = kubectl("--namespace", team, "get", "events", "--output", "jsonpath={.items[*].message}")
        assert 'secret "nobody-made-this" not found' in events, events
        return 'the pod\'s event: secret "nobody-made-this" not found'
    finally:
        world.registry.helm("uninstall", "lost", "--namespace", team, "--wait", "--ignore-not-found")
    raise AssertionError("it became ready without its secret")


MEMORY = """
from pathlib import Path
# The second version of control groups, or the first.
new, old = Path("/sys/fs/cgroup/memory.current"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")
print((new if new.exists() else old).read_text())
"""


def memory(service: str) -> int:
    """Bytes of the serving container that holds most."""
    read = ("python", "-c", MEMORY)
    names = [f"pod/{name_of(each)}" for each in servers(service)]
    return max(int(within(NAMESPACES[service], name, *read, container="server")) for name in names)


@promise(
    "install.resources",
    "What is requested is enough at rest, and what is allowed is enough under load",
    tried="the control group of the serving containers, at rest and after 20 s of 6 clients that read and write",
)
def resources(world: World) -> str:
    must_be_installed(world)
    told = []
    for service in NAMESPACES:
        (container,) = servers(service)[0]["spec"]["containers"]
        bounds = {
            kind: int(container["resources"][kind]["memory"].removesuffix("Mi")) for kind in ("requests", "limits")
        }
        restarted(service)
        rest = memory(service) >> 20
        people = [world.reads_and_writes(service, subject) for subject in ("dr-okafor", "dr-lee")]
        with world.load(*people[0], pause=0) as one, world.load(*people[1], pause=0) as other:
            time.sleep(20)
        one.must_be_whole(), other.must_be_whole()
        busy = memory(service) >> 20
        assert rest < bounds["requests"], (rest, bounds)
        assert busy < bounds["limits"] * 0.75, (busy, bounds)
        told.append(
            f"{service} {rest} MiB at rest of {bounds['requests']}, {busy} MiB under load of {bounds['limits']}"
        )
    return "; ".join(told)
