"""Faults of an installed release, as tests/telemetry/test_faults.py makes them of two processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from observability.webhook import Webhook
from tests.api import RemoteApi
from tests.clinical import factories as clinical_factories
from tests.genomics import factories as genomics_factories
from tests.pgbouncer import Authority
from tests.telemetry.faults import PATIENCE_SECONDS
from tests.telemetry.load import PERIOD_SECONDS, Load
from tests.telemetry.lookout import Drill, Lookout, Told, page, ticket
from tests.telemetry.stores import eventually

from .kubectl import apply, within
from .objects import config_map
from .observing import COLLECTOR, Observed, led_nowhere, scale
from .releases import touch
from .world import NAMESPACES, PLATFORM

# Beyond what something has to take, on a busy machine.
SLACK = 60
# Of an authority; the alert is of thirty.
ENDS_DAYS = 20
# Half of what the load asks writes to this table; more than `LATENCY_SECONDS` of tests/telemetry/faults.py.
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER INSERT OR UPDATE ON genomics_sample FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


@dataclass(kw_only=True)
class Stage(Drill):
    """Both releases under load."""

    stores: Observed
    clients: dict[str, RemoteApi]
    loads: dict[str, Load]


@contextmanager
def drilled(stores: Observed) -> Iterator[Stage]:
    with ExitStack() as held:
        webhook = held.enter_context(Webhook(stores.stack.ports["webhook"], host=stores.stack.host))
        clients = {service: stores.client(RemoteApi)(service) for service in NAMESPACES}
        loads = {service: held.enter_context(Load(client)) for service, client in clients.items()}
        lookout = held.enter_context(Lookout(stores.stack.url("prometheus"), webhook))
        query = "count by (k8s_deployment_name) (careway_requests_total)"
        eventually(lambda: len(stores.prometheus.query(query)) == len(NAMESPACES), SLACK)
        yield Stage(lookout=lookout, stores=stores, clients=clients, loads=loads)


def _database_is_stopped(stage: Stage, name: str) -> Told:
    """Of both, for here they share a server."""
    database = stage.stores.world.database.postgres
    return stage.fault(
        name,
        database.stop,
        database.start,
        rings={page("DatabaseUnreachable", service) for service in NAMESPACES},
        silenced={page("AvailabilityBudgetBurn", service) for service in NAMESPACES},
    )


def _peer_is_out_of_reach(stage: Stage, name: str) -> Told:
    clinical, genomics, load = stage.clients["clinical"], stage.clients["genomics"], stage.loads["clinical"]
    patient = clinical_factories.patient(clinical)["id"]
    sample = genomics_factories.available_sample(genomics, patient_id=patient)["id"]
    analysis = genomics_factories.analysis(genomics, sample=sample)["id"]
    with ExitStack() as cut:

        def make() -> None:
            cut.enter_context(led_nowhere("genomics"))
            load.linked = (patient, analysis)

        def mend() -> None:
            load.linked = None
            time.sleep(2 * PERIOD_SECONDS + 1)  # those that ask for a link have been answered
            cut.close()
            within(NAMESPACES["clinical"], "deployment/clinical", "careway", "verify_links", container="server")

        rings = {ticket("LinksPending", "clinical")}
        return stage.fault(name, make, mend, rings=rings, within=12 * PATIENCE_SECONDS + SLACK)


def _writes_are_slow(stage: Stage, name: str) -> Told:
    database = stage.stores.world.database.postgres
    return stage.fault(
        name,
        lambda: database.execute(SLOW, "careway_genomics"),
        lambda: database.execute("DROP FUNCTION slow CASCADE", "careway_genomics"),
        rings={page("LatencyBudgetBurn", "genomics")},
        within=60 + SLACK,
    )


def _column_is_renamed(stage: Stage, name: str) -> Told:
    database = stage.stores.world.database.postgres
    table = "ALTER TABLE clinical_patient RENAME"
    return stage.fault(
        name,
        lambda: database.execute(f"{table} family_name TO surname", "careway_clinical"),
        lambda: database.execute(f"{table} surname TO family_name", "careway_clinical"),
        rings={page("AvailabilityBudgetBurn", "clinical")},
    )


def _collector_is_gone(stage: Stage, name: str) -> Told:
    labels = f"careway.test/proof={COLLECTOR}"
    return stage.fault(
        name,
        lambda: scale(PLATFORM, COLLECTOR, labels, 0),
        lambda: scale(PLATFORM, COLLECTOR, labels, 1),
        rings={page("TelemetryAbsent", service) for service in NAMESPACES},
    )


def _authority_ends_soon(stage: Stage, name: str) -> Told:
    """A platform adds it to those that are trusted."""
    world = stage.stores.world
    trusted = world.database.authority.file.read_text(encoding="utf-8")
    ending = Authority(stage.stores.stack.folder, "ending", days=ENDS_DAYS).file.read_text(encoding="utf-8")

    def trust(pem: str) -> None:
        apply([config_map("database-ca", NAMESPACES["genomics"], {"ca.pem": pem})])
        touch("genomics")

    return stage.fault(
        name,
        lambda: trust(trusted + ending),
        lambda: trust(trusted),
        rings={ticket("CertificateExpiring", "genomics")},
        within=60 + SLACK,
    )


FAULTS: dict[str, Callable[[Stage, str], Told]] = {
    "the database stopped": _database_is_stopped,
    "genomics' Service led nowhere": _peer_is_out_of_reach,
    "0.4 s added to genomics' writes": _writes_are_slow,
    "a column of clinical renamed": _column_is_renamed,
    "the collector scaled to 0": _collector_is_gone,
    f"an authority of genomics that ends in {ENDS_DAYS} days": _authority_ends_soon,
}
