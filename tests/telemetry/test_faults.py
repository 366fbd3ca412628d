"""Faults made on real servers, and who is woken by them: the right alert and no other, until it is over.

The period is three days, so that the window of five minutes is one of 30 s. What takes long in the long windows is not
waited for but made: Prometheus begins with eight hours in which all was well (tests/telemetry/faults.py). A fault of
seconds is then to the windows of minutes and hours what it is in life; each objective is hurt by one fault alone, and
that is mended as soon as it has rung. So what rings is the fast pair of windows, and neither the slow one nor a ticket:
both are among the alerts that are forbidden. That those fire and clear, promtool proves (test_rules.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from shutil import which
from time import monotonic, sleep

import psycopg
import pytest

from tests.clinical import factories as clinical_factories
from tests.clinical.server.pair import manage
from tests.genomics import factories as genomics_factories
from tests.servers import free_port
from tests.telemetry.conftest import Line
from tests.telemetry.faults import BINARIES, LATENCY_SECONDS, PATIENCE_SECONDS, Stage, staged
from tests.telemetry.load import PERIOD_SECONDS
from tests.telemetry.lookout import page, ticket

pytestmark = pytest.mark.xdist_group("faults")

# How long anything may take on a busy machine beyond what it has to.
SLACK = 60
# From the last failure until the shortest window is free of it.
WINDOW = 30
# As observability/alertmanager.yaml repeats it.
HELD_EVERY = 50
# Each way, of a piece of what a service and its database say to each other: no question is answered sooner than in two.
DELAY = 0.15


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stage]:
    if missing := [name for name in BINARIES if not which(name)]:
        pytest.skip(f"{', '.join(missing)}: not on PATH; the servers of telemetry are built apart from the tests.")
    with staged(tmp_path_factory.mktemp("faults")) as stage:
        yield stage


@pytest.fixture(autouse=True)
def told(stage: Stage, line: Line) -> None:
    headings = ("fault", "alert", "firing, s", "webhook, s", "cleared after repair, s")
    title = "faults, and seconds until they rang and were over"
    stage.tell = lambda found: line(title, dict(zip(headings, found, strict=True)))


def test_a_database_is_stopped(stage: Stage) -> None:
    """Its requests fail, so that the budget of errors burns; but what is told is the cause, and that alone."""
    genomics = stage.databases["genomics"]
    told = stage.fault(
        "the database of genomics stopped",
        genomics.stop,
        genomics.start,
        rings={page("DatabaseUnreachable", "genomics")},
        silenced={page("AvailabilityBudgetBurn", "genomics")},
    )
    assert told.firing < 30 + SLACK


def test_the_peer_is_out_of_reach(stage: Stage) -> None:
    """Clinical works on, and what cannot be verified waits: nobody suffers yet, so nobody is woken."""
    genomics, clinical = (stage.servers[name].api for name in ("genomics", "clinical"))
    patient = clinical_factories.patient(clinical)["id"]
    sample = genomics_factories.available_sample(genomics, patient_id=patient)["id"]
    analysis = genomics_factories.analysis(genomics, sample=sample)["id"]
    load = stage.loads["clinical"]

    def cut() -> None:
        stage.peer.target = free_port()
        stage.peer.forget()
        load.linked = (patient, analysis)

    def mend() -> None:
        load.linked = None
        sleep(2 * PERIOD_SECONDS + 1)  # those that ask for a link have been answered
        stage.peer.target = stage.servers["genomics"].port
        variables = {"DATABASE_URL": stage.servers["clinical"].database, "CAREWAY_SERVICES": "clinical"}
        variables["CAREWAY_GENOMICS_URL"] = stage.servers["clinical"].environment["CAREWAY_GENOMICS_URL"]
        done = manage("verify_links", **variables)  # as its CronJob does every few minutes
        assert done.returncode == 0, done.stdout + done.stderr

    began = monotonic()
    told = stage.fault(
        "genomics out of clinical's reach",
        cut,
        mend,
        rings={ticket("LinksPending", "clinical")},
        within=12 * PATIENCE_SECONDS + SLACK,
    )
    assert told.firing > 12 * PATIENCE_SECONDS
    assert {*load.statuses(began)} == {200, 201}


def test_a_database_is_slow(stage: Stage) -> None:
    """Everything is answered, and nothing soon enough."""
    line, load = stage.lines["genomics"], stage.loads["genomics"]

    def slow() -> None:
        line.delay = DELAY

    def mend() -> None:
        line.delay = 0.0

    began = monotonic()
    told = stage.fault(
        f"{DELAY} s added each way to genomics' database",
        slow,
        mend,
        rings={page("LatencyBudgetBurn", "genomics")},
        within=60 + SLACK,
    )
    assert {*load.statuses(began)} == {200, 201}
    assert max(each.seconds for each in load.since(began)) > LATENCY_SECONDS
    assert told.cleared < WINDOW + SLACK


def test_a_migration_breaks_what_is_read(stage: Stage) -> None:
    """A column was renamed below the version that reads it: the database is there, and its service fails."""
    database, load = stage.databases["clinical"], stage.loads["clinical"]
    began = monotonic()
    told = stage.fault(
        "a column of clinical renamed while it is read",
        lambda: database.execute("ALTER TABLE clinical_patient RENAME family_name TO surname", "clinical"),
        lambda: database.execute("ALTER TABLE clinical_patient RENAME surname TO family_name", "clinical"),
        rings={page("AvailabilityBudgetBurn", "clinical")},
    )
    assert 500 in load.statuses(began)
    assert told.firing < 30 + SLACK
    assert told.cleared < WINDOW + SLACK


def test_the_collector_is_killed(stage: Stage) -> None:
    """Nobody knows any more how anybody is: that is said of both, and nothing else is guessed."""
    told = stage.fault(
        "the collector killed",
        lambda: stage.stack.kill("collector"),
        lambda: stage.stack.start("collector"),
        rings={page("TelemetryAbsent", "genomics"), page("TelemetryAbsent", "clinical")},
    )
    assert told.firing < PATIENCE_SECONDS + SLACK
    assert told.cleared < SLACK


def test_two_things_that_will_hurt_soon(stage: Stage) -> None:
    """No request fails yet: two tickets, and nobody is woken."""
    database = stage.databases["genomics"]
    last = "(SELECT max(id) FROM django_migrations WHERE app = 'genomics')"
    ((app, name),) = database.execute(f"SELECT app, name FROM django_migrations WHERE id = {last}", "genomics")
    asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'genomics'"

    with ExitStack() as others:

        def make() -> None:
            database.execute(f"DELETE FROM django_migrations WHERE id = {last}", "genomics")
            # Somebody else holds connections of the role; a few are free, so that the service finds what it needs.
            for _ in range(30):
                others.enter_context(psycopg.connect(database.url("genomics", user="genomics")))
            ((held,),) = database.execute(asked)
            database.execute(f"ALTER ROLE genomics CONNECTION LIMIT {held + 5}")

        def mend() -> None:
            database.execute("ALTER ROLE genomics CONNECTION LIMIT -1")
            others.close()
            database.execute(
                f"INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '{name}', now())", "genomics"
            )

        told = stage.fault(
            "connections near their limit, and a migration undone",
            make,
            mend,
            rings={ticket("DatabaseConnectionsNearLimit", "genomics"), ticket("MigrationsPending", "genomics")},
        )
    assert told.cleared < SLACK


def test_the_dead_mans_switch_was_held_all_the_time(stage: Stage) -> None:
    """Also while the collector was dead, which is no part of that way."""
    times = [*stage.lookout.heartbeats, monotonic()]
    assert max(later - earlier for earlier, later in pairwise(times)) < HELD_EVERY + SLACK
