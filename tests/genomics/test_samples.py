"""Samples, through the API."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, ClassVar

import pytest

from genomics.choices import SAMPLE_MACHINE, SampleStatus
from tests.api import Answer, Api

from . import factories


def fault(answer: Answer, status: int = 400) -> tuple[str, str]:
    """Pointer and code of the only fault."""
    assert answer.status == status, answer.content
    assert len(answer.json["errors"]) == 1, answer.content
    return answer.json["errors"][0]["pointer"], answer.json["errors"][0]["code"]


@pytest.fixture
def body() -> dict[str, Any]:
    return {
        "accession": "S-2026-9001",
        "patient_id": factories.PATIENT,
        "kind": "blood",
        "origin": "germline",
        "collected_at": "2026-11-18T08:30:00Z",
        "received_at": "2026-11-18T10:05:00Z",
    }


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", body)
        assert made.status == 201
        assert made.json["status"] == "expected"
        assert made.json["created_by"] == made.json["updated_by"] == "development:dr-okafor"
        assert made.header("Location") == f"http://testserver/genomics/v1/samples/{made.json['id']}"
        assert made.etag == '"1"'
        assert api.get(f"samples/{made.json['id']}").json == made.json

    def test_it_stores_times_in_utc(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", {**body, "collected_at": "2026-11-18T10:30:00.5+02:00"})
        assert made.json["collected_at"] == "2026-11-18T08:30:00.5Z"

    def test_it_upper_cases_the_accession(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", {**body, "accession": " s-2026-a "}).json["accession"] == "S-2026-A"

    def test_it_refuses_an_accession_that_exists(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", body).status == 201
        again = api.post("samples", {**body, "accession": body["accession"].lower()})
        assert fault(again, 409) == ("/accession", "duplicate")
        assert again.json["code"] == "duplicate"

    def test_another_organization_may_use_the_same_accession(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", body).status == 201
        assert api.as_(organization="general-hospital").post("samples", body).status == 201

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"accession": "AB"}, "/accession", "pattern"),
            ({"accession": 7}, "/accession", "invalid"),
            ({"accession": "straße-7"}, "/accession", "pattern"),
            ({"accession": "ı-2026-7"}, "/accession", "pattern"),
            ({"patient_id": "no-uuid"}, "/patient_id", "invalid"),
            ({"patient_id": None}, "/patient_id", "null"),
            ({"kind": "plasma"}, "/kind", "invalid-choice"),
            ({"origin": True}, "/origin", "invalid-choice"),
            ({"collected_at": "2026-11-18T08:30:00"}, "/collected_at", "invalid"),
            ({"received_at": "2026-11-18T08:29:59Z"}, "/received_at", "received-before-collected"),
            ({"status": "available"}, "/status", "read-only"),
            ({"organization": "general-hospital"}, "/organization", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("samples", {**body, **changes})) == (pointer, code)

    @pytest.mark.parametrize("member", ["collected_at", "received_at"])
    def test_it_refuses_a_time_in_the_future(self, api: Api, body: dict[str, Any], member: str) -> None:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        pointer, code = fault(
            api.post("samples", {**body, "collected_at": None, "received_at": None, member: tomorrow})
        )
        assert (pointer, code) == (f"/{member}", f"{member.split('_', maxsplit=1)[0]}-in-future")

    def test_it_forgives_a_clock_that_is_a_minute_fast(self, api: Api, body: dict[str, Any]) -> None:
        soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        assert api.post("samples", {**body, "received_at": soon}).status == 201

    def test_it_may_not_be_known_yet_when_it_was_collected(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", {**body, "collected_at": None, "received_at": None})
        assert (made.status, made.json["received_at"]) == (201, None)


class TestParent:
    def test_it_is_a_sample_of_the_same_patient(self, api: Api) -> None:
        parent = factories.sample(api)["id"]
        assert factories.sample(api, parent=parent)["parent"] == parent

    def test_it_is_not_a_sample_of_another_patient(self, api: Api, body: dict[str, Any]) -> None:
        parent = factories.sample(api, patient_id="01890a5d-ac96-774b-bcce-b302099a8058")["id"]
        refused = api.post("samples", {**body, "parent": parent})
        assert fault(refused, 409) == ("/parent", "other-patient")
        assert refused.json["code"] == "conflict"

    def test_it_is_not_the_sample_itself(self, api: Api) -> None:
        made = factories.sample(api)
        refused = api.patch(f"samples/{made['id']}", {"parent": made["id"]}, If_Match='"1"')
        assert fault(refused) == ("/parent", "own-parent")

    def test_it_exists(self, api: Api, body: dict[str, Any]) -> None:
        refused = api.post("samples", {**body, "parent": "01890a5d-ac96-774b-bcce-000000000000"})
        assert fault(refused, 409) == ("/parent", "other-patient")


class TestChange:
    def test_a_patch_changes_what_it_names(self, api: Api) -> None:
        made = factories.sample(api)
        answer = api.patch(f"samples/{made['id']}", {"kind": "saliva", "received_at": None}, If_Match='"1"')
        assert answer.status == 200
        assert (answer.json["kind"], answer.json["received_at"], answer.etag) == ("saliva", None, '"2"')
        assert answer.json["collected_at"] == made["collected_at"]

    def test_a_put_returns_what_it_leaves_out_to_its_default(self, api: Api) -> None:
        made = factories.sample(api)
        body = {name: made[name] for name in ("accession", "patient_id", "kind", "origin")}
        answer = api.put(f"samples/{made['id']}", body, If_Match='"1"')
        assert (answer.status, answer.json["collected_at"], answer.json["received_at"]) == (200, None, None)

    def test_a_record_may_be_sent_back_as_it_was_read(self, api: Api) -> None:
        made = factories.sample(api)
        assert api.put(f"samples/{made['id']}", made, If_Match='"1"').status == 200

    def test_a_read_only_member_may_not_change(self, api: Api) -> None:
        made = factories.sample(api)
        refused = api.put(f"samples/{made['id']}", {**made, "created_by": "somebody"}, If_Match='"1"')
        assert fault(refused) == ("/created_by", "read-only")

    def test_it_needs_the_version_that_was_read(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        assert api.patch(path, {"kind": "dna"}).json["code"] == "precondition-required"
        assert api.patch(path, {"kind": "dna"}, If_Match='"7"').json["code"] == "stale-version"
        assert api.patch(path, {"kind": "dna"}, If_Match='"1"').status == 200
        assert api.patch(path, {"kind": "rna"}, If_Match='"1"').status == 412

    @pytest.mark.parametrize(
        "change", [{"accession": "S-OTHER"}, {"patient_id": "01890a5d-ac96-774b-bcce-b302099a8058"}]
    )
    def test_whose_it_is_and_its_name_are_fixed_once_it_is_available(self, api: Api, change: dict[str, Any]) -> None:
        made = factories.available_sample(api)
        assert api.patch(f"samples/{made['id']}", change, If_Match='"2"').json["code"] == "not-editable"
        assert api.patch(f"samples/{made['id']}", {"kind": "dna"}, If_Match='"2"').status == 200

    def test_an_available_sample_keeps_its_time_of_receipt(self, api: Api) -> None:
        made = factories.available_sample(api)
        refused = api.patch(f"samples/{made['id']}", {"received_at": None}, If_Match='"2"')
        assert fault(refused)[1] == "available-not-received"

    def test_a_rejected_one_is_not_edited(self, api: Api) -> None:
        made = factories.sample(api)
        api.move(f"samples/{made['id']}", "rejected", "haemolytic")
        assert api.patch(f"samples/{made['id']}", {"kind": "dna"}, If_Match='"2"').json["code"] == "not-editable"


class TestTransitions:
    REACHED: ClassVar[dict[str, list[str]]] = {
        "expected": [],
        "available": ["available"],
        "exhausted": ["available", "exhausted"],
        "rejected": ["rejected"],
        "entered-in-error": ["entered-in-error"],
    }

    @pytest.mark.parametrize(("old", "new"), [*product(SampleStatus.values, SampleStatus.values)])
    def test_only_the_legal_ones_happen(self, api: Api, old: str, new: str) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        for step in self.REACHED[old]:
            assert api.move(path, step, "because").status == 200
        answer = api.move(path, new, "because")
        if new in SAMPLE_MACHINE.asked.get(old, ()):
            assert (answer.status, answer.json["status"], answer.json["status_reason"]) == (200, new, "because")
        elif new == "expected":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")
            assert answer.json["allowed"] == list(SAMPLE_MACHINE.asked.get(old, ()))

    @pytest.mark.parametrize("to", ["rejected", "entered-in-error"])
    def test_a_bad_end_needs_a_reason(self, api: Api, to: str) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        assert fault(api.move(path, to)) == ("/reason", "required")
        assert fault(api.move(path, to, "  ")) == ("/reason", "required")

    def test_a_sample_arrives_and_becomes_available_in_one_step(self, api: Api) -> None:
        made = factories.sample(api, received_at=None)
        path = f"samples/{made['id']}/transitions"
        body = {"to": "available", "received_at": "2026-11-18T11:05:00+01:00"}
        answer = api.post(path, body, If_Match='"1"')
        assert (answer.status, answer.json["received_at"]) == (200, "2026-11-18T10:05:00Z")

    @pytest.mark.parametrize(
        ("received_at", "code"),
        [("2026-11-18T08:00:00Z", "received-before-collected"), ("2126-11-18T08:00:00Z", "received-in-future"),
         ("2026-11-18", "invalid"), (7, "invalid")],
    )  # fmt: skip
    def test_it_does_not_arrive_at_an_impossible_time(self, api: Api, received_at: Any, code: str) -> None:
        path = f"samples/{factories.sample(api, received_at=None)['id']}"
        answer = api.post(f"{path}/transitions", {"to": "available", "received_at": received_at}, If_Match='"1"')
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/received_at")
        assert answer.json["errors"][0]["code"] == code
        assert api.get(path).json["status"] == "expected"

    def test_only_what_becomes_available_is_received(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}/transitions"
        body = {"to": "rejected", "reason": "clotted", "received_at": "2026-11-18T10:05:00Z"}
        answer = api.post(path, body, If_Match='"1"')
        assert answer.json["errors"][0]["code"] == "unexpected"

    def test_a_sample_becomes_available_once_it_was_received(self, api: Api) -> None:
        made = factories.sample(api, received_at=None)
        assert api.move(f"samples/{made['id']}", "available").json["code"] == "wrong-state"

    def test_the_version_that_was_read_is_needed(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}/transitions"
        assert api.post(path, {"to": "available"}).status == 428
        assert api.post(path, {"to": "available"}, If_Match='"2"').status == 412


class TestDeletion:
    def test_an_expected_sample_can_be_deleted(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        assert api.delete(path, If_Match='"1"').status == 204
        assert api.get(path).status == 404

    def test_its_history_stays(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        api.delete(path, If_Match='"1"')
        assert [event["action"] for event in api.get(f"{path}/history").json["results"]] == ["deleted", "created"]

    def test_a_later_state_cannot(self, api: Api) -> None:
        made = factories.available_sample(api)
        assert api.delete(f"samples/{made['id']}", If_Match='"2"').json["code"] == "not-deletable"

    def test_one_with_dependants_cannot(self, api: Api) -> None:
        made = factories.sample(api)
        factories.sample(api, parent=made["id"])
        assert api.delete(f"samples/{made['id']}", If_Match='"1"').json["code"] == "not-deletable"


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        api.as_(subject="dr-haddad").move(path, "available")
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"], first["version"]) == ("created", "development:dr-okafor", 1)
        assert (later["action"], later["actor"], later["version"]) == ("changed", "development:dr-haddad", 2)
        assert (first["record"]["status"], later["record"]["status"]) == ("expected", "available")
        assert later["record"] == api.get(path).json

    def test_it_is_paged_in_either_order(self, api: Api) -> None:
        path = f"samples/{factories.sample(api)['id']}"
        api.move(path, "available")
        page = api.get(f"{path}/history?ordering=at&limit=1").json
        assert page["results"][0]["action"] == "created"
        assert api.get(page["next"].removeprefix("http://testserver")).json["results"][0]["action"] == "changed"


class TestList:
    @pytest.fixture
    def made(self, api: Api) -> list[dict[str, Any]]:
        return [factories.sample(api, patient_id=f"01890a5d-ac96-774b-bcce-00000000000{n % 2}") for n in range(7)]

    def test_the_newest_comes_first(self, api: Api, made: list[dict[str, Any]]) -> None:
        assert [row["id"] for row in api.get("samples").json["results"]] == [row["id"] for row in reversed(made)]

    @pytest.mark.parametrize("ordering", ["created_at", "-created_at", "accession", "-accession"])
    def test_pages_follow_each_other_in_both_directions(
        self, api: Api, made: list[dict[str, Any]], ordering: str
    ) -> None:
        name = ordering.lstrip("-")
        expected = [row["id"] for row in sorted(made, key=lambda row: row[name], reverse=ordering.startswith("-"))]
        forward, link = [], f"samples?ordering={ordering}&limit=3"
        while link:
            page = api.get(link.removeprefix("http://testserver")).json
            forward.append([row["id"] for row in page["results"]])
            last, link = page, page["next"]
        assert [row for rows in forward for row in rows] == expected
        back = api.get(last["previous"].removeprefix("http://testserver")).json
        assert [row["id"] for row in back["results"]] == forward[-2]

    @pytest.mark.parametrize(
        "query", ["accession={accession}", "patient_id={patient_id}&limit=200", "status=available", "status=expected"]
    )
    def test_it_narrows(self, api: Api, made: list[dict[str, Any]], query: str) -> None:
        api.move(f"samples/{made[2]['id']}", "available")
        found = api.get(f"samples?{query.format(**made[2])}").json["results"]
        name, wanted = query.format(**made[2]).split("&")[0].split("=")
        expected = [row for row in api.get("samples").json["results"] if row[name] == wanted]
        assert expected
        assert found == expected

    @pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1e2", ""])
    def test_a_page_has_1_to_200_rows(self, api: Api, limit: str) -> None:
        assert api.get(f"samples?limit={limit}").json["errors"][0]["parameter"] == "limit"

    def test_a_page_costs_one_query(self, api: Api, made: Any, django_assert_num_queries: Any) -> None:
        api.get("samples")  # the token is verified, the schema known
        for limit in (1, 200):
            with django_assert_num_queries(1):
                api.get(f"samples?limit={limit}")

    def test_one_record_costs_one_query(self, api: Api, made: Any, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            assert api.get(f"samples/{made[0]['id']}").status == 200


class TestRetry:
    def test_a_key_makes_one_sample(self, api: Api, body: dict[str, Any]) -> None:
        first, again = (api.post("samples", body, Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.status) == (201, 201)
        assert (again.json, again.etag, again.header("Location")) == (first.json, first.etag, first.header("Location"))
        assert (first.header("Idempotent-Replayed"), again.header("Idempotent-Replayed")) == (None, "true")

    def test_a_key_is_not_used_twice(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k-1")
        assert api.post("samples", {**body, "kind": "dna"}, Idempotency_Key="k-1").json["code"] == "key-reused"

    def test_a_refused_request_leaves_the_key_free(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", {**body, "kind": "ink"}, Idempotency_Key="k-1").status == 400
        assert api.post("samples", body, Idempotency_Key="k-1").status == 201
