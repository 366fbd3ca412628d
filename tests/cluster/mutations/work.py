"""How the promises of promises/work.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.cluster.kubectl import get, kubectl
from tests.cluster.world import NAMESPACES, World

from . import mutation


@mutation("work.clinical-not-admitted", breaks=("work.link", "work.walkthrough"))
def clinical_not_admitted(world: World) -> Iterator[None]:
    """genomics no longer lets clinical in: links stay pending."""
    where = ["--namespace", NAMESPACES["genomics"], "patch", "networkpolicy", "genomics-ingress", "--type", "merge"]
    before = get(NAMESPACES["genomics"], "networkpolicy", "genomics-ingress")["spec"]["ingress"]
    others = [rule for rule in before if NAMESPACES["clinical"] not in json.dumps(rule)]
    assert others != before
    try:
        kubectl(*where, "--patch", json.dumps({"spec": {"ingress": others}}))
        yield
    finally:
        kubectl(*where, "--patch", json.dumps({"spec": {"ingress": before}}))


@mutation("work.variants-lost", breaks=("work.file",))
def variants_lost(world: World) -> Iterator[None]:
    """The database drops a variant now and then, and tells nobody."""
    drop = "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    sometimes = "BEFORE INSERT ON genomics_variant FOR EACH ROW WHEN (NEW.pos % 10 = 0) EXECUTE FUNCTION lose()"
    try:
        world.database.rows("genomics", drop)
        world.database.rows("genomics", f"CREATE TRIGGER lose {sometimes}")
        yield
    finally:
        world.database.rows("genomics", "DROP FUNCTION lose() CASCADE")
