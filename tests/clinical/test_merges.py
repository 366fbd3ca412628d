"""Patients who were registered twice, through the API: whose everything is after a merge."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api import Answer, Api
from tests.database import execute

from . import factories
from .factories import fault, merge

NOBODY = "01890a5d-ac96-774b-bcce-000000000000"
ICD = [{"system": "ICD-10", "code": "E84.0"}]


@pytest.fixture
def twice(api: Api) -> str:
    """One who was registered twice; the record to give up."""
    return str(factories.patient(api)["id"])


@pytest.fixture
def survivor(api: Api) -> str:
    return str(factories.patient(api)["id"])


class TestMerge:
    def test_the_record_stays_and_points_to_the_survivor(self, api: Api, twice: str, survivor: str) -> None:
        before = api.get(f"patients/{survivor}")
        merged = merge(api, twice, survivor)
        assert (merged.status, merged.etag) == (200, '"2"')
        assert [merged.json[name] for name in ("status", "active", "merged_into")] == ["merged", False, survivor]
        assert api.get(f"patients/{twice}").json == merged.json
        assert api.get(f"patients/{survivor}").content == before.content

    def test_it_needs_no_reason_but_keeps_one(self, api: Api, twice: str, survivor: str) -> None:
        body = {"to": "merged", "into": survivor, "reason": "Registered twice."}
        answer = api.post(f"patients/{twice}/transitions", body, If_Match='"1"')
        assert answer.json["status_reason"] == "Registered twice."

    def test_consultations_and_diagnoses_follow_as_new_versions(self, api: Api, twice: str, survivor: str) -> None:
        visits = [factories.consultation_that_is(api, status, patient=twice) for status in factories.WAYS]
        diagnoses = [
            factories.diagnosis(api, twice, consultation=visits[0]["id"]),
            factories.diagnosis(api, twice, codings=ICD, consultation=visits[1]["id"], clinical_status="resolved"),
        ]
        assert merge(api.as_(subject="dr-haddad"), twice, survivor).status == 200
        for collection, records in (("consultations", visits), ("diagnoses", diagnoses)):
            for old in records:
                new = api.get(f"{collection}/{old['id']}").json
                changed = {name for name in new if new[name] != old[name]}
                assert changed == {"patient", "version", "updated_at", "updated_by"}
                assert (new["patient"], new["version"]) == (survivor, old["version"] + 1)
                assert new["updated_by"] == "development:dr-haddad"
            found = api.get(f"{collection}?patient={survivor}").json["results"]
            assert {row["id"] for row in found} == {record["id"] for record in records}
            assert api.get(f"{collection}?patient={twice}").json["results"] == []

    def test_a_diagnosis_in_error_follows_too(self, api: Api, twice: str, survivor: str) -> None:
        wrong = factories.diagnosis(api, twice)
        api.move(f"diagnoses/{wrong['id']}", "entered-in-error", "Another patient's.")
        assert merge(api, twice, survivor).status == 200
        assert api.get(f"diagnoses/{wrong['id']}").json["patient"] == survivor

    def test_everything_happens_in_one_request_and_says_so(self, api: Api, twice: str, survivor: str) -> None:
        earlier = factories.merged_patient(api, into=twice)["id"]
        visit = factories.consultation(api, patient=twice)
        diagnosis = factories.diagnosis(api, twice, consultation=visit["id"])
        merged = merge(api, twice, survivor)
        events = [
            api.get(f"{path}/history").json["results"][0]
            for path in (f"patients/{twice}", f"patients/{earlier}", f"consultations/{visit['id']}", f"diagnoses/{diagnosis['id']}")
        ]  # fmt: skip
        assert {event["request_id"] for event in events} == {merged.header("X-Request-Id")}
        assert {event["actor"] for event in events} == {"development:dr-okafor"}
        assert [event["action"] for event in events] == ["changed"] * 4

    def test_earlier_merges_point_to_the_new_survivor(self, api: Api, twice: str, survivor: str) -> None:
        earlier = [factories.merged_patient(api, into=twice) for _ in range(2)]
        assert merge(api, twice, survivor).status == 200
        for old in earlier:
            new = api.get(f"patients/{old['id']}").json
            assert (new["merged_into"], new["version"]) == (survivor, old["version"] + 1)

    def test_others_keep_what_they_have(self, api: Api, twice: str, survivor: str) -> None:
        theirs = factories.consultation(api)
        mine = factories.consultation(api, patient=survivor)
        merge(api, twice, survivor)
        for visit in (theirs, mine):
            assert api.get(f"consultations/{visit['id']}").json == visit

    def test_an_inactive_one_can_be_merged(self, api: Api, survivor: str) -> None:
        inactive = factories.patient(api, active=False)["id"]
        visits = factories.consultation(api)
        assert merge(api, inactive, survivor).status == 200
        assert api.get(f"consultations/{visits['id']}").json == visits

    def test_an_inactive_one_can_survive(self, api: Api, twice: str) -> None:
        inactive = factories.patient(api, active=False)["id"]
        visit = factories.consultation(api, patient=twice)["id"]
        assert merge(api, twice, inactive).status == 200
        assert api.get(f"consultations/{visit}").json["patient"] == inactive

    def test_it_costs_no_more_for_much_than_for_little(self, api: Api, survivor: str) -> None:
        costs = []
        for count in (1, 5):
            patient = factories.patient(api)["id"]
            for number in range(count):
                visit = factories.consultation(api, patient=patient)["id"]
                coding = {"system": "OMIM", "code": f"OMIM:{count}0000{number}"}
                factories.diagnosis(api, patient, consultation=visit, codings=[coding])
            with CaptureQueriesContext(connection) as queries:
                assert merge(api, patient, survivor).status == 200
            costs.append(len(queries))
        assert costs[0] == costs[1]


class TestRetry:
    def test_a_key_merges_once(self, api: Api, twice: str, survivor: str) -> None:
        path, body = f"patients/{twice}/transitions", {"to": "merged", "into": survivor}
        first, again = (api.post(path, body, If_Match='"1"', Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.status, again.json, again.etag) == (200, 200, first.json, first.etag)
        assert again.header("Idempotent-Replayed") == "true"
        assert len(api.get(f"patients/{twice}/history").json["results"]) == 2

    def test_without_a_key_the_second_is_refused(self, api: Api, twice: str, survivor: str) -> None:
        assert merge(api, twice, survivor).status == 200
        assert merge(api, twice, survivor).json["code"] == "illegal-transition"


class TestRefusal:
    def test_into_is_needed(self, api: Api, twice: str) -> None:
        assert fault(api.move(f"patients/{twice}", "merged")) == ("/into", "required")

    @pytest.mark.parametrize(
        ("into", "code"),
        [(None, "null"), ("", "invalid"), (7, "invalid"), ("x", "invalid"), (NOBODY, "unknown-reference")],
    )
    def test_into_is_a_patient(self, api: Api, twice: str, into: Any, code: str) -> None:
        assert fault(merge(api, twice, into)) == ("/into", code)

    def test_another_organizations_patient_is_none(self, api: Api, twice: str) -> None:
        foreign = factories.patient(api.as_(organization="general-hospital"))["id"]
        refused, unknown = merge(api, twice, foreign), merge(api, twice, NOBODY)
        assert fault(refused) == ("/into", "unknown-reference")
        assert {**refused.json, "instance": "", "request_id": ""} == {**unknown.json, "instance": "", "request_id": ""}

    def test_nobody_is_merged_into_itself(self, api: Api, twice: str) -> None:
        assert fault(merge(api, twice, twice)) == ("/into", "own-survivor")

    def test_nobody_is_merged_in_a_circle(self, api: Api, twice: str, survivor: str) -> None:
        assert merge(api, twice, survivor).status == 200
        assert fault(merge(api, survivor, twice), 409) == ("/into", "cyclic-merge")

    def test_a_merged_one_is_no_survivor_and_its_own_is_named(self, api: Api, twice: str) -> None:
        gone = factories.merged_patient(api)
        refused = merge(api, twice, gone["id"])
        assert fault(refused, 409) == ("/into", "merged")
        assert api.get(refused.json["existing"]).json["id"] == gone["merged_into"]

    def test_one_entered_in_error_is_no_survivor(self, api: Api, twice: str, survivor: str) -> None:
        api.move(f"patients/{survivor}", "entered-in-error", "Nobody.")
        assert fault(merge(api, twice, survivor), 409) == ("/into", "not-registered")

    def test_only_a_merge_names_another(self, api: Api, twice: str, survivor: str) -> None:
        body = {"to": "entered-in-error", "reason": "Nobody.", "into": survivor}
        assert fault(api.post(f"patients/{twice}/transitions", body, If_Match='"1"')) == ("/into", "unexpected")

    @pytest.mark.parametrize("collection", ["consultations", "diagnoses"])
    def test_no_other_resource_knows_into(self, api: Api, collection: str, survivor: str) -> None:
        made = factories.consultation(api) if collection == "consultations" else factories.diagnosis(api)
        body = {"to": "entered-in-error", "reason": "x", "into": survivor}
        refused = api.post(f"{collection}/{made['id']}/transitions", body, If_Match='"1"')
        assert fault(refused) == ("/into", "unknown-member")

    def test_an_active_diagnosis_in_both_is_settled_first(self, api: Api, twice: str, survivor: str) -> None:
        one, other = factories.diagnosis(api, twice), factories.diagnosis(api, survivor)
        visit = factories.consultation(api, patient=twice)
        refused = merge(api, twice, survivor)
        assert fault(refused, 409) == ("/into", "duplicate-diagnosis")
        assert api.get(f"patients/{twice}").json["status"] == "registered"
        assert api.get(f"consultations/{visit['id']}").json == visit
        api.patch(f"diagnoses/{one['id']}", {"clinical_status": "resolved"}, If_Match='"1"')
        assert merge(api, twice, survivor).status == 200
        assert {row["id"] for row in api.get(f"diagnoses?patient={survivor}").json["results"]} == {
            one["id"],
            other["id"],
        }

    def test_a_refuted_or_other_diagnosis_is_no_hindrance(self, api: Api, twice: str, survivor: str) -> None:
        factories.diagnosis(api, survivor)
        refuted = factories.diagnosis(api, twice)["id"]
        api.move(f"diagnoses/{refuted}", "refuted")
        factories.diagnosis(api, twice, codings=ICD)
        assert merge(api, twice, survivor).status == 200


class TestAfterwards:
    @pytest.mark.parametrize("collection", ["consultations", "diagnoses"])
    def test_nothing_new_is_written_of_a_merged_patient(self, api: Api, collection: str) -> None:
        gone = factories.merged_patient(api)
        body = {"patient": gone["id"], "kind": "AMB"}
        body = body if collection == "consultations" else factories.diagnosis_body(gone["id"])
        refused = api.post(collection, body)
        assert (refused.status, refused.json["code"]) == (409, "wrong-state")
        assert api.get(refused.json["existing"]).json["id"] == gone["merged_into"]

    def test_what_followed_goes_on_as_the_survivors(self, api: Api, twice: str, survivor: str) -> None:
        visit = factories.in_progress(api, patient=twice)["id"]
        merge(api, twice, survivor)
        assert factories.phenotype(api, visit)["consultation"] == visit
        assert factories.diagnosis(api, survivor, consultation=visit)["patient"] == survivor
        assert api.move(f"consultations/{visit}", "completed").status == 200

    def test_what_was_read_before_is_stale(self, api: Api, twice: str, survivor: str) -> None:
        visit = factories.consultation(api, patient=twice)["id"]
        merge(api, twice, survivor)
        assert api.patch(f"consultations/{visit}", {"kind": "VR"}, If_Match='"1"').status == 412

    def test_nothing_else_moves_a_record_to_another_patient(self, api: Api, twice: str, survivor: str) -> None:
        visit, diagnosis = factories.consultation(api, patient=twice), factories.diagnosis(api, twice)
        for path in (f"consultations/{visit['id']}", f"diagnoses/{diagnosis['id']}"):
            whole = {**api.get(path).json, "patient": survivor}
            for answer in (
                api.patch(path, {"patient": survivor}, If_Match='"1"'),
                api.put(path, whole, If_Match='"1"'),
            ):
                assert (answer.status, answer.json["code"]) == (409, "not-editable")
            assert api.get(path).json["patient"] == twice


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    """Each merge on a connection of its own, as in production."""

    @pytest.fixture
    def own(self) -> Any:
        yield Api(service="clinical")
        # Not what a test's end empties by itself: triggers keep what has left its first state.
        execute(
            "TRUNCATE clinical_patient, clinical_patientevent, clinical_consultation, clinical_consultationevent CASCADE"
        )

    def at_once(self, *calls: Callable[[], Answer]) -> list[Answer]:
        gate = Barrier(len(calls))

        def run(call: Callable[[], Answer]) -> Answer:
            gate.wait()
            try:
                return call()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def test_of_two_that_name_each_other_one_happens(self, own: Api) -> None:
        for _ in range(2):
            one, other = (factories.patient(own)["id"] for _ in range(2))
            answers = self.at_once(partial(merge, own, one, other), partial(merge, own, other, one))
            told = sorted((answer.status, answer.json.get("code")) for answer in answers)
            assert told in ([(200, None), (409, "conflict")], [(200, None), (503, "unavailable")]), told
            statuses = sorted(own.get(f"patients/{id_}").json["status"] for id_ in (one, other))
            assert statuses == ["merged", "registered"]

    def test_of_three_in_a_ring_no_circle_comes(self, own: Api) -> None:
        ring = [factories.patient(own)["id"] for _ in range(3)]
        calls = [partial(merge, own, a, b) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
        answers = self.at_once(*calls)
        assert {answer.status for answer in answers} <= {200, 409, 503}
        found = [own.get(f"patients/{id_}").json for id_ in ring]
        registered = {each["id"] for each in found if each["status"] == "registered"}
        assert registered
        assert {each["merged_into"] for each in found if each["status"] == "merged"} <= registered

    def test_a_consultation_planned_meanwhile_is_never_left_behind(self, own: Api) -> None:
        for _ in range(5):
            twice, survivor = (factories.patient(own)["id"] for _ in range(2))
            plan = partial(own.post, "consultations", {"patient": twice, "kind": "AMB"})
            planned, merged = self.at_once(plan, partial(merge, own, twice, survivor))
            assert merged.status == 200
            assert planned.status in {201, 409}
            assert own.get(f"consultations?patient={twice}").json["results"] == []
            assert len(own.get(f"consultations?patient={survivor}").json["results"]) == (planned.status == 201)
