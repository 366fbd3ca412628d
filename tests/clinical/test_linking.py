"""How a link is made and settled, with a real peer in the other service's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from opentelemetry.metrics import CallbackOptions
from pytest_django.fixtures import Settings

from chassis.instruments import Counter
from chassis.issuers import Caller
from clinical import genomics_client, metrics
from clinical.choices import Verification
from clinical.linking import PENDING, pending_links, settle
from clinical.models import GenomicLink
from tests.api import ALL, Answer, Api
from tests.clinical.peers import Exchange, Peer, problem, raw, reply
from tests.database import execute, plan
from tests.servers import free_port

from . import factories
from .factories import ANALYSIS, fault, path_of

SNAPSHOT: dict[str, Any] = {
    "status": "ready",
    "assay": "wes",
    "panel_code": None,
    "genome_build": "GRCh38",
    "pipeline_name": "sarek",
    "pipeline_version": "3.5.1",
    "version": 3,
    "ingested_at": "2026-11-18T10:05:00.123456Z",
}
OPTIONS = CallbackOptions()
BODY = {"analysis_id": ANALYSIS, "relation": "reviewed"}
SETTLER = Caller("service:verify_links", "verify_links", "st-elsewhere", frozenset())
UNANSWERED = {
    "it fails": reply(500, {}),
    "it says something else": reply(200, {"id": ANALYSIS}),
    "a proxy answers": reply(404, b"<h1>Not Found</h1>", "text/html"),
    "it refuses the token": problem("unauthenticated"),
    "it hangs up": raw(b""),
}


def analysis_of(patient_id: str, analysis_id: str = ANALYSIS) -> Any:
    """What the other service answers of an analysis of that patient."""
    return reply(200, {"id": analysis_id, "patient_id": patient_id, "warnings": ["x"], **SNAPSHOT})


@pytest.fixture(autouse=True)
def nobody_there(settings: Settings, tmp_path: Path) -> Any:
    settings.GENOMICS_TOKEN_FILE = tmp_path / "token"
    settings.GENOMICS_TOKEN_FILE.write_text("a.service.token\n")
    settings.GENOMICS_URL = f"http://127.0.0.1:{free_port()}"
    genomics_client._lines.clear()
    return settings


Serve = Callable[..., AbstractContextManager[Peer]]


@pytest.fixture
def serve(nobody_there: Any) -> Serve:
    def start(*answers: Any) -> Peer:
        peer = Peer(*answers)
        nobody_there.GENOMICS_URL = peer.url
        return peer

    return start


@pytest.fixture
def visit(api: Api) -> dict[str, Any]:
    return factories.consultation(api)


@pytest.fixture
def collection(visit: dict[str, Any]) -> str:
    return f"consultations/{visit['id']}/genomic-links"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, int]]:
    """Links counted so far, by outcome."""
    counter = Counter(metrics.meter, "links", unit="{link}", description="Links.", outcome=())
    monkeypatch.setattr(metrics, "link_verifications", counter)
    return lambda: {str((each.attributes or {})["outcome"]): int(each.value) for each in counter.observe(OPTIONS)}


class TestMaking:
    def test_an_analysis_of_the_same_patient_is_verified(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        with serve(analysis_of(visit["patient"])) as genomics:
            made = api.post(collection, BODY)
        assert made.status == 201
        assert (made.json["verification"], made.json["snapshot"]) == ("verified", SNAPSHOT)
        assert made.json["checked_at"] >= made.json["created_at"][:19]
        (asked,) = genomics.asked
        assert (asked.method, asked.path) == ("GET", f"/genomics/v1/analyses/{ANALYSIS}")
        assert asked.headers["Authorization"] == "Bearer a.service.token"
        assert asked.headers["Careway-Organization"] == "st-elsewhere"

    def test_the_other_service_may_know_the_patient_by_a_merged_record(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        merged = factories.merged_patient(api, into=visit["patient"])["id"]
        with serve(analysis_of(merged)):
            assert api.post(collection, BODY).json["verification"] == "verified"

    def test_a_survivor_is_not_the_patient_before_the_merge(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        other = factories.patient(api)["id"]
        with serve(analysis_of(other)):
            assert api.post(collection, BODY).status == 409
            factories.merge(api, visit["patient"], other)
            assert api.post(collection, BODY).json["verification"] == "verified"

    def test_an_analysis_of_another_patient_is_refused(self, api: Api, serve: Serve, collection: str) -> None:
        with serve(analysis_of(factories.patient(api)["id"])):
            refused = api.post(collection, BODY)
        assert fault(refused, 409) == ("/analysis_id", "other-patient")
        assert refused.json["code"] == "conflict"
        assert api.get(collection).json["results"] == []

    def test_an_unknown_analysis_is_refused(self, api: Api, serve: Serve, collection: str) -> None:
        with serve(problem("not-found")):
            assert fault(api.post(collection, BODY), 409) == ("/analysis_id", "unknown-analysis")
        assert api.get(collection).json["results"] == []

    @pytest.mark.parametrize("kind", UNANSWERED)
    def test_it_is_pending_when_there_is_no_answer(self, api: Api, serve: Serve, collection: str, kind: str) -> None:
        with serve(UNANSWERED[kind]):
            made = api.post(collection, BODY)
        assert made.status == 201
        assert [made.json[name] for name in ("verification", "snapshot", "checked_at")] == ["pending", None, None]

    def test_it_is_pending_when_nobody_is_there(self, api: Api, collection: str) -> None:
        assert api.post(collection, BODY).json["verification"] == "pending"

    def test_another_analysis_cannot_be_linked_in_its_place(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        with serve(analysis_of(visit["patient"], ANALYSIS.replace("2d11", "2d12"))):
            assert api.post(collection, BODY).json["verification"] == "pending"

    def test_a_stored_answer_needs_the_other_scope_too(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        without = api.as_(scopes=tuple(scope for scope in ALL if scope != "genomics:read"))
        with serve(analysis_of(visit["patient"])):
            assert api.post(collection, BODY, Idempotency_Key="k1").status == 201
            refused = without.post(collection, BODY, Idempotency_Key="k1")
        assert (refused.status, refused.json["scope"]) == (403, "genomics:read")

    def test_nobody_is_asked_for_what_is_refused_anyway(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        cancelled = factories.consultation_that_is(api, "cancelled")["id"]
        without = api.as_(scopes=tuple(scope for scope in ALL if scope != "genomics:read"))
        with serve(analysis_of(visit["patient"])) as genomics:
            answers = [
                without.post(collection, BODY),
                api.post(collection, {**BODY, "relation": "seen"}),
                api.post(f"consultations/{cancelled}/genomic-links", BODY),
                api.as_(organization="general-hospital").post(collection, BODY),
            ]
        assert [answer.status for answer in answers] == [403, 400, 409, 404]
        assert genomics.asked == []

    def test_reads_and_edits_ask_nobody(self, api: Api, serve: Serve, visit: dict[str, Any], collection: str) -> None:
        path = path_of(factories.link(api, visit["id"]), "genomic-links")
        with serve(analysis_of(visit["patient"])) as genomics:
            for read in (path, collection, f"{path}/history"):
                assert api.get(read).status == 200
            api.patch(path, {"relation": "ordered"}, If_Match='"1"')
            api.move(path, "entered-in-error", "Another analysis.")
        assert genomics.asked == []

    def test_a_retry_asks_once(self, api: Api, serve: Serve, visit: dict[str, Any], collection: str) -> None:
        with serve(analysis_of(visit["patient"])) as genomics:
            first, again = (api.post(collection, BODY, Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.content, len(genomics.asked)) == (201, first.content, 1)

    def test_a_second_link_is_refused_whatever_is_answered(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        with serve(analysis_of(visit["patient"])):
            api.post(collection, BODY)
            assert fault(api.post(collection, BODY), 409) == ("/analysis_id", "duplicate")

    def test_history_keeps_what_was_answered(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str
    ) -> None:
        with serve(analysis_of(visit["patient"])):
            made = api.post(collection, BODY).json
        (event,) = api.get(f"{collection}/{made['id']}/history").json["results"]
        assert event["record"] == made


class TestCounting:
    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [(problem("not-found"), "gone"), (analysis_of(ANALYSIS), "rejected"), (reply(500), "pending")],
    )
    def test_every_outcome_counts(
        self, api: Api, serve: Serve, collection: str, counted: Any, answer: Any, outcome: str,
        django_capture_on_commit_callbacks: Any,
    ) -> None:  # fmt: skip
        with serve(answer), django_capture_on_commit_callbacks(execute=True):
            api.post(collection, BODY)
        assert counted() == {outcome: 1}

    def test_what_is_not_stored_does_not(
        self, api: Api, serve: Serve, visit: dict[str, Any], collection: str, counted: Any,
        django_capture_on_commit_callbacks: Any,
    ) -> None:  # fmt: skip
        with serve(analysis_of(visit["patient"])), django_capture_on_commit_callbacks(execute=True):
            statuses = [api.post(collection, BODY).status for _ in range(2)]
        assert (statuses, counted()) == ([201, 409], {"verified": 1})


class TestSettling:
    @pytest.fixture
    def pending(self, api: Api, collection: str) -> dict[str, Any]:
        return dict(api.post(collection, BODY).json)

    def settled(self, pending: dict[str, Any]) -> str:
        return settle(GenomicLink.objects.get(pk=UUID(pending["id"])), caller=SETTLER)

    def test_it_is_verified_with_a_snapshot_as_a_new_version(
        self, api: Api, serve: Serve, visit: dict[str, Any], pending: dict[str, Any]
    ) -> None:
        with serve(analysis_of(visit["patient"])):
            assert self.settled(pending) == "verified"
        after = api.get(path_of(pending, "genomic-links")).json
        assert (after["verification"], after["snapshot"], after["version"]) == ("verified", SNAPSHOT, 2)
        assert after["updated_by"] == "service:verify_links"
        later = api.get(path_of(pending, "genomic-links") + "/history").json["results"][0]
        assert (later["actor"], later["record"]) == ("service:verify_links", after)

    @pytest.mark.parametrize(
        ("answer", "verification"), [(problem("not-found"), "gone"), (analysis_of(ANALYSIS), "rejected")]
    )
    def test_it_is_kept_when_it_was_wrong(
        self, api: Api, serve: Serve, pending: dict[str, Any], answer: Any, verification: str
    ) -> None:
        with serve(answer):
            assert self.settled(pending) == verification
        after = api.get(path_of(pending, "genomic-links")).json
        assert (after["verification"], after["snapshot"], after["status"]) == (verification, None, "recorded")
        assert after["checked_at"]

    @pytest.mark.parametrize("kind", UNANSWERED)
    def test_it_stays_as_it_is_when_there_is_no_answer(
        self, api: Api, serve: Serve, pending: dict[str, Any], kind: str
    ) -> None:
        with serve(UNANSWERED[kind]), pytest.raises(genomics_client.Unreachable):
            self.settled(pending)
        assert api.get(path_of(pending, "genomic-links")).json == pending

    def test_it_is_settled_once(self, api: Api, serve: Serve, visit: dict[str, Any], pending: dict[str, Any]) -> None:
        link = GenomicLink.objects.get(pk=UUID(pending["id"]))
        with serve(problem("not-found"), analysis_of(visit["patient"])):
            assert [settle(link, caller=SETTLER) for _ in range(2)] == ["gone", "settled"]
        assert api.get(path_of(pending, "genomic-links")).json["version"] == 2

    def test_an_error_is_not_settled(
        self, api: Api, serve: Serve, visit: dict[str, Any], pending: dict[str, Any]
    ) -> None:
        link = GenomicLink.objects.get(pk=UUID(pending["id"]))
        api.move(path_of(pending, "genomic-links"), "entered-in-error", "Another analysis.")
        with serve(analysis_of(visit["patient"])):
            assert settle(link, caller=SETTLER) == "settled"
        assert api.get(path_of(pending, "genomic-links")).json["verification"] == "pending"

    def test_it_is_judged_by_whom_its_consultation_is_of_by_then(
        self, api: Api, serve: Serve, visit: dict[str, Any], pending: dict[str, Any]
    ) -> None:
        survivor = factories.patient(api)["id"]
        factories.merge(api, visit["patient"], survivor)
        with serve(analysis_of(visit["patient"])):
            assert self.settled(pending) == "verified"

    def test_it_asks_as_the_links_own_organization(self, api: Api, serve: Serve, pending: dict[str, Any]) -> None:
        with serve(problem("not-found")) as genomics:
            self.settled(pending)
        assert [asked.headers["Careway-Organization"] for asked in genomics.asked] == ["st-elsewhere"]

    def test_of_those_that_wait_the_oldest_comes_first(self, api: Api, pending: dict[str, Any]) -> None:
        ids = [pending["id"], *(factories.link(api)["id"] for _ in range(2))]
        assert [str(link.pk) for link in GenomicLink.objects.pending()] == ids
        assert [str(link.pk) for link in GenomicLink.objects.pending(after=UUID(ids[0]))] == ids[1:]


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    """What others do while the other service thinks."""

    @pytest.fixture
    def own(self) -> Iterator[Api]:
        yield Api(service="clinical")
        tables = ["patient", "patientevent", "consultation", "consultationevent", "genomiclink", "genomiclinkevent"]
        execute(f"TRUNCATE {', '.join(f'clinical_{table}' for table in tables)} CASCADE")

    def test_nobody_waits_for_it_and_what_they_did_counts(self, own: Api, serve: Serve) -> None:
        visit = factories.consultation(own)
        moved: list[Answer] = []

        def cancel_first(exchange: Exchange) -> None:
            moved.append(own.move(f"consultations/{visit['id']}", "cancelled"))
            connection.close()  # of the peer's thread
            analysis_of(visit["patient"])(exchange)

        with serve(cancel_first):
            refused = own.post(f"consultations/{visit['id']}/genomic-links", BODY)
        assert [answer.status for answer in moved] == [200]
        assert (refused.status, refused.json["code"], refused.json["current"]) == (409, "wrong-state", "cancelled")
        assert own.get(f"consultations/{visit['id']}/genomic-links").json["results"] == []

    def test_a_merge_meanwhile_does_not_part_the_two(self, own: Api, serve: Serve) -> None:
        visit, survivor = factories.consultation(own), factories.patient(own)["id"]

        def merge_first(exchange: Exchange) -> None:
            factories.merge(own, visit["patient"], survivor)
            connection.close()
            analysis_of(visit["patient"])(exchange)

        with serve(merge_first):
            made = own.post(f"consultations/{visit['id']}/genomic-links", BODY)
        assert (made.status, made.json["verification"]) == (201, "verified")
        assert own.get(f"consultations/{visit['id']}").json["patient"] == survivor


def test_what_is_counted_of_them_begins_at_zero() -> None:
    begun = {str((each.attributes or {})["outcome"]) for each in metrics.link_verifications.observe(OPTIONS)}
    assert begun >= set(Verification)


class TestHowManyArePending:
    def test_they_are_read_from_the_index_of_the_pending(self, api: Api, collection: str) -> None:
        assert api.post(collection, BODY).json["verification"] == "pending"
        execute("SET LOCAL enable_seqscan = off")
        used = {node.get("Index Name") for node in plan(PENDING)}
        assert "clinical_genomiclink_pending" in used
        ((number, age),) = execute(PENDING)
        assert (number, 0 <= age < 60) == (1, True)

    def test_none_are_none(self, api: Api) -> None:
        assert execute(PENDING) == [(0, 0.0)]

    def test_they_are_told(self, db: None) -> None:
        """Of what is committed: a vital asks over a connection of its own."""
        pending_links()
        told = [next(iter(each.observe(OPTIONS))).value for each in (metrics.links_pending, metrics.links_pending_age)]
        assert told[0] >= 0
        assert (told[0] == 0) == (told[1] == 0)
