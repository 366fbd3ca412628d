"""Nothing is lost: writes under kills, a file that was cut short, and what an uninstalled release leaves."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import Any

from tests.cluster.kubectl import PROGRAM, eventually, kubectl, name_of, rolled_out, within
from tests.cluster.objects import script
from tests.cluster.releases import install, must_be_installed, servers
from tests.cluster.world import CLIENTS, NAMESPACES, Load, World

from . import promise
from .work import registered_analysis

# As the kernel does when memory is short: every process of the container but its first, which replaces them.
KILL_WORKERS = """
import os, signal
from pathlib import Path
workers = [int(each) for each in Path('/proc/1/task/1/children').read_text().split()]
for each in workers:
    os.kill(each, signal.SIGKILL)
print(len(workers))
"""
# Kinds of records that nothing but an Idempotency-Key keeps from being made twice: table, and the column of the number.
WRITTEN = {"genomics": ("genomics_analysis", "pipeline_version"), "clinical": ("clinical_consultation", "reason")}


@promise(
    "loss.kills",
    "No acknowledged write is lost, and none is made twice, when pods and workers are killed",
    tried="writes with Idempotency-Key, repeated until acknowledged; kill -9 of all workers, kubectl delete pod --force",
)
def kills(world: World) -> str:
    must_be_installed(world)
    mark = f"K{time.time_ns()}"
    loads: dict[str, Load] = {}
    pods, workers = 0, 0
    with ExitStack() as stack:
        for service, write in _writes(world, mark).items():
            loads[service] = stack.enter_context(world.load(write, clients=3, pause=0.01))
        for service, team in NAMESPACES.items():
            for pod in servers(service):
                _goes_on(world, service, mark)
                workers += int(within(team, f"pod/{name_of(pod)}", "python", "-c", KILL_WORKERS, container="server"))
                _goes_on(world, service, mark)
                kubectl("--namespace", team, "delete", "pod", name_of(pod), "--force", "--grace-period=0")
                pods += 1
                rolled_out(team, service)
            _goes_on(world, service, mark)
    told = [f"{service}: {_all_there(world, service, mark, load)}" for service, load in loads.items()]
    assert all(load.told["failures"] for load in loads.values()), "no kill was felt, so nothing was tried"
    return f"{pods} pods and {workers} workers killed; {'; '.join(told)}"


def _writes(world: World, mark: str) -> dict[str, dict[str, Any]]:
    """What the load writes: the mark and a number are in each record, and in its key."""
    person = {"mrn_system": "urn:oid:2.16.840.1.113883.19.5", "mrn": mark, "family_name": "Okafor", "sex": "female"}
    patient = world.made("clinical", "patients", person)["id"]
    sample = world.call("GET", "genomics", f"analyses/{registered_analysis(world, patient)}").json["sample"]
    analysis = {"sample": sample, "assay": "wes", "genome_build": "GRCh38", "pipeline_name": "sarek"}
    consultation = {"patient": patient, "kind": "AMB", "scheduled_at": "2026-11-25T09:00:00+01:00"}
    bodies = {"genomics": ("analyses", analysis), "clinical": ("consultations", consultation)}
    writes = {}
    for service, (path, body) in bodies.items():
        _, write = world.reads_and_writes(service)
        number = f"{mark}-%n"
        content = json.dumps({**body, WRITTEN[service][1]: number})
        headers = {**write["headers"], "Idempotency-Key": number}
        url = f"{world.url(service)}/{service}/v1/{path}"
        writes[service] = {**write, "url": url, "headers": headers, "body": content, "insists": True}
    return writes


def _stored(world: World, service: str, mark: str) -> list[tuple[object, ...]]:
    table, column = WRITTEN[service]
    return world.database.rows(service, f"SELECT id::text, {column} FROM {table} WHERE {column} LIKE '{mark}-%'")


def _goes_on(world: World, service: str, mark: str) -> None:
    """Waits until more is written: the next kill, too, shall hit writes."""
    before = len(_stored(world, service, mark))
    eventually(lambda: len(_stored(world, service, mark)) >= before + 20, 90, f"writes to {service} go on")


def _all_there(world: World, service: str, mark: str, load: Load) -> str:
    rows = _stored(world, service, mark)
    lost = set(load.told["made"]) - {identifier for identifier, _ in rows}
    assert not lost, f"{service}: {len(lost)} acknowledged writes are not there: {sorted(lost)[:3]}"
    doubled = [number for number, times in Counter(number for _, number in rows).items() if times > 1]
    assert not doubled, f"{service}: {len(doubled)} writes were made twice: {doubled[:3]}"
    attempts = load.told["failures"]
    return f"{len(load.told['made'])} acknowledged and there once; {attempts} attempts failed and were repeated"


LINES = 100_000


@promise(
    "loss.ingestion",
    "An ingestion that a killed pod interrupts leaves the analysis untouched, and the repeat succeeds",
    tried=f"a file of {LINES:,} variants, sent slowly; kubectl delete pod --force while PostgreSQL copies its rows",
)
def ingestion(world: World) -> str:
    must_be_installed(world)
    analysis = registered_analysis(world, "01890a5d-ac96-774b-bcce-b302099a8057")
    before = _record(world, analysis)
    assert before["status"] == "registered", before
    sending = _upload(world, analysis, pause=0.3)
    copied = eventually(partial(_copied_some, world, sending), 60, "rows are copied")
    names = [name_of(pod) for pod in servers("genomics")]
    kubectl("--namespace", NAMESPACES["genomics"], "delete", "pod", *names, "--force", "--grace-period=0")
    told, _ = sending.communicate(timeout=120)
    assert json.loads(told)["status"] == 0, told
    eventually(lambda: not _copied(world), 30, "nothing is copied any more")
    rolled_out(NAMESPACES["genomics"], "genomics")
    assert _record(world, analysis) == before, _record(world, analysis)
    assert _variants(world, analysis) == 0, _variants(world, analysis)
    told, _ = _upload(world, analysis, pause=0).communicate(timeout=240)
    answer = json.loads(told)
    assert answer["status"] == 201, answer
    assert json.loads(answer["body"])["stored"] == LINES, answer
    assert _record(world, analysis)["status"] == "ready", _record(world, analysis)
    assert _variants(world, analysis) == LINES, _variants(world, analysis)
    return f"killed after {copied:,} rows: the record as before, 0 variants; the repeat: 201, {LINES:,} stored"


def _upload(world: World, analysis: str, *, pause: float) -> subprocess.Popen[str]:
    """Sends the file from the clients' pod, and tells the answer in the end."""
    url = f"{world.url('genomics')}/genomics/v1/analyses/{analysis}/vcf"
    headers = {"Authorization": f"Bearer {world.token()}", "Content-Type": "text/vcf"}
    plan = json.dumps({"url": url, "headers": headers, "lines": LINES, "pause": pause})
    command = [PROGRAM, "--namespace", CLIENTS, "exec", "--stdin", "client", "--", "python", "-c", script("upload.py")]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdin
    running.stdin.write(plan)
    running.stdin.close()
    running.stdin = None  # else communicate() would close it once more
    return running


