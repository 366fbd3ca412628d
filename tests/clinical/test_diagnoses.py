"""Diagnoses, through the API."""

from itertools import product
from typing import Any

import pytest

from clinical.choices import ABATED, ACTIVE, DIAGNOSIS_MACHINE, OPEN, VerificationStatus
from tests.api import Api
from tests.database import refusal

from . import factories
from .factories import WAYS, fault

BEGINNINGS = [DIAGNOSIS_MACHINE.initial, *sorted(DIAGNOSIS_MACHINE.begins)]
SNOMED = {"system": "SNOMED CT", "code": "254837009"}
MONDO = {"system": "MONDO", "code": "MONDO:0016054"}
E84 = {"system": "ICD-10", "code": "E84.0"}


@pytest.fixture
def body(api: Api) -> dict[str, Any]:
    return factories.diagnosis_body(factories.patient(api)["id"])


def diagnosed(api: Api, status: str, **values: Any) -> dict[str, Any]:
    """A diagnosis that was made as it is, or entered in error afterwards."""
    if status != "entered-in-error":
        return factories.diagnosis(api, verification_status=status, **values)
    made = factories.diagnosis(api, **values)
    return dict(api.move(f"diagnoses/{made['id']}", status, "because").json)


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("diagnoses", body)
        assert made.status == 201
        assert made.header("Location") == f"http://testserver/clinical/v1/diagnoses/{made.json['id']}"
        assert made.etag == '"1"'
        empty = {"consultation": None, "display": "", "severity": None, "onset": None, "abated": None}
        assert made.json.items() >= {**body, **empty, "verification_status": "unconfirmed"}.items()
        assert "status" not in made.json
        assert api.get(f"diagnoses/{made.json['id']}").json == made.json

    @pytest.mark.parametrize("status", BEGINNINGS)
    def test_it_begins_as_sure_as_the_practitioner_is(self, api: Api, body: dict[str, Any], status: str) -> None:
        made = api.post("diagnoses", {**body, "verification_status": status})
        assert made.json["verification_status"] == status

    @pytest.mark.parametrize("member", ["patient", "codings", "clinical_status"])
    def test_these_members_are_needed(self, api: Api, body: dict[str, Any], member: str) -> None:
        del body[member]
        assert fault(api.post("diagnoses", body)) == (f"/{member}", "required")

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"patient": 7}, "/patient", "invalid"),
            ({"patient": "01890a5d-ac96-774b-bcce-000000000000"}, "/patient", "unknown-reference"),
            ({"consultation": "01890a5d-ac96-774b-bcce-000000000000"}, "/consultation", "unknown-reference"),
            ({"consultation": ""}, "/consultation", "invalid"),
            ({"clinical_status": "gone"}, "/clinical_status", "invalid-choice"),
            ({"clinical_status": None}, "/clinical_status", "con-3"),
            ({"verification_status": "entered-in-error"}, "/verification_status", "invalid-choice"),
            ({"verification_status": "sure"}, "/verification_status", "invalid-choice"),
            ({"verification_status": None}, "/verification_status", "null"),
            ({"severity": "fatal"}, "/severity", "invalid-choice"),
            ({"severity": ""}, "/severity", "invalid-choice"),
            ({"display": "x" * 256}, "/display", "max-length"),
            ({"display": None}, "/display", "null"),
            ({"onset": "P"}, "/onset", "pattern"),
            ({"onset": "2023-02-29"}, "/onset", "invalid"),
            ({"onset": "2098"}, "/onset", "onset-in-future"),
            ({"abated": "2098-01", "clinical_status": "resolved"}, "/abated", "abated-in-future"),
            ({"abated": "soon", "clinical_status": "resolved"}, "/abated", "pattern"),
            ({"status": "confirmed"}, "/status", "unknown-member"),
            ({"version": 7}, "/version", "read-only"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("diagnoses", {**body, **changes})) == (pointer, code)
        assert api.get("diagnoses").json["results"] == []


