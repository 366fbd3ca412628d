"""The bar: genomics dies, or hangs, in the middle of 200 links. No answer is an error or late, and all ends as it must."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

import pytest

from tests.api import RemoteApi
from tests.clinical import factories as clinical_factories
from tests.clinical.server import pair
from tests.genomics import factories as genomics_factories
from tests.servers import Server

PATIENTS = 10
VISITS = 2
# For each visit: analyses of the patient, of another one, and of nobody.
OWN, OTHERS, UNKNOWN = 4, 3, 3
REQUESTS = PATIENTS * VISITS * (OWN + OTHERS + UNKNOWN)
CLIENTS = 8
# Twice the clients: no request waits for a thread, for a connection of the pool, or for a thread to ask genomics with,
# not even where a call that was given up still holds one. So what a client measures is one request's own time.
THREADS = 2 * CLIENTS
# What must become of a link, by whose analysis it names; and what a client hears whom genomics answers at once.
ENDS = {"own": "verified", "other": "rejected", "unknown": "gone"}
HEARD = {"own": "201 verified", "other": "409 other-patient", "unknown": "409 unknown-analysis"}


class Wanted(NamedTuple):
    """One link to be asked for."""

    visit: str
    analysis: str
    kind: str


class Heard(NamedTuple):
    """What the client got."""

    wanted: Wanted
    words: str
    seconds: float


@pytest.fixture
def genomics() -> Iterator[Server]:
    running = pair.genomics_server().start()
    yield running
    running.stop(signal.SIGKILL)


@pytest.fixture
def clinical(genomics: Server) -> Iterator[RemoteApi]:
    """A new process, whose circuit breaker has seen nothing."""
    pair.forget_links()
    running = pair.clinical_server(genomics.url, CAREWAY_THREADS=str(THREADS)).start()
    yield running.api
    pair.forget_links()
    assert running.stop() == 0


@pytest.fixture
def wanted(genomics: Server, clinical: RemoteApi) -> list[Wanted]:
    """Two hundred links, the kinds well mixed."""

    def patient(_: int) -> tuple[list[str], list[str]]:
        visits = [clinical_factories.consultation(clinical)]
        visits += [clinical_factories.consultation(clinical, patient=visits[0]["patient"]) for _ in range(VISITS - 1)]
        sample = genomics_factories.available_sample(genomics.api, patient_id=visits[0]["patient"])["id"]
        analyses = [genomics_factories.analysis(genomics.api, sample=sample)["id"] for _ in range(OWN)]
        return [visit["id"] for visit in visits], analyses

    with ThreadPoolExecutor(4) as pool:
        patients = list(pool.map(patient, range(PATIENTS)))
    links = []
    for number, (visits, own) in enumerate(patients):
        theirs = patients[number - 1][1]
        for visit in visits:
            links += [Wanted(visit, analysis, "own") for analysis in own]
            links += [Wanted(visit, analysis, "other") for analysis in theirs[:OTHERS]]
            links += [Wanted(visit, str(uuid.uuid4()), "unknown") for _ in range(UNKNOWN)]
    assert len(links) == REQUESTS
    return links[::7] + [link for number, link in enumerate(links) if number % 7]


def kill(genomics: Server) -> None:
    genomics.stop(signal.SIGKILL)


def freeze(genomics: Server) -> None:
    """The kernel still takes its connections, and nobody answers them."""
    assert genomics.process
    os.killpg(genomics.process.pid, signal.SIGSTOP)


def thaw(genomics: Server) -> None:
    assert genomics.process
    os.killpg(genomics.process.pid, signal.SIGCONT)


def ask(clinical: RemoteApi, wanted: Wanted) -> Heard:
    body = {"analysis_id": wanted.analysis, "relation": "reviewed"}
    started = time.monotonic()
    answer = clinical.post(f"consultations/{wanted.visit}/genomic-links", body)
    seconds = time.monotonic() - started
    what = (
        answer.json["verification"] if answer.status == 201 else (answer.json.get("errors") or [answer.json])[0]["code"]
    )
    return Heard(wanted, f"{answer.status} {what}", seconds)


def under_fire(clinical: RemoteApi, wanted: list[Wanted], strike: Callable[[], None]) -> list[Heard]:
    """All answers, to so many clients at once; strikes after the first third."""
    heard = []
    struck = threading.Thread(target=strike)
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in as_completed([pool.submit(ask, clinical, each) for each in wanted]):
            heard.append(done.result())
            if len(heard) == REQUESTS // 3:
                struck.start()
    struck.join()
    return heard


@pytest.mark.parametrize(("strike", "mend"), [(kill, Server.start), (freeze, thaw)], ids=["killed", "frozen"])
def test_no_answer_is_an_error_or_late_and_all_ends_as_it_must(
    clinical: RemoteApi,
    genomics: Server,
    wanted: list[Wanted],
    strike: Callable[[Server], None],
    mend: Callable[[Server], object],
) -> None:
    heard = under_fire(clinical, wanted, lambda: strike(genomics))
    counts = Counter(each.words for each in heard)
    assert set(counts) == {"201 pending", *HEARD.values()}, counts
    assert [each for each in heard if each.words not in {"201 pending", HEARD[each.wanted.kind]}] == []
    assert max(each.seconds for each in heard) < pair.LONGEST
    if strike is freeze:
        assert max(each.seconds for each in heard) > 1.9  # somebody did wait for the deadline

    mend(genomics)
    settled = pair.verify_links(genomics.url)
    assert settled.returncode == 0, settled.stdout + settled.stderr

    found = pair.rows(
        "SELECT consultation_id::text, analysis_id::text, verification, version, snapshot IS NOT NULL,"
        " (SELECT count(*) FROM clinical_genomiclinkevent WHERE pgh_obj_id = link.id) FROM clinical_genomiclink link"
    )
    assert sorted(found) == sorted(
        (visit, analysis, ENDS[kind], version, kind == "own", version)
        for (visit, analysis, kind), words, _ in heard
        for version in ([2] if words == "201 pending" else [1] if words == "201 verified" else [])
    )