def _copied_some(world: World, sending: subprocess.Popen[str]) -> int:
    assert sending.poll() is None, f"it is over: {sending.communicate()[0]}"
    rows = _copied(world)
    return rows if rows > LINES / 100 else 0


def _copied(world: World) -> int:
    """How many rows PostgreSQL has taken of the files that are arriving."""
    ((rows,),) = world.database.rows(
        "genomics", "SELECT coalesce(sum(tuples_processed), 0)::int FROM pg_stat_progress_copy"
    )
    assert isinstance(rows, int)
    return rows


def _record(world: World, analysis: str) -> Any:
    ((record,),) = world.database.rows(
        "genomics", f"SELECT to_jsonb(a) FROM genomics_analysis a WHERE id = '{analysis}'"
    )
    return record


def _variants(world: World, analysis: str) -> object:
    ((count,),) = world.database.rows(
        "genomics", f"SELECT count(*) FROM genomics_variant WHERE analysis_id = '{analysis}'"
    )
    return count


# What a release may have, and the release of the proof has not: so that as much as possible could be left.
EVERYTHING: dict[str, Any] = {
    "replicas": 2,
    "autoscaling": {"enabled": True, "minReplicas": 2},
    "ingress": {"enabled": True, "className": "none", "hosts": ["genomics.example"]},
}
# Of the cluster's own: told by it of what was there, or renewed by whoever looks at it.
PASSING = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "pods.metrics.k8s.io"}


@promise(
    "loss.uninstall",
    "helm uninstall leaves nothing but what chart/README.md says",
    tried="every namespaced kind, listed before helm install, and after helm test and helm uninstall",
)
def uninstall(world: World) -> str:
    must_be_installed(world)
    team = NAMESPACES["genomics"]
    before = _objects(team)
    try:
        install(world, "genomics", release="second", changed=EVERYTHING)
        made = _objects(team) - before
        assert made, "nothing was listed of a release"
        world.registry.helm("test", "second", "--namespace", team, "--timeout", "3m")
    finally:
        world.registry.helm("uninstall", "second", "--namespace", team, "--wait")
    documented = {"Pod/second-test-within", "Pod/second-test-stranger"}
    # The garbage collector takes what belonged to an object a moment after the object.
    eventually(lambda: _is_all(team, before | documented), 60, f"of {len(made)} objects nothing else is left")
    instance = "app.kubernetes.io/instance=second"
    kubectl("--namespace", team, "delete", "pod", "--selector", instance)
    assert not (_objects(team) - before), _objects(team) - before
    kinds = {each.partition("/")[0] for each in made}
    return f"{len(made)} objects of {len(kinds)} kinds are gone; left were the two pods of helm test, as documented"


def _is_all(team: str, expected: set[str]) -> bool:
    others = _objects(team) - expected
    assert not others, f"left are {sorted(others)}"
    return True


def _objects(team: str) -> set[str]:
    """All of a namespace by kind and name, but for those of the release that goes on meanwhile."""
    listed = kubectl("api-resources", "--verbs=list", "--namespaced", "--output", "name").split()
    kinds = ",".join(sorted(set(listed) - PASSING))
    others = "app.kubernetes.io/instance notin (genomics)"
    columns = "KIND:.kind,NAME:.metadata.name"
    shown = ["--selector", others, "--no-headers", "--ignore-not-found", "--output", f"custom-columns={columns}"]
    lines = kubectl("--namespace", team, "get", kinds, *shown).splitlines()
    return {"/".join(line.split()) for line in lines}