class TestCodings:
    @pytest.mark.parametrize(
        ("system", "code"),
        [
            ("SNOMED CT", "254837009"),
            ("SNOMED CT", "22298006"),
            ("ICD-10", "E84"),
            ("ICD-10", "E84.0"),
            ("ICD-10-CM", "S52.521A"),
            ("ICD-10-CM", "C7A.010"),
            ("MONDO", "MONDO:0016054"),
            ("OMIM", "OMIM:219700"),
            ("ORPHA", "ORPHA:586"),
        ],
    )
    def test_each_system_has_codes_of_its_own(self, api: Api, body: dict[str, Any], system: str, code: str) -> None:
        coding = {"system": system, "code": code, "display": "As it was chosen."}
        assert api.post("diagnoses", {**body, "codings": [coding]}).json["codings"] == [coding]

    @pytest.mark.parametrize(
        ("system", "code"),
        [
            ("SNOMED CT", "254837008"),
            ("SNOMED CT", "245837009"),
            ("SNOMED CT", "E84.0"),
            ("SNOMED CT", "254837019"),
            ("ICD-10", "254837009"),
            ("ICD-10", "E84.012"),
            ("ICD-10", "e84.0"),
            ("ICD-10-CM", "E84."),
            ("MONDO", "0016054"),
            ("MONDO", "OMIM:219700"),
            ("OMIM", "219700"),
            ("ORPHA", "ORPHA:"),
        ],
    )
    def test_a_code_of_another_system_is_refused(self, api: Api, body: dict[str, Any], system: str, code: str) -> None:
        refused = api.post("diagnoses", {**body, "codings": [MONDO, {"system": system, "code": code}]})
        assert fault(refused) == ("/codings/1/code", "wrong-code")
        assert code.encode() not in refused.content

    @pytest.mark.parametrize(
        ("codings", "pointer", "code"),
        [
            ([], "/codings", "min-length"),
            (None, "/codings", "null"),
            (MONDO, "/codings", "invalid"),
            (["MONDO:0016054"], "/codings/0", "invalid"),
            ([None], "/codings/0", "null"),
            ([{}, MONDO], "/codings/0/code", "required"),
            ([{**MONDO, "system": "ICD-9"}], "/codings/0/system", "invalid-choice"),
            ([{**MONDO, "system": "snomed ct"}], "/codings/0/system", "invalid-choice"),
            ([{**MONDO, "system": "http://snomed.info/sct"}], "/codings/0/system", "invalid-choice"),
            ([{**MONDO, "code": 16054}], "/codings/0/code", "invalid"),
            ([{**MONDO, "code": None}], "/codings/0/code", "null"),
            ([{**MONDO, "display": ""}], "/codings/0/display", "blank"),
            ([{**MONDO, "display": "x" * 256}], "/codings/0/display", "max-length"),
            ([{**MONDO, "version": "2026-01"}], "/codings/0/version", "unknown-member"),
            ([MONDO, E84, {**MONDO, "display": "x"}], "/codings", "repeated"),
            ([{"system": "ORPHA", "code": f"ORPHA:{n}"} for n in range(21)], "/codings", "max-length"),
        ],
    )
    def test_they_are_told_what_is_wrong(
        self, api: Api, body: dict[str, Any], codings: Any, pointer: str, code: str
    ) -> None:
        refused = api.post("diagnoses", {**body, "codings": codings})
        assert refused.status == 400
        assert (pointer, code) in [(each["pointer"], each["code"]) for each in refused.json["errors"]]
        assert api.get("diagnoses").json["results"] == []

    def test_they_keep_their_order(self, api: Api, body: dict[str, Any]) -> None:
        codings = [SNOMED, E84, MONDO]
        assert api.post("diagnoses", {**body, "codings": codings}).json["codings"] == codings


