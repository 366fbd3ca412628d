"""Links across two real services: what clinical answers and stores while genomics answers well, badly, slowly, or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api import Answer, RemoteApi
from tests.clinical.peers import Answer as Scripted
from tests.clinical.peers import Peer, cut, dripping, endless, problem, raw, reply, silent, slow
from tests.clinical.server import pair
from tests.clinical.server.pair import link, stored
from tests.collector import Collector, eventually
from tests.routes import operations
from tests.servers import Server
from tests.worlds import world_of

CLINICAL_ALONE = ("clinical:read", "clinical:write", "history:read")
MERGED = "A person who had been registered twice."


@pytest.fixture(scope="module")
def genomics() -> Iterator[Server]:
    running = pair.genomics_server().start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What clinical shows genomics; tests put something else in its place."""
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(pair.service_token())
    return path


@pytest.fixture(scope="module")
def clinical_server(genomics: Server, token_file: Path) -> Iterator[Server]:
    running = pair.clinical_server(genomics.url, CAREWAY_GENOMICS_TOKEN_FILE=str(token_file)).start()
    yield running
    pair.forget_links()
    assert running.stop() == 0


@pytest.fixture
def clinical(clinical_server: Server) -> RemoteApi:
    """The clinical API of a process that asks the real genomics."""
    return clinical_server.api


def words(answer: Answer) -> dict[str, Any]:
    """A problem without what differs from one request to the next."""
    return {name: value for name, value in answer.json.items() if name not in {"instance", "request_id", "trace_id"}}


def is_pending(answer: Answer, consultation: str, analysis_id: str) -> bool:
    """Answered as such and stored as such, and nothing more."""
    shown = (answer.status, answer.json["verification"], answer.json["snapshot"], answer.json["checked_at"])
    assert shown == (201, "pending", None, None), answer.content
    assert stored(consultation) == [(analysis_id, "pending", None, False)]
    return True


class TestGenomicsUp:
    @pytest.mark.parametrize("organization", ["st-elsewhere", "Hôpital Saint-Élouard 東, Nord"])
    def test_the_patients_own_analysis_is_verified(
        self, clinical: RemoteApi, genomics: Server, organization: str
    ) -> None:
        clinical, lab = clinical.as_(organization=organization), genomics.api.as_(organization=organization)
        visit = pair.visit(clinical)
        analysis = pair.analysis(lab, visit["patient"])
        snapshot = {name: analysis[name] for name in pair.SNAPSHOT}
        answer = link(clinical, visit["id"], analysis["id"])
        assert (answer.status, answer.json["verification"]) == (201, "verified"), answer.content
        assert answer.json["snapshot"] == snapshot
        assert stored(visit["id"]) == [(analysis["id"], "verified", snapshot, True)]
        assert clinical.get(f"consultations/{visit['id']}/genomic-links/{answer.json['id']}").json == answer.json

    def test_another_patients_analysis_is_refused(self, clinical: RemoteApi, genomics: Server) -> None:
        visit, other = pair.visit(clinical), pair.visit(clinical)
        answer = link(clinical, visit["id"], pair.analysis(genomics.api, other["patient"])["id"])
        assert (answer.status, answer.json["errors"][0]["code"]) == (409, "other-patient")
        assert other["patient"] not in answer.content.decode()
        assert stored(visit["id"]) == []

    def test_an_unknown_analysis_is_refused_and_another_organizations_is_as_unknown(
        self, clinical: RemoteApi, genomics: Server
    ) -> None:
        visit = pair.visit(clinical)
        # Even of the very same patient: nobody learns here what another hospital has.
        theirs = pair.analysis(genomics.api.as_(organization="general-hospital"), visit["patient"])["id"]
        unknown, foreign = (link(clinical, visit["id"], each) for each in (str(uuid.uuid4()), theirs))
        assert (unknown.status, unknown.json["errors"][0]["code"]) == (409, "unknown-analysis")
        assert (foreign.status, words(foreign)) == (409, words(unknown))
        assert {name.lower() for name in foreign.headers} == {name.lower() for name in unknown.headers}
        assert stored(visit["id"]) == []

    def test_a_merged_patient_is_still_known_by_the_old_record(self, clinical: RemoteApi, genomics: Server) -> None:
        visit, old = pair.visit(clinical), pair.visit(clinical)["patient"]
        analysis = pair.analysis(genomics.api, old)["id"]
        assert link(clinical, visit["id"], analysis).status == 409
        path = f"patients/{old}"
        body = {"to": "merged", "into": visit["patient"], "reason": MERGED}
        assert clinical.post(f"{path}/transitions", body, If_Match=clinical.get(path).etag).status == 200
        assert link(clinical, visit["id"], analysis).json["verification"] == "verified"


