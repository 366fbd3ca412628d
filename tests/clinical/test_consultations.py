"""Consultations, through the API."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from clinical.choices import CONSULTATION_MACHINE, OPEN, ConsultationStatus
from tests.api import Api

from . import factories
from .factories import WAYS, fault

CLOSED = sorted(set(ConsultationStatus.values) - set(OPEN))


@pytest.fixture
def body(api: Api) -> dict[str, Any]:
    return {"patient": factories.patient(api)["id"], "kind": "AMB"}


def ago(**span: int) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("consultations", body)
        assert made.status == 201
        assert made.header("Location") == f"http://testserver/clinical/v1/consultations/{made.json['id']}"
        assert made.etag == '"1"'
        empty = {"scheduled_at": None, "started_at": None, "ended_at": None, "reason": "", "note": ""}
        assert made.json.items() >= {**body, **empty, "status": "planned"}.items()
        assert api.get(f"consultations/{made.json['id']}").json == made.json

    def test_the_practitioner_is_the_caller_unless_another_is_named(self, api: Api, body: dict[str, Any]) -> None:
        named = {None: "dr-okafor", "": "dr-okafor", "dr-haddad": "dr-haddad"}
        for name, practitioner in named.items():
            members = {} if name is None else {"practitioner": name}
            assert api.post("consultations", {**body, **members}).json["practitioner"] == practitioner

    @pytest.mark.parametrize("kind", ["AMB", "VR", "IMP", "EMER", "HH"])
    def test_its_kind_is_a_class_of_encounter(self, api: Api, body: dict[str, Any], kind: str) -> None:
        assert api.post("consultations", {**body, "kind": kind}).json["kind"] == kind

    @pytest.mark.parametrize("member", ["patient", "kind"])
    def test_these_members_are_needed(self, api: Api, body: dict[str, Any], member: str) -> None:
        del body[member]
        assert fault(api.post("consultations", body)) == (f"/{member}", "required")

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"patient": "x"}, "/patient", "invalid"),
            ({"patient": None}, "/patient", "null"),
            ({"patient": "01890a5d-ac96-774b-bcce-000000000000"}, "/patient", "unknown-reference"),
            ({"kind": "ambulatory"}, "/kind", "invalid-choice"),
            ({"kind": None}, "/kind", "null"),
            ({"practitioner": 7}, "/practitioner", "invalid"),
            ({"practitioner": "x" * 251}, "/practitioner", "max-length"),
            ({"practitioner": None}, "/practitioner", "null"),
            ({"scheduled_at": "2026-11-25T09:00:00"}, "/scheduled_at", "invalid"),
            ({"scheduled_at": "2026-11-25"}, "/scheduled_at", "invalid"),
            ({"started_at": 1_700_000_000}, "/started_at", "invalid"),
            ({"reason": "x" * 501}, "/reason", "max-length"),
            ({"reason": None}, "/reason", "null"),
            ({"note": "x" * 20_001}, "/note", "max-length"),
            ({"note": "a\x00b"}, "/note", "control-character"),
            ({"status": "completed"}, "/status", "read-only"),
            ({"diagnoses": []}, "/diagnoses", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("consultations", {**body, **changes})) == (pointer, code)
        assert api.get("consultations").json["results"] == []

    def test_a_note_keeps_its_lines(self, api: Api, body: dict[str, Any]) -> None:
        note = "Seen with her mother.\n\tNo seizures since spring.\n" + "x" * 19_000
        assert api.post("consultations", {**body, "note": note}).json["note"] == note

    def test_times_are_kept_in_utc(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("consultations", {**body, "scheduled_at": "2026-11-25T09:00:00+01:00"})
        assert made.json["scheduled_at"] == "2026-11-25T08:00:00Z"


class TestPatient:
    def test_one_who_is_not_active_has_none(self, api: Api) -> None:
        inactive, wrong = (factories.patient(api, active=active)["id"] for active in (False, True))
        api.move(f"patients/{wrong}", "entered-in-error", "Nobody.")
        for patient in (inactive, wrong):
            refused = api.post("consultations", {"patient": patient, "kind": "AMB"})
            assert (refused.status, refused.json["code"]) == (409, "wrong-state")
        assert api.get("consultations").json["results"] == []

    def test_another_organizations_is_unknown(self, api: Api) -> None:
        foreign = factories.patient(api.as_(organization="general-hospital"))["id"]
        refused = api.post("consultations", {"patient": foreign, "kind": "AMB"})
        assert fault(refused) == ("/patient", "unknown-reference")


class TestTimes:
    @pytest.mark.parametrize("member", ["started_at", "ended_at"])
    def test_they_do_not_lie_in_the_future(self, api: Api, body: dict[str, Any], member: str) -> None:
        times = {"started_at": ago(hours=1), member: ago(hours=-1)}
        code = f"{member.split('_', maxsplit=1)[0]}-in-future"
        assert fault(api.post("consultations", {**body, **times})) == (f"/{member}", code)

    def test_a_clock_may_be_a_minute_fast(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("consultations", {**body, "started_at": ago(minutes=-1)}).status == 201

    def test_it_may_be_scheduled_for_next_year(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("consultations", {**body, "scheduled_at": ago(days=-400)}).status == 201

    def test_it_does_not_end_before_it_starts(self, api: Api) -> None:
        path = f"consultations/{factories.in_progress(api)['id']}"
        refused = api.patch(path, {"started_at": ago(hours=1), "ended_at": ago(hours=2)}, If_Match='"2"')
        assert fault(refused) == ("/ended_at", "ended-before-started")

    def test_it_does_not_end_without_a_start(self, api: Api, body: dict[str, Any]) -> None:
        assert fault(api.post("consultations", {**body, "ended_at": ago(hours=1)})) == (
            "/ended_at",
            "ended-not-started",
        )

    def test_a_begun_one_keeps_its_start(self, api: Api) -> None:
        path = f"consultations/{factories.in_progress(api)['id']}"
        refused = api.patch(path, {"started_at": None}, If_Match='"2"')
        assert fault(refused) == ("/started_at", "without-start")

    def test_a_transition_writes_them(self, api: Api) -> None:
        before = datetime.now(UTC) - timedelta(seconds=5)
        ended = factories.completed(api)
        started_at, ended_at = (datetime.fromisoformat(ended[name]) for name in ("started_at", "ended_at"))
        assert before < started_at <= ended_at < before + timedelta(minutes=1)

    def test_a_transition_keeps_what_was_written_before(self, api: Api) -> None:
        times = {"started_at": "2026-11-18T08:30:00Z", "ended_at": "2026-11-18T09:00:00Z"}
        path = f"consultations/{factories.consultation(api)['id']}"
        api.patch(path, times, If_Match='"1"')
        api.move(path, "in-progress")
        assert api.move(path, "completed").json.items() >= times.items()

    def test_a_pause_keeps_the_start(self, api: Api) -> None:
        first = factories.in_progress(api)
        path = f"consultations/{first['id']}"
        api.move(path, "on-hold")
        assert api.move(path, "in-progress").json["started_at"] == first["started_at"]

    @pytest.mark.parametrize("to", ["completed", "discontinued"])
    def test_one_that_began_by_a_fast_clock_can_end_at_once(self, api: Api, to: str) -> None:
        path = f"consultations/{factories.consultation(api, started_at=ago(minutes=-3))['id']}"
        api.move(path, "in-progress")
        ended = api.move(path, to, "because")
        assert (ended.status, ended.json["ended_at"]) == (200, ended.json["started_at"])


class TestTransitions:
    @pytest.mark.parametrize(("old", "new"), [*product(ConsultationStatus.values, ConsultationStatus.values)])
    def test_only_the_legal_ones_happen(self, api: Api, old: str, new: str) -> None:
        path = f"consultations/{factories.consultation_that_is(api, old)['id']}"
        answer = api.move(path, new, "because")
        allowed = list(CONSULTATION_MACHINE.asked.get(old, ()))
        if new in allowed:
            assert (answer.status, answer.json["status"], answer.json["status_reason"]) == (200, new, "because")
        elif new == "planned":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")
            assert (answer.json["current"], answer.json["allowed"]) == (old, allowed)
            assert api.get(path).json["status"] == old

    @pytest.mark.parametrize("to", ["discontinued", "entered-in-error"])
    def test_a_bad_end_needs_a_reason(self, api: Api, to: str) -> None:
        path = f"consultations/{factories.in_progress(api)['id']}"
        assert fault(api.move(path, to)) == ("/reason", "required")
        assert fault(api.move(path, to, "  ")) == ("/reason", "required")

    def test_the_version_that_was_read_is_needed(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}/transitions"
        assert api.post(path, {"to": "in-progress"}).status == 428
        assert api.post(path, {"to": "in-progress"}, If_Match='"2"').status == 412


class TestChange:
    @pytest.mark.parametrize("status", OPEN)
    def test_an_open_one_is_edited(self, api: Api, status: str) -> None:
        path = f"consultations/{factories.consultation_that_is(api, status)['id']}"
        answer = api.patch(path, {"note": "She walks well."}, If_Match=api.get(path).etag)
        assert (answer.status, answer.json["note"]) == (200, "She walks well.")

    @pytest.mark.parametrize("status", CLOSED)
    def test_a_closed_one_is_not(self, api: Api, status: str) -> None:
        made = factories.consultation_that_is(api, status)
        path, version = f"consultations/{made['id']}", api.get(f"consultations/{made['id']}").etag
        for answer in (
            api.patch(path, {"note": "x"}, If_Match=version),
            api.patch(path, {}, If_Match=version),
            api.put(path, made, If_Match=version),
        ):
            assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "not-editable", status)
        assert api.get(path).json == made

    def test_a_put_returns_what_it_leaves_out_to_its_default(self, api: Api) -> None:
        made = factories.consultation(api, note="x", practitioner="dr-haddad")
        body = {"patient": made["patient"], "kind": "VR"}
        answer = api.put(f"consultations/{made['id']}", body, If_Match='"1"')
        assert answer.status == 200
        defaults = {"kind": "VR", "scheduled_at": None, "reason": "", "note": ""}
        # Whose consultation it is has no default of its own: somebody always is.
        assert answer.json.items() >= {**defaults, "practitioner": "dr-haddad"}.items()

    def test_a_record_may_be_sent_back_as_it_was_read(self, api: Api) -> None:
        made = factories.in_progress(api)
        assert api.put(f"consultations/{made['id']}", made, If_Match='"2"').status == 200

    @pytest.mark.parametrize("practitioner", ["", None])
    def test_it_is_never_nobodys(self, api: Api, practitioner: str | None) -> None:
        path = f"consultations/{factories.consultation(api)['id']}"
        answer = api.as_(subject="dr-haddad").patch(path, {"practitioner": practitioner}, If_Match='"1"')
        assert answer.json["practitioner"] == "dr-okafor"

    def test_it_keeps_its_patient(self, api: Api) -> None:
        made = factories.consultation(api)
        path, other = f"consultations/{made['id']}", factories.patient(api)["id"]
        assert api.patch(path, {"patient": other}, If_Match='"1"').json["code"] == "not-editable"
        assert api.put(path, {**made, "patient": other}, If_Match='"1"').json["code"] == "not-editable"
        assert fault(api.patch(path, {"patient": None}, If_Match='"1"')) == ("/patient", "null")
        assert api.patch(path, {"patient": made["patient"]}, If_Match='"1"').status == 200


class TestDeletion:
    def test_a_planned_one_can_be_deleted_and_leaves_its_history(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}"
        assert api.delete(path, If_Match='"1"').status == 204
        assert [event["action"] for event in api.get(f"{path}/history").json["results"]] == ["deleted", "created"]

    @pytest.mark.parametrize("status", [status for status in WAYS if status != "planned"])
    def test_a_later_one_cannot(self, api: Api, status: str) -> None:
        path = f"consultations/{factories.consultation_that_is(api, status)['id']}"
        refused = api.delete(path, If_Match=api.get(path).etag)
        assert (refused.status, refused.json["code"]) == (409, "not-deletable")

    def test_one_with_dependants_cannot(self, api: Api) -> None:
        visit = factories.consultation(api)
        dependants = [
            factories.phenotype(api)["consultation"],
            factories.link(api)["consultation"],
            factories.diagnosis(api, visit["patient"], consultation=visit["id"])["consultation"],
        ]
        for consultation in dependants:
            assert api.delete(f"consultations/{consultation}", If_Match='"1"').json["code"] == "not-deletable"


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}"
        api.as_(subject="dr-haddad").move(path, "cancelled")
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"], first["version"]) == ("created", "development:dr-okafor", 1)
        assert (later["action"], later["actor"], later["version"]) == ("changed", "development:dr-haddad", 2)
        assert (first["record"]["status"], later["record"]["status"]) == ("planned", "cancelled")
        assert later["record"] == api.get(path).json


class TestList:
    @pytest.fixture
    def made(self, api: Api) -> list[dict[str, Any]]:
        first = factories.consultation(api)
        return [
            first,
            factories.consultation_that_is(api, "cancelled", patient=first["patient"]),
            factories.consultation(api, practitioner="dr-haddad"),
            factories.in_progress(api),
        ]

    def test_the_newest_comes_first(self, api: Api, made: list[dict[str, Any]]) -> None:
        assert api.get("consultations").json["results"] == made[::-1]
        assert api.get("consultations?ordering=created_at").json["results"] == made

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("patient={patient}", [1, 0]),
            ("patient={patient}&status=planned", [0]),
            ("practitioner=dr-haddad", [2]),
            ("practitioner=dr-nobody", []),
            ("status=in-progress", [3]),
        ],
    )
    def test_it_narrows(self, api: Api, made: list[dict[str, Any]], query: str, found: list[int]) -> None:
        results = api.get(f"consultations?{query.format(**made[0])}").json["results"]
        assert results == [made[number] for number in found]

    @pytest.mark.parametrize("query", ["patient=7", "status=finished", f"practitioner={'x' * 251}"])
    def test_a_filter_that_cannot_be_met_is_refused(self, api: Api, query: str) -> None:
        assert api.get(f"consultations?{query}").json["errors"][0]["parameter"] == query.split("=", maxsplit=1)[0]


class TestRetry:
    def test_a_key_makes_one(self, api: Api, body: dict[str, Any]) -> None:
        first, again = (api.post("consultations", body, Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.status, again.content) == (201, 201, first.content)
        assert len(api.get("consultations").json["results"]) == 1