class TestMoments:
    @pytest.mark.parametrize(
        ("onset", "abated"),
        [
            ("2019", "2019"), ("2019-03", "2019"), ("2018-12-31", "2019"), ("P3Y", "P3Y6M"), ("P3Y6M", "P3Y"), ("P1Y", "P12M"),
            ("P1M", "P29D"), ("P7300D", "P19Y"), ("P3W", "P1M"), ("HP:0003577", "P3Y"), ("HP:0003581", "HP:0003577"),
            ("P3Y", "2019"), (None, "2019"),
        ],
    )  # fmt: skip
    def test_what_is_known_allows_it(self, api: Api, body: dict[str, Any], onset: str | None, abated: str) -> None:
        made = api.post("diagnoses", {**body, "clinical_status": "resolved", "onset": onset, "abated": abated})
        assert (made.status, made.json.get("onset"), made.json.get("abated")) == (201, onset, abated)

    @pytest.mark.parametrize(
        ("onset", "abated"),
        [("2019", "2018"), ("2019-03", "2019-02"), ("2019", "2018-12-31"), ("P3Y", "P2Y"), ("P1Y", "P11M"), ("P1Y", "P364D"),
         ("P3W", "P20D"), ("P2M", "P4W")],
    )  # fmt: skip
    def test_nothing_ends_before_it_begins(self, api: Api, body: dict[str, Any], onset: str, abated: str) -> None:
        refused = api.post("diagnoses", {**body, "clinical_status": "resolved", "onset": onset, "abated": abated})
        assert fault(refused) == ("/abated", "abated-before-onset")


class TestStatuses:
    """FHIR R4 Condition con-3, con-4 and con-5."""

    @pytest.mark.parametrize("clinical_status", ACTIVE)
    def test_con_4_what_has_abated_is_not_active(self, api: Api, body: dict[str, Any], clinical_status: str) -> None:
        refused = api.post("diagnoses", {**body, "clinical_status": clinical_status, "abated": "2019"})
        assert fault(refused) == ("/clinical_status", "con-4")

    @pytest.mark.parametrize("clinical_status", ABATED)
    def test_con_4_the_others_may_have_abated(self, api: Api, body: dict[str, Any], clinical_status: str) -> None:
        made = api.post("diagnoses", {**body, "clinical_status": clinical_status, "abated": "2019"})
        assert made.status == 201

    def test_con_3_a_clinical_status_is_not_taken_away(self, api: Api) -> None:
        path = f"diagnoses/{factories.diagnosis(api)['id']}"
        assert fault(api.patch(path, {"clinical_status": None}, If_Match='"1"')) == ("/clinical_status", "con-3")

    def test_con_4_what_has_abated_does_not_become_active(self, api: Api) -> None:
        path = f"diagnoses/{factories.diagnosis(api, clinical_status='resolved', abated='2019')['id']}"
        refused = api.patch(path, {"clinical_status": "active"}, If_Match='"1"')
        assert fault(refused) == ("/clinical_status", "con-4")
        assert api.patch(path, {"clinical_status": "relapse", "abated": None}, If_Match='"1"').status == 200

    def test_con_5_an_error_has_no_clinical_status_and_no_end(self, api: Api) -> None:
        made = diagnosed(api, "entered-in-error", clinical_status="resolved", abated="2019")
        assert (made["clinical_status"], made["abated"], made["verification_status"]) == (
            None,
            None,
            "entered-in-error",
        )

    @pytest.mark.parametrize(("old", "new"), [*product(VerificationStatus.values, VerificationStatus.values)])
    def test_only_the_legal_ones_happen(self, api: Api, old: str, new: str) -> None:
        path = f"diagnoses/{diagnosed(api, old)['id']}"
        answer = api.move(path, new, "because")
        allowed = list(DIAGNOSIS_MACHINE.asked.get(old, ()))
        if new in allowed:
            assert (answer.status, answer.json["verification_status"]) == (200, new)
            assert answer.json["status_reason"] == "because"
            assert answer.json["clinical_status"] == (None if new == "entered-in-error" else "active")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")
            assert (answer.json["current"], answer.json["allowed"]) == (old, allowed)

    def test_an_error_needs_a_reason(self, api: Api) -> None:
        path = f"diagnoses/{factories.diagnosis(api)['id']}"
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")