class TestGenomicsDown:
    @pytest.fixture
    def down(self, clinical: RemoteApi, genomics: Server) -> Iterator[Server]:
        """Genomics, stopped; in the end it runs, and clinical's circuit breaker knows it."""
        genomics.stop()
        yield genomics
        if genomics.process is None or genomics.process.poll() is not None:
            genomics.start()
        assert link(clinical, pair.visit(clinical)["id"], str(uuid.uuid4())).status == 409

    def test_a_link_waits_until_it_is_up_again(self, clinical: RemoteApi, down: Server) -> None:
        down.start()
        visit = pair.visit(clinical)
        analysis = pair.analysis(down.api, visit["patient"])
        down.stop()
        answer = link(clinical, visit["id"], analysis["id"])
        assert is_pending(answer, visit["id"], analysis["id"])
        down.start()
        settled = pair.verify_links(down.url)
        assert settled.returncode == 0, settled.stderr
        snapshot = {name: analysis[name] for name in pair.SNAPSHOT}
        assert stored(visit["id"]) == [(analysis["id"], "verified", snapshot, True)]
        now = clinical.get(f"consultations/{visit['id']}/genomic-links/{answer.json['id']}").json
        assert (now["verification"], now["version"], now["updated_by"]) == ("verified", 2, "service:verify_links")

    def test_a_retry_afterwards_is_answered_as_the_first_time(self, clinical: RemoteApi, down: Server) -> None:
        visit, analysis, key = pair.visit(clinical), str(uuid.uuid4()), str(uuid.uuid4())
        first = link(clinical, visit["id"], analysis, Idempotency_Key=key)
        assert is_pending(first, visit["id"], analysis)
        down.start()  # which does not know the analysis
        again = link(clinical, visit["id"], analysis, Idempotency_Key=key)
        assert again.header("Idempotent-Replayed") == "true"
        assert (again.status, again.content, again.etag) == (first.status, first.content, first.etag)
        assert is_pending(again, visit["id"], analysis)
        pair.forget_links()


class TestTheServiceToken:
    BAD = (
        pytest.param({"seconds": -3600}, id="expired"),
        pytest.param({"audience": "elsewhere"}, id="another-audience"),
        pytest.param({"scopes": ["genomics:write"]}, id="without-the-scope"),
        pytest.param({"iss": "https://issuer.example"}, id="another-issuer"),
        pytest.param(None, id="no-file"),
    )

    @pytest.mark.parametrize("changes", BAD)
    def test_without_a_good_one_a_link_waits_and_nobody_learns_why(
        self, clinical: RemoteApi, genomics: Server, token_file: Path, changes: dict[str, Any] | None
    ) -> None:
        visit = pair.visit(clinical)
        analysis = pair.analysis(genomics.api, visit["patient"])["id"]
        good = token_file.read_text()
        token_file.unlink()
        if changes is not None:
            token_file.write_text(pair.service_token(**changes))
        answer = link(clinical, visit["id"], analysis)
        token_file.write_text(good)
        assert is_pending(answer, visit["id"], analysis)
        told = answer.content.decode().lower() + str(answer.headers).lower()
        assert [
            word for word in ("token", "bearer", "audience", "scope", "expired", good[:20].lower()) if word in told
        ] == []
        # The file is read for each call; and the breaker counts no more than this one failure.
        other = pair.visit(clinical, patient=visit["patient"])
        assert link(clinical, other["id"], analysis).json["verification"] == "verified"


def document(analysis_id: str, patient: str) -> dict[str, Any]:
    known = {"status": "ready", "assay": "wes", "panel_code": None, "genome_build": "GRCh38", "version": 3}
    more = {"pipeline_name": "sarek", "pipeline_version": "3.5.1", "ingested_at": "2026-11-18T10:05:00.123456Z"}
    return {"id": analysis_id, "patient_id": patient, **known, **more}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def everlasting_peer() -> Iterator[Peer]:
    with Peer(problem("not-found")) as running:
        yield running


