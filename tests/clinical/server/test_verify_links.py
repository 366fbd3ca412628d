"""`manage.py verify_links`, as its CronJob runs it: settles what waits, once, within bounds, whatever happens to it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api import RemoteApi
from tests.broken_collector import dripping, serving
from tests.clinical import factories
from tests.clinical.peers import Answer, Exchange, Peer, problem, reply, slow
from tests.clinical.server import pair
from tests.clinical.server.pair import all_links, rows, stored, verify_links
from tests.collector import Collector, eventually
from tests.servers import ROOT, Server, product_environment

LEFT = 75
UNKNOWN = problem("not-found")


@pytest.fixture(scope="module")
def genomics() -> Iterator[Server]:
    running = pair.genomics_server().start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def clinical_server() -> Iterator[Server]:
    """Clinical that finds nobody to ask, so that all its links wait."""
    running = pair.clinical_server(pair.nobody()).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def clinical(clinical_server: Server) -> Iterator[RemoteApi]:
    pair.forget_links()
    yield clinical_server.api
    pair.forget_links()


def waiting(clinical: RemoteApi, count: int, *, consultation: str = "") -> list[str]:
    """So many pending links, to analyses that nobody knows; answers their ids, the oldest first."""
    consultation = consultation or pair.visit(clinical)["id"]
    first = pair.link(clinical, consultation, str(uuid.uuid4())).json
    assert first["verification"] == "pending"
    columns = (
        "organization, consultation_id, relation, verification, status, status_reason, version, created_by, updated_by"
    )
    copies = rows(  # as many requests would take a second
        f"INSERT INTO clinical_genomiclink ({columns}, analysis_id) SELECT {columns}, gen_random_uuid()"
        " FROM clinical_genomiclink, generate_series(2, %s) WHERE id = %s RETURNING id::text",
        count,
        first["id"],
    )
    return sorted([first["id"], *(copy for (copy,) in copies)])


def lines(output: str) -> list[dict[str, Any]]:
    """What the command itself says, beside the lines of its log."""
    return [line for line in map(json.loads, output.splitlines()) if "logger" not in line]


def start(genomics_url: str, stdout: int, **variables: str) -> subprocess.Popen[str]:
    environment = product_environment(**{**pair.clinical_variables(genomics_url), **variables})
    command = [sys.executable, "manage.py", "verify_links"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=stdout, stderr=subprocess.DEVNULL)


def states() -> Counter[tuple[str, int, int]]:
    """How many links have which verification, version, and number of events."""
    found = rows(
        "SELECT verification, version, (SELECT count(*) FROM clinical_genomiclinkevent WHERE pgh_obj_id = link.id)"
        " FROM clinical_genomiclink link"
    )
    return Counter((str(verification), int(version), int(events)) for verification, version, events in found)


class TestSettling:
    def test_it_settles_each_as_genomics_says_and_a_second_run_changes_nothing(
        self, clinical: RemoteApi, genomics: Server
    ) -> None:
        mine, other = pair.visit(clinical), pair.visit(clinical)
        own = pair.analysis(genomics.api, mine["patient"])
        theirs = pair.analysis(genomics.api, other["patient"])["id"]
        foreign = pair.analysis(genomics.api.as_(organization="general-hospital"), mine["patient"])["id"]
        wanted = {own["id"]: "verified", theirs: "rejected", foreign: "gone", str(uuid.uuid4()): "gone"}
        for analysis in wanted:
            assert pair.link(clinical, mine["id"], analysis).json["verification"] == "pending"

        (mistaken,) = waiting(clinical, 1, consultation=other["id"])
        path = f"consultations/{other['id']}/genomic-links/{mistaken}"
        assert clinical.move(path, "entered-in-error", "A slip.").status == 200

        first = verify_links(genomics.url)
        assert first.returncode == 0, first.stdout + first.stderr
        assert lines(first.stdout) == [{"asked": 4, "verified": 1, "rejected": 1, "gone": 2}, {"left": 0}]
        assert first.stderr == ""
        snapshot = {name: own[name] for name in pair.SNAPSHOT}
        found = {analysis: verification for analysis, verification, _, checked in stored(mine["id"]) if checked}
        assert found == wanted
        assert [row[2] for row in stored(mine["id"])] == [snapshot, None, None, None]
        assert states() == {("verified", 2, 2): 1, ("rejected", 2, 2): 1, ("gone", 2, 2): 2, ("pending", 2, 2): 1}
        assert clinical.get(path).json["verification"] == "pending"  # what was entered in error is left alone
        actors = "SELECT DISTINCT pgh_context ->> 'actor' FROM clinical_genomiclinkevent WHERE version = 2"
        assert rows(f"{actors} AND consultation_id = %s", mine["id"]) == [("service:verify_links",)]

        before = all_links()
        second = verify_links(genomics.url)
        assert (second.returncode, lines(second.stdout)) == (0, [{"left": 0}])
        assert all_links() == before

    def test_a_patient_merged_meanwhile_is_known_by_the_old_record(self, clinical: RemoteApi, genomics: Server) -> None:
        old, new = pair.visit(clinical), pair.visit(clinical)
        analysis = pair.analysis(genomics.api, old["patient"])["id"]
        for visit in (old, new):  # one moves with the merge; the other was the survivor's all along
            assert pair.link(clinical, visit["id"], analysis).json["verification"] == "pending"
        assert factories.merge(clinical, old["patient"], new["patient"]).status == 200
        assert verify_links(genomics.url).returncode == 0
        assert [stored(visit["id"])[0][:2] for visit in (old, new)] == [(analysis, "verified")] * 2

    def test_two_at_once_settle_each_once(self, clinical: RemoteApi, genomics: Server) -> None:
        mine = pair.visit(clinical)
        own = pair.analysis(genomics.api, mine["patient"])["id"]
        assert pair.link(clinical, mine["id"], own).json["verification"] == "pending"
        waiting(clinical, 20)
        with psycopg.connect(pair.database("clinical")) as holder:
            # Both have asked about the first link by the time that either may write.
            holder.execute("SELECT FROM clinical_genomiclink ORDER BY id LIMIT 1 FOR UPDATE")
            patient = {"CAREWAY_LOCK_TIMEOUT_SECONDS": "60", "CAREWAY_STATEMENT_TIMEOUT_SECONDS": "60"}
            runs = [start(genomics.url, subprocess.PIPE, **patient) for _ in range(2)]
            blocked = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            assert eventually(lambda: len(rows(blocked)) == 2, seconds=30)
        said = [line for run in runs for line in lines(run.communicate(timeout=60)[0])]
        assert [run.returncode for run in runs] == [0, 0]
        total = {name: sum(line.get(name, 0) for line in said) for name in ("asked", "verified", "gone", "settled")}
        # Whichever came second to a link left it as it was.
        assert (total["verified"], total["gone"], total["settled"]) == (1, 20, total["asked"] - 21)
        assert total["settled"] >= 1
        assert states() == {("verified", 2, 2): 1, ("gone", 2, 2): 20}


class TestBounds:
    def test_the_limit_leaves_the_younger(self, clinical: RemoteApi) -> None:
        links = waiting(clinical, 5)
        with Peer(UNKNOWN) as genomics:
            done = verify_links(genomics.url, "--limit", "3")
        assert (done.returncode, lines(done.stdout)) == (LEFT, [{"asked": 3, "gone": 3}, {"left": 2}])
        pending = rows("SELECT id::text FROM clinical_genomiclink WHERE verification = 'pending' ORDER BY id")
        assert pending == [(each,) for each in links[3:]]

    def test_the_seconds_end_a_run(self, clinical: RemoteApi) -> None:
        waiting(clinical, 6)
        with Peer(slow(0.4, UNKNOWN)) as genomics:
            done = verify_links(genomics.url, "--seconds", "1")
        assert done.returncode == LEFT
        settled = states()["gone", 2, 2]
        assert 1 <= settled <= 3
        assert lines(done.stdout) == [{"asked": settled, "gone": settled}, {"left": 6 - settled}]

    def test_there_is_no_run_without_sense(self, clinical: RemoteApi) -> None:
        done = verify_links(pair.nobody(), "--limit", "0")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--limit: must be a whole number from 1 to 100000" in done.stderr


class TestGenomicsDown:
    @pytest.mark.parametrize(("answer", "tried"), [(None, 5), (reply(500), 10)], ids=["refused", "500"])
    def test_all_keep_waiting_and_the_run_ends_soon(
        self, clinical: RemoteApi, answer: Answer | None, tried: int
    ) -> None:
        waiting(clinical, 60)
        before = all_links()
        with Peer(answer or UNKNOWN) as genomics:
            done = verify_links(genomics.url if answer else pair.nobody())
        assert done.returncode == LEFT
        # The circuit breaker opened: nobody asked for the others, and nobody waited for its term to end. Whoever answers
        # at all is tried with five others.
        said = [{"asked": 5, "unreachable": 5}] * (tried // 5)
        assert lines(done.stdout) == [*said, {"left": 60, "stopped": "open"}]
        assert len(genomics.asked) == (2 * tried if answer else 0)
        assert all_links() == before

    def test_the_oldest_without_an_answer_do_not_keep_all_others_waiting_for_ever(self, clinical: RemoteApi) -> None:
        links = waiting(clinical, 20)
        hopeless = {
            analysis for (analysis,) in rows(
                "SELECT analysis_id::text FROM clinical_genomiclink WHERE id = ANY (%s::uuid[])", links[:6]
            )
        }  # fmt: skip

        def answer(exchange: Exchange) -> None:
            (reply(418) if exchange.path.rsplit("/", 1)[1] in hopeless else UNKNOWN)(exchange)

        with Peer(answer) as genomics:
            done = verify_links(genomics.url)
        assert (done.returncode, lines(done.stdout)[-1]) == (LEFT, {"left": 6})
        assert states() == {("gone", 2, 2): 14, ("pending", 1, 1): 6}

    @pytest.mark.parametrize("content", [None, "refused.by.genomics"])
    def test_without_a_token_it_takes_the_first_no_for_all(
        self, clinical: RemoteApi, tmp_path: Path, content: str | None
    ) -> None:
        waiting(clinical, 3)
        if content:
            (tmp_path / "token").write_text(content)
        with Peer(problem("unauthenticated")) as genomics:
            done = verify_links(genomics.url, CAREWAY_GENOMICS_TOKEN_FILE=str(tmp_path / "token"))
        assert (done.returncode, len(genomics.asked)) == (LEFT, 1 if content else 0)
        assert lines(done.stdout)[-1] == {"left": 3, "stopped": "identity"}
        (complaint,) = [line for line in map(json.loads, done.stdout.splitlines()) if "logger" in line]
        assert (complaint["logger"], complaint["level"]) == ("clinical.genomics_client", "ERROR")
        assert states() == {("pending", 1, 1): 3}

    def test_one_that_somebody_holds_is_left_for_another_run(self, clinical: RemoteApi) -> None:
        links = waiting(clinical, 3)
        with Peer(UNKNOWN) as genomics, psycopg.connect(pair.database("clinical")) as holder:
            holder.execute("SELECT FROM clinical_genomiclink WHERE id = %s FOR UPDATE", [links[0]])
            done = verify_links(genomics.url, CAREWAY_LOCK_TIMEOUT_SECONDS="1")
        assert (done.returncode, done.stderr) == (LEFT, "")
        assert lines(done.stdout) == [{"asked": 3, "busy": 1, "gone": 2}, {"left": 1}]
        assert states() == {("gone", 2, 2): 2, ("pending", 1, 1): 1}

    def test_one_that_fails_does_not_keep_the_others_waiting(self, clinical: RemoteApi) -> None:
        waiting(clinical, 4)
        with Peer(UNKNOWN, reply(418), UNKNOWN) as genomics:
            done = verify_links(genomics.url)
        assert (done.returncode, lines(done.stdout)) == (
            LEFT,
            [{"asked": 4, "gone": 3, "unreachable": 1}, {"left": 1}],
        )


class TestWhatItSays:
    def test_it_is_a_line_of_json_for_each_batch(self, clinical: RemoteApi) -> None:
        waiting(clinical, 50)
        waiting(clinical.as_(organization="Hôpital 東"), 1)
        with Peer(UNKNOWN) as genomics:
            done = verify_links(genomics.url)
        said = [{"asked": 50, "gone": 50}, {"asked": 1, "gone": 1}, {"left": 0}]
        assert [json.loads(line) for line in done.stdout.splitlines()] == said
        # Each was asked about for its own organization.
        asked_for = [asked.headers["Careway-Organization"] for asked in genomics.asked]
        assert asked_for == ["st-elsewhere"] * 50 + ["H%C3%B4pital%20%E6%9D%B1"]

    def test_it_is_progress_on_a_terminal_and_why_it_stopped(self, clinical: RemoteApi) -> None:
        waiting(clinical, 54)
        with Peer(*[UNKNOWN] * 51, problem("unauthenticated")) as genomics:
            code, said = self.on_a_terminal(genomics.url)
        assert code == LEFT
        first, _, rest = said.partition("{")  # the client's complaint, a line of the log
        assert first == "\r50 gone "
        stopped = "3 links are left. Stopped: genomics takes no token of this service."
        assert rest.endswith(f"}}\r\n\r51 gone \r\n{stopped}\r\n")

    def on_a_terminal(self, genomics_url: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        run = start(genomics_url, theirs)
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # how Linux says that the other end was closed
                break
        os.close(ours)
        return run.wait(timeout=30), said.decode()


class Exports(Collector):
    """Notes what a counter says after each export."""

    def __init__(self) -> None:
        super().__init__()
        self.of_links: list[dict[str, float]] = []

    def take(self, path: str, body: bytes) -> bool:
        known = super().take(path, body)
        if path == "/v1/metrics":
            self.of_links.append(self.totals("careway.link.verifications", "outcome"))
        return known


class TestTelemetry:
    def test_a_short_run_is_seen_in_a_rate(self, clinical: RemoteApi) -> None:
        """Which needs two samples: what one instance sent once, it never gained."""
        waiting(clinical, 2)
        with Exports() as collector, Peer(UNKNOWN) as genomics:
            variables = {**collector.environment, "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
            assert verify_links(genomics.url, **variables).returncode == 0
            zero = dict.fromkeys(("verified", "pending", "rejected", "gone"), 0)
            assert collector.of_links == [zero, {**zero, "gone": 2}]
            # It would seem to serve.
            assert collector.points("careway.requests") == []

    def test_a_run_is_counted_and_each_link_has_its_trace(self, clinical: RemoteApi) -> None:
        waiting(clinical, 2)
        with Collector() as collector, Peer(UNKNOWN) as genomics:
            done = verify_links(genomics.url, **collector.environment)
            assert done.returncode == 0, done.stderr
            counted = collector.counted_at_last("careway.link.verifications", "outcome")
            assert {outcome: number for outcome, number in counted.items() if number} == {"gone": 2}
            traces = [asked.headers["traceparent"].split("-")[1] for asked in genomics.asked]
            kinds = [["db.system.name" in each.attributes for each in collector.traced(trace)] for trace in traces]
            assert [each.count(False) for each in kinds] == [2, 2]  # the link, and the call
            assert all(True in each for each in kinds)  # and the statements of the link
        events = (
            "SELECT pgh_context ->> 'trace_id' FROM clinical_genomiclinkevent WHERE version = 2 ORDER BY pgh_id DESC"
        )
        assert [trace for (trace,) in rows(f"{events} LIMIT 2")] == traces[::-1]
        assert traces[0] != traces[1]

    def test_a_collector_that_is_gone_holds_nothing_up(self, clinical: RemoteApi) -> None:
        waiting(clinical, 1)
        with Peer(UNKNOWN) as genomics:
            started = time.monotonic()
            nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": pair.nobody()}
            done = verify_links(genomics.url, **nowhere, OTEL_EXPORTER_OTLP_TIMEOUT="2")
            assert (done.returncode, lines(done.stdout)) == (0, [{"asked": 1, "gone": 1}, {"left": 0}])
            assert time.monotonic() - started < 30

    def test_one_that_drips_its_answer_does_not_keep_it_from_ending(self, clinical: RemoteApi) -> None:
        waiting(clinical, 1)
        with Peer(UNKNOWN) as genomics, serving(dripping) as url:
            done = verify_links(genomics.url, OTEL_EXPORTER_OTLP_ENDPOINT=url)  # would time out
            assert (done.returncode, lines(done.stdout)[:2]) == (0, [{"asked": 1, "gone": 1}, {"left": 0}])


class TestInterrupted:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
    def test_nothing_is_lost(self, clinical: RemoteApi, number: signal.Signals) -> None:
        waiting(clinical, 20)
        with Peer(slow(0.15, UNKNOWN)) as genomics:
            run = start(genomics.url, subprocess.DEVNULL)
            assert eventually(lambda: states()["gone", 2, 2] >= 2)
            run.send_signal(number)
            started = time.monotonic()
            assert run.wait(timeout=10) != 0
            assert time.monotonic() - started < 3
            # Each link is settled whole, with its event, or as it was.
            found = states()
            assert set(found) == {("gone", 2, 2), ("pending", 1, 1)}
            assert sum(found.values()) == 20
            # Neither is a row locked by what was killed.
            genomics.answers[:] = [UNKNOWN]
            assert verify_links(genomics.url).returncode == 0
        assert states() == {("gone", 2, 2): 20}