class TestOnce:
    def test_a_patient_has_one_active_diagnosis_of_a_primary_code(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("diagnoses", body).status == 201
        for status in ACTIVE:
            again = api.post("diagnoses", {**body, "clinical_status": status, "codings": [MONDO, E84]})
            assert fault(again, 409) == ("/codings", "duplicate")
            assert again.json["code"] == "duplicate"

    def test_what_is_not_the_same_may_be_active_too(self, api: Api, body: dict[str, Any]) -> None:
        api.post("diagnoses", body)
        assert api.post("diagnoses", {**body, "codings": [E84, MONDO]}).status == 201
        assert api.post("diagnoses", {**body, "codings": [{**E84, "system": "ICD-10-CM"}]}).status == 201
        assert api.post("diagnoses", {**body, "patient": factories.patient(api)["id"]}).status == 201

    @pytest.mark.parametrize("status", ABATED)
    def test_it_may_come_again_once_it_has_gone(self, api: Api, body: dict[str, Any], status: str) -> None:
        made = api.post("diagnoses", body).json
        api.patch(f"diagnoses/{made['id']}", {"clinical_status": status}, If_Match='"1"')
        assert api.post("diagnoses", body).status == 201
        refused = api.patch(f"diagnoses/{made['id']}", {"clinical_status": "relapse"}, If_Match='"2"')
        assert fault(refused, 409) == ("/codings", "duplicate")

    @pytest.mark.parametrize("to", ["refuted", "entered-in-error"])
    def test_it_may_be_made_anew_once_it_was_wrong(self, api: Api, body: dict[str, Any], to: str) -> None:
        made = api.post("diagnoses", body).json
        api.move(f"diagnoses/{made['id']}", to, "because")
        assert api.post("diagnoses", body).status == 201

    def test_an_edit_of_its_codes_does_not_make_it_twice(self, api: Api, body: dict[str, Any]) -> None:
        api.post("diagnoses", body)
        other = api.post("diagnoses", {**body, "codings": [E84]}).json
        refused = api.patch(f"diagnoses/{other['id']}", {"codings": [MONDO]}, If_Match='"1"')
        assert fault(refused, 409) == ("/codings", "duplicate")


class TestSubject:
    def test_one_who_is_not_active_gets_none(self, api: Api) -> None:
        inactive = factories.patient(api, active=False)["id"]
        refused = api.post("diagnoses", factories.diagnosis_body(inactive))
        assert (refused.status, refused.json["code"]) == (409, "wrong-state")

    @pytest.mark.parametrize("status", WAYS)
    def test_its_consultation_is_an_open_one(self, api: Api, status: str) -> None:
        visit = factories.consultation_that_is(api, status)
        answer = api.post("diagnoses", factories.diagnosis_body(visit["patient"], consultation=visit["id"]))
        if status in OPEN:
            assert (answer.status, answer.json["consultation"]) == (201, visit["id"])
        else:
            assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "wrong-state", status)

    def test_its_consultation_is_of_the_same_patient(self, api: Api, body: dict[str, Any]) -> None:
        refused = api.post("diagnoses", {**body, "consultation": factories.consultation(api)["id"]})
        assert fault(refused, 409) == ("/consultation", "other-patient")

    def test_it_keeps_both(self, api: Api) -> None:
        visit = factories.consultation(api)
        made = factories.diagnosis(api, visit["patient"], consultation=visit["id"])
        path = f"diagnoses/{made['id']}"
        without = {name: made[name] for name in ("patient", "codings", "clinical_status")}
        for answer in (
            api.patch(path, {"patient": factories.patient(api)["id"]}, If_Match='"1"'),
            api.patch(path, {"consultation": factories.consultation(api)["id"]}, If_Match='"1"'),
            api.patch(path, {"consultation": None}, If_Match='"1"'),
            api.put(path, without, If_Match='"1"'),
        ):
            assert (answer.status, answer.json["code"]) == (409, "not-editable")
        assert api.get(path).json == made

    def test_none_is_added_later(self, api: Api) -> None:
        visit = factories.consultation(api)
        path = f"diagnoses/{factories.diagnosis(api, visit['patient'])['id']}"
        assert api.patch(path, {"consultation": visit["id"]}, If_Match='"1"').json["code"] == "not-editable"


