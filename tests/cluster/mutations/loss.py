"""How the promises of promises/loss.py are broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kubectl import kubectl
from tests.cluster.promises import loss
from tests.cluster.world import NAMESPACES, World

from . import mutation

# Past the triggers that refuse it to everybody else.
UNSEEN = "SET session_replication_role = replica"


@contextmanager
def _again_and_again(world: World, service: str, query: str) -> Iterator[None]:
    """Somebody is at the database, behind the service's back."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.5):
            world.database.rows(service, f"{UNSEEN}; {query}")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@mutation("loss.deleted-behind-its-back", breaks=("loss.kills",))
def deleted(world: World) -> Iterator[None]:
    """What was acknowledged is deleted."""
    newest = "SELECT id FROM clinical_consultation ORDER BY created_at DESC LIMIT 1"
    with _again_and_again(world, "clinical", f"DELETE FROM clinical_consultation WHERE id IN ({newest})"):
        yield


@mutation("loss.touched-behind-its-back", breaks=("loss.ingestion",))
def touched(world: World) -> Iterator[None]:
    """An analysis that waits for its file is another one a moment later."""
    newest = "SELECT id FROM genomics_analysis WHERE status = 'registered' ORDER BY created_at DESC LIMIT 1"
    change = f"UPDATE genomics_analysis SET version = version + 1 WHERE id = ({newest})"
    with _again_and_again(world, "genomics", change):
        yield


@mutation("loss.left-over", breaks=("loss.uninstall",))
def left_over(world: World) -> Iterator[None]:
    """One more object of the release, which Helm is told to keep."""
    kept = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "left-over", "annotations": {"helm.sh/resource-policy": "keep"}},
    }
    try:
        loss.EVERYTHING["extraObjects"] = [kept]
        yield
    finally:
        del loss.EVERYTHING["extraObjects"]
        kubectl("--namespace", NAMESPACES["genomics"], "delete", "configmap", "left-over")