@pytest.fixture(scope="module")
def wired_server(everlasting_peer: Peer, collector: Collector) -> Iterator[Server]:
    """Clinical with telemetry, which asks the peer."""
    running = pair.clinical_server(everlasting_peer.url, **collector.environment).start()
    yield running
    pair.forget_links()
    assert running.stop() == 0


@pytest.fixture
def wired(wired_server: Server) -> RemoteApi:
    return wired_server.api


@pytest.fixture
def peer(everlasting_peer: Peer, wired: RemoteApi) -> Iterator[Peer]:
    """Nobody has asked it yet; afterwards it answers, so that the breaker is closed for the next test."""
    everlasting_peer.asked.clear()
    yield everlasting_peer
    everlasting_peer.answers[:] = [problem("not-found")]
    assert link(wired, pair.visit(wired)["id"], str(uuid.uuid4())).status == 409


class TestGenomicsBroken:
    ID = "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d99"
    SAID = document(ID, "01890a5d-ac96-774b-bcce-b302099a8057")
    BAD = (
        pytest.param(silent(), id="silent"),
        pytest.param(slow(3, reply(200, SAID)), id="slow"),
        pytest.param(dripping(200, SAID, every=0.1, head_at_once=True), id="dripping"),
        pytest.param(reply(500, {"detail": "Traceback: DELETED"}), id="500"),
        pytest.param(problem("unavailable"), id="503"),
        pytest.param(reply(404, b"<h1>No route to DELETED</h1>", "text/html"), id="404-of-a-proxy"),
        pytest.param(reply(200, b"<h1>DELETED</h1>", "text/html"), id="page-of-a-proxy"),
        pytest.param(reply(200, {**SAID, "patient_id": "DELETED"}), id="no-patient"),
        pytest.param(reply(200, document(str(uuid.uuid4()), SAID["patient_id"])), id="another-analysis"),
        pytest.param(reply(200, {**SAID, "variants": ["7:117559590"], "version": "DELETED"}), id="garbage"),
        pytest.param(reply(302, Location="http://127.0.0.1:9/DELETED"), id="redirect"),
        pytest.param(endless(200), id="endless"),
        pytest.param(cut(200, SAID, keep=40), id="broken-off"),
        pytest.param(raw(b"\x00\x01\x02\r\n\r\n"), id="not-http"),
        pytest.param(problem("unauthenticated"), id="401"),
        pytest.param(problem("missing-scope"), id="403"),
    )

    @pytest.mark.parametrize("answer", BAD)
    def test_a_link_waits_and_shows_nothing_of_it(self, wired: RemoteApi, peer: Peer, answer: Scripted) -> None:
        visit = pair.visit(wired)
        peer.answers[:] = [answer]
        made = link(wired, visit["id"], self.ID)
        assert 1 <= len(peer.asked) <= 2
        assert is_pending(made, visit["id"], self.ID)
        assert "DELETED" not in made.content.decode() + str(made.headers)

    def test_a_second_attempt_may_find_it_well(self, wired: RemoteApi, peer: Peer) -> None:
        visit = pair.visit(wired)
        peer.answers[:] = [reply(500), reply(200, document(self.ID, visit["patient"]))]
        assert link(wired, visit["id"], self.ID).json["verification"] == "verified"
        assert len(peer.asked) == 2


class TestWhoIsAsked:
    def test_not_for_a_caller_who_may_not_read_there(self, wired: RemoteApi, peer: Peer) -> None:
        visit = pair.visit(wired)
        refused = link(wired.as_(scopes=CLINICAL_ALONE), visit["id"], str(uuid.uuid4()))
        assert (refused.status, refused.json["code"], refused.json["scope"]) == (403, "missing-scope", "genomics:read")
        assert "genomics:read" in (refused.header("WWW-Authenticate") or "")
        assert peer.asked == []
        assert stored(visit["id"]) == []

    def test_not_for_a_consultation_of_somebody_else(self, wired: RemoteApi, peer: Peer) -> None:
        visit = pair.visit(wired)
        stranger = wired.as_(organization="general-hospital")
        assert link(stranger, visit["id"], str(uuid.uuid4())).status == 404
        assert peer.asked == []

    def test_as_the_service_and_for_the_callers_organization(self, wired: RemoteApi, peer: Peer) -> None:
        doctor = wired.as_(organization="general-hospital")
        visit, analysis = pair.visit(doctor), str(uuid.uuid4())
        # What a client says of organizations is not passed on.
        link(doctor, visit["id"], analysis, Careway_Organization="st-elsewhere")
        (asked,) = peer.asked
        assert (asked.method, asked.path) == ("GET", f"/genomics/v1/analyses/{analysis}")
        assert asked.headers.get_all("Careway-Organization") == ["general-hospital"]
        token = pair.TOKEN_FILE.read_text().strip()
        assert asked.headers.get_all("Authorization") == [f"Bearer {token}"]