class TestChange:
    def test_it_lives_on_after_its_consultation(self, api: Api) -> None:
        visit = factories.in_progress(api)
        path = f"diagnoses/{factories.diagnosis(api, visit['patient'], consultation=visit['id'])['id']}"
        api.move(f"consultations/{visit['id']}", "completed")
        assert api.patch(path, {"clinical_status": "remission", "severity": "mild"}, If_Match='"1"').status == 200
        assert api.move(path, "confirmed").status == 200

    def test_a_put_returns_what_it_leaves_out_to_its_default_but_how_sure_it_is(self, api: Api) -> None:
        made = diagnosed(api, "confirmed", severity="mild", onset="2019", display="x")
        body = {name: made[name] for name in ("patient", "codings", "clinical_status")}
        answer = api.put(f"diagnoses/{made['id']}", body, If_Match='"1"')
        assert answer.status == 200
        assert [answer.json[name] for name in ("severity", "onset", "display")] == [None, None, ""]
        assert answer.json["verification_status"] == "confirmed"

    def test_a_record_may_be_sent_back_as_it_was_read(self, api: Api) -> None:
        made = diagnosed(api, "provisional", severity="mild")
        assert api.put(f"diagnoses/{made['id']}", made, If_Match='"1"').status == 200

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_how_sure_it_is_changes_by_a_transition_alone(self, api: Api, method: str) -> None:
        made = factories.diagnosis(api)
        refused = api.call(
            method, f"diagnoses/{made['id']}", {**made, "verification_status": "confirmed"}, If_Match='"1"'
        )
        assert fault(refused) == ("/verification_status", "read-only")

    def test_null_moves_it_no_more_than_a_word(self, api: Api) -> None:
        path = f"diagnoses/{diagnosed(api, 'confirmed')['id']}"
        assert fault(api.patch(path, {"verification_status": None}, If_Match='"1"')) == ("/verification_status", "null")

    @pytest.mark.parametrize("status", [*BEGINNINGS, "entered-in-error"])
    def test_all_but_an_error_is_edited(self, api: Api, status: str) -> None:
        path = f"diagnoses/{diagnosed(api, status)['id']}"
        answer = api.patch(path, {"severity": "severe"}, If_Match=api.get(path).etag)
        if status == "entered-in-error":
            assert (answer.status, answer.json["code"]) == (409, "not-editable")
        else:
            assert (answer.status, answer.json["severity"]) == (200, "severe")


class TestDeletion:
    def test_an_unconfirmed_one_can_be_deleted_and_leaves_its_history(self, api: Api) -> None:
        path = f"diagnoses/{factories.diagnosis(api)['id']}"
        assert api.delete(path, If_Match='"1"').status == 204
        assert [event["action"] for event in api.get(f"{path}/history").json["results"]] == ["deleted", "created"]

    def test_one_of_a_consultation_that_has_ended_cannot(self, api: Api) -> None:
        visit = factories.in_progress(api)
        path = f"diagnoses/{factories.diagnosis(api, visit['patient'], consultation=visit['id'])['id']}"
        api.move(f"consultations/{visit['id']}", "completed")
        assert api.delete(path, If_Match='"1"').json["code"] == "wrong-state"
        assert "the consultation has ended" in refusal("DELETE FROM clinical_diagnosis WHERE id = %s", path[-36:])

    @pytest.mark.parametrize("status", [*BEGINNINGS[1:], "entered-in-error"])
    def test_another_cannot(self, api: Api, status: str) -> None:
        path = f"diagnoses/{diagnosed(api, status)['id']}"
        assert api.delete(path, If_Match=api.get(path).etag).json["code"] == "not-deletable"


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = f"diagnoses/{factories.diagnosis(api)['id']}"
        api.as_(subject="dr-haddad").move(path, "entered-in-error", "Another patient's.")
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["actor"], first["record"]["clinical_status"]) == ("development:dr-okafor", "active")
        assert (later["actor"], later["record"]["clinical_status"]) == ("development:dr-haddad", None)
        assert later["record"] == api.get(path).json


class TestList:
    @pytest.fixture
    def made(self, api: Api) -> list[dict[str, Any]]:
        visit = factories.consultation(api)
        return [
            factories.diagnosis(api, visit["patient"], consultation=visit["id"]),
            factories.diagnosis(api, visit["patient"], codings=[E84, MONDO]),
            factories.diagnosis(api, verification_status="confirmed"),
        ]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("limit=200", [2, 1, 0]),
            ("patient={patient}", [1, 0]),
            ("consultation={consultation}", [0]),
            ("code=MONDO:0016054", [2, 0]),
            ("code=E84.0&patient={patient}", [1]),
            ("code=E84", []),
            ("verification_status=confirmed", [2]),
        ],
    )
    def test_it_narrows(self, api: Api, made: list[dict[str, Any]], query: str, found: list[int]) -> None:
        results = api.get(f"diagnoses?{query.format(**made[0])}").json["results"]
        assert results == [made[number] for number in found]
