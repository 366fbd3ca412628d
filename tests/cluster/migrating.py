"""A release beside the others, with a database of its own, so that a migration has something to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.chart.rendering import merged
from tests.servers import ROOT, product_environment

from .kubectl import eventually, get, kubectl, name_of, rolled_out, run
from .releases import servers, values
from .watching import WRITES
from .world import ESO_IMAGE, NAMESPACES, Load, World

RELEASE = "beside"
TEAM = NAMESPACES["genomics"]
INSTANCE = f"app.kubernetes.io/instance={RELEASE}"
LAST = "SELECT name FROM django_migrations WHERE app = 'genomics' ORDER BY id DESC LIMIT 2"


@contextmanager
def empty_database(world: World, name: str) -> Iterator[dict[str, Any]]:
    """What the release's values differ in from those of genomics. The Secret is that of genomics: the user may both."""
    # Of this world alone, since what is rendered is of a cluster that others may use.
    world.database.postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    world.database.postgres.create_database(name, owner="careway_genomics")
    existing = "genomics" if ESO_IMAGE else "careway"
    try:
        yield {"database": {"name": name}, "secrets": {"external": {"enabled": False}, "existing": existing}}
    finally:
        world.database.postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def rendered(world: World, version: str, changed: dict[str, Any]) -> str:
    """The objects, as Argo CD has them: no hook, and nothing that asks the cluster."""
    told = json.dumps(merged(values(world, "genomics"), changed))
    where = ["--namespace", TEAM, "--version", version, *world.registry.trust, "--skip-tests", "--values", "-"]
    return world.registry.helm("template", RELEASE, world.registry.chart, *where, stdin=told)


def applied(objects: str) -> None:
    """As Argo CD does it. Raises Failed, such as for a field that is immutable."""
    kubectl("--namespace", TEAM, "apply", "--server-side", "--filename", "-", stdin=objects)
    rolled_out(TEAM, RELEASE)


def deleted() -> None:
    """All that was applied, with what belongs to it."""
    kinds = "deployment,job,cronjob,service,configmap,serviceaccount,networkpolicy,poddisruptionbudget,role,rolebinding"
    kubectl("--namespace", TEAM, "delete", kinds, "--selector", INSTANCE, "--cascade=foreground")


def migrated(world: World, name: str) -> str:
    """Every Job has succeeded, and no pod that serves now had begun to before the last migration was applied."""
    jobs = [each for each in get(TEAM, "jobs", "--selector", INSTANCE) if "-migrate-" in name_of(each)]
    eventually(lambda: all(_succeeded(name_of(job)) for job in jobs), 60, "every migration Job has succeeded")
    query = "SELECT count(*), max(applied) FROM django_migrations"
    ((count, last),) = world.database.postgres.execute(query, name)
    for pod in servers("genomics", RELEASE):
        (status,) = pod["status"]["containerStatuses"]
        began = datetime.fromisoformat(status["state"]["running"]["startedAt"])
        # The cluster tells whole seconds.
        assert began >= last.replace(microsecond=0), f"{name_of(pod)} began at {began}, before a migration at {last}"
    return f"{len(jobs)} Jobs, {count} migrations"


def _succeeded(job: str) -> bool:
    return bool(get(TEAM, "job", job)["status"].get("succeeded"))


def undo_the_last(world: World, name: str) -> str:
    """Takes the last migration back, so that the next version has one to apply; the pods that serve do not need it."""
    (last,), (before,) = world.database.postgres.execute(LAST, name)
    # From here, and past the pooler, which a migration must not go through.
    environment = product_environment(DATABASE_URL=world.database.postgres.url(name), CAREWAY_SERVICES="genomics")
    command = [sys.executable, "manage.py", "migrate", "genomics", str(before), "--wait", "60"]
    run(command, environment=environment, folder=ROOT)
    ((again,), *_) = world.database.postgres.execute(LAST, name)
    assert again == before, (again, before)
    return str(last)


@contextmanager
def loaded(world: World, name: str) -> Iterator[Load]:
    """Reads and writes to the release, from before the block begins, and a thousand at the least."""
    host = world.url("genomics")
    own = host.replace("//genomics", f"//{RELEASE}")
    asked = [{**each, "url": each["url"].replace(host, own)} for each in world.reads_and_writes("genomics")]
    written = lambda: world.database.postgres.execute("SELECT count(*) FROM genomics_sample", name)[0][0]  # noqa: E731
    with world.load(*asked, clients=3) as load:
        eventually(written, 60, "the first write")
        yield load
        eventually(lambda: written() >= WRITES, 180, "1,000 requests")
