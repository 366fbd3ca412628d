"""How the promises of promises/change.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.kubectl import apply, kubectl, rolled_out
from tests.cluster.promises.change import of_both
from tests.cluster.releases import install, servers
from tests.cluster.world import NAMESPACES, World

from . import mutation


@contextmanager
def _pods_with(world: World, container: dict[str, Any], **pod: Any) -> Iterator[None]:
    """Other pods of both releases, until the next helm upgrade."""
    spec = {"containers": [{"name": "server", **container}], **pod}
    patch = json.dumps({"spec": {"template": {"spec": spec}}})

    def change(service: str) -> None:
        kubectl("--namespace", NAMESPACES[service], "patch", "deployment", service, "--patch", patch)
        rolled_out(NAMESPACES[service], service)

    try:
        of_both(change)
        yield
    finally:
        of_both(lambda service: install(world, service))


@mutation("change.killed-at-once", breaks=("change.pods",))
def killed_at_once(world: World) -> Iterator[None]:
    """No preStop, and a second to end in: what is told to end is gone before anybody has heard of it."""
    with _pods_with(world, {"lifecycle": None}, terminationGracePeriodSeconds=1):
        yield


@mutation("change.unready-asked", breaks=("change.restart", "change.update"))
def unready_asked(world: World) -> Iterator[None]:
    """The Services send requests to pods whether they are ready or not. No upgrade mends it: the chart is silent there."""

    def change(asked: bool) -> None:
        patch = json.dumps({"spec": {"publishNotReadyAddresses": asked}})
        for service, team in NAMESPACES.items():
            kubectl("--namespace", team, "patch", "service", service, "--patch", patch)

    try:
        change(True)
        yield
    finally:
        change(False)


@mutation("change.no-budget", breaks=("change.drain",))
def no_budget(world: World) -> Iterator[None]:
    """Without a PodDisruptionBudget all pods of a node are evicted together."""
    try:
        for service, team in NAMESPACES.items():
            kubectl("--namespace", team, "delete", "poddisruptionbudget", service)
        yield
    finally:
        of_both(lambda service: install(world, service))


@contextmanager
def _quota(**hard: str) -> Iterator[None]:
    """A narrower one than the platform's; both hold."""
    team = NAMESPACES["genomics"]
    metadata = {"name": "mutation", "namespace": team}
    try:
        apply([{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}])
        yield
    finally:
        kubectl("--namespace", team, "delete", "resourcequota", "mutation", "--ignore-not-found")


@mutation("change.no-migration", breaks=("change.migration", "change.apply"))
def no_migration(world: World) -> Iterator[None]:
    """The namespace takes no Job more."""
    with _quota(**{"count/jobs.batch": "0"}):
        yield


@mutation("change.no-room", breaks=("change.autoscaler",))
def no_room(world: World) -> Iterator[None]:
    """The namespace takes no pod more: the autoscaler asks for them in vain."""
    with _quota(pods=str(len(servers("genomics")))):
        yield