class TestReads:
    READS = tuple(each for each in operations() if each.method == "GET" and each.service in {"clinical", ""})

    def test_none_asks_genomics(self, wired: RemoteApi, peer: Peer) -> None:
        peer.answers[:] = [reply(500)]
        records = world_of("clinical").build(wired)  # a pending link among them
        visit, analysis = records["link"]["consultation"], str(uuid.uuid4())
        patient = wired.get(f"consultations/{visit}").json["patient"]
        peer.answers[:] = [reply(200, document(analysis, patient))]
        assert link(wired, visit, analysis).json["verification"] == "verified"
        assert {link["verification"] for link in self.links(wired, visit)} == {"pending", "verified"}
        peer.asked.clear()
        answers = {str(operation): wired.get(operation.path(records)).status for operation in self.READS}
        assert len(answers) > 20
        assert set(answers.values()) == {200}, answers
        assert peer.asked == []

    def links(self, wired: RemoteApi, visit: str) -> list[dict[str, Any]]:
        return list(wired.get(f"consultations/{visit}/genomic-links").json["results"])


class TestTelemetry:
    def test_one_trace_goes_through_both_services(self, wired: RemoteApi, peer: Peer, collector: Collector) -> None:
        visit, analysis = pair.visit(wired), str(uuid.uuid4())
        trace_id, callers_span = uuid.uuid4().hex, uuid.uuid4().hex[:16]
        peer.answers[:] = [reply(200, document(analysis, visit["patient"]))]
        made = link(wired, visit["id"], analysis, traceparent=f"00-{trace_id}-{callers_span}-01")
        assert made.json["verification"] == "verified"

        (asked,) = peer.asked
        _, sent_trace, sent_span, flags = asked.headers["traceparent"].split("-")
        assert (sent_trace, flags) == (trace_id, "01")
        events = "SELECT pgh_context ->> 'trace_id' FROM clinical_genomiclinkevent WHERE pgh_obj_id = %s"
        assert pair.rows(events, made.json["id"]) == [(trace_id,)]
        (event,) = wired.get(f"consultations/{visit['id']}/genomic-links/{made.json['id']}/history").json["results"]
        assert trace_id in json.dumps(event)

        def whole() -> dict[str, str]:
            spans = {span.span_id.hex(): span.parent_span_id.hex() for span in collector.spans(trace_id)}
            return spans if callers_span in spans.values() else {}  # the server's span ends last

        ids = eventually(whole)
        assert sent_span in ids  # the client's span
        assert ids[ids[sent_span]] == callers_span  # the server's span, and whoever called it

    def test_a_refusal_belongs_to_the_trace_too(self, wired: RemoteApi, peer: Peer) -> None:
        trace_id = uuid.uuid4().hex
        refused = link(wired, pair.visit(wired)["id"], str(uuid.uuid4()), traceparent=f"00-{trace_id}-{'ab' * 8}-01")
        assert (refused.status, refused.json["trace_id"]) == (409, trace_id)
        assert trace_id in peer.asked[0].headers["traceparent"]

    def test_each_outcome_is_counted_refusals_included(
        self, wired: RemoteApi, peer: Peer, collector: Collector
    ) -> None:
        visit, analysis = pair.visit(wired), str(uuid.uuid4())
        outcomes = {
            "verified": reply(200, document(analysis, visit["patient"])),
            "rejected": reply(200, document(analysis, str(uuid.uuid4()))),
            "gone": problem("not-found"),
            "pending": reply(500),
        }
        name = ("careway.link.verifications", "outcome")
        before = collector.counted(*name)
        for answer in outcomes.values():
            peer.answers[:] = [answer]
            link(wired, pair.visit(wired, patient=visit["patient"])["id"], analysis)
        assert collector.counted(*name) == {outcome: before.get(outcome, 0) + 1 for outcome in outcomes}
