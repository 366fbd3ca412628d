"""Patients, through the API; merges have their own file."""

import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, ClassVar

import pytest

from clinical.choices import PATIENT_MACHINE, PatientStatus
from tests.api import Api

from . import factories
from .factories import fault

TODAY = datetime.now(UTC)


@pytest.fixture
def body() -> dict[str, Any]:
    return factories.patient_body(mrn="00012345", birth_date="1980-04")


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("patients", body)
        assert made.status == 201
        assert made.json.items() >= {**body, "status": "registered", "active": True, "merged_into": None}.items()
        assert made.json["created_by"] == made.json["updated_by"] == "development:dr-okafor"
        assert made.header("Location") == f"http://testserver/clinical/v1/patients/{made.json['id']}"
        assert made.etag == '"1"'
        assert api.get(f"patients/{made.json['id']}").json == made.json

    def test_as_little_as_this_is_enough(self, api: Api) -> None:
        made = api.post("patients", {"mrn_system": "urn:x:y", "mrn": "1", "family_name": "Suharto", "sex": "unknown"})
        assert made.status == 201
        assert [made.json[name] for name in ("given_names", "birth_date", "deceased_on")] == [[], None, None]

    @pytest.mark.parametrize("member", ["mrn", "mrn_system", "sex"])
    def test_these_members_are_needed(self, api: Api, body: dict[str, Any], member: str) -> None:
        del body[member]
        assert fault(api.post("patients", body)) == (f"/{member}", "required")

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"mrn": ""}, "/mrn", "blank"),
            ({"mrn": " "}, "/mrn", "blank"),
            ({"mrn": "\u200b"}, "/mrn", "blank"),
            ({"mrn": None}, "/mrn", "null"),
            ({"mrn": 12345}, "/mrn", "invalid"),
            ({"mrn": "9" * 65}, "/mrn", "max-length"),
            ({"mrn": "1\n2"}, "/mrn", "control-character"),
            ({"mrn_system": "the hospital"}, "/mrn_system", "pattern"),
            ({"mrn_system": "urn:"}, "/mrn_system", "pattern"),
            ({"mrn_system": "1urn:x"}, "/mrn_system", "pattern"),
            ({"mrn_system": "urn:spital:zürich"}, "/mrn_system", "pattern"),
            ({"mrn_system": "urn:" + "x" * 197}, "/mrn_system", "max-length"),
            ({"family_name": ""}, "/family_name", "blank"),
            ({"family_name": ["Okafor"]}, "/family_name", "invalid"),
            ({"family_name": "a" * 101}, "/family_name", "max-length"),
            ({"family_name": "a\u202eb"}, "/family_name", "control-character"),
            ({"given_names": "Ada"}, "/given_names", "invalid"),
            ({"given_names": None}, "/given_names", "null"),
            ({"given_names": {"0": "Ada"}}, "/given_names", "invalid"),
            ({"given_names": ["Ada", ""]}, "/given_names/1", "blank"),
            ({"given_names": ["Ada", None]}, "/given_names/1", "null"),
            ({"given_names": [7]}, "/given_names/0", "invalid"),
            ({"given_names": ["a" * 101]}, "/given_names/0", "max-length"),
            ({"given_names": ["a"] * 21}, "/given_names", "max-length"),
            ({"sex": "f"}, "/sex", "invalid-choice"),
            ({"sex": None}, "/sex", "null"),
            ({"active": "yes"}, "/active", "invalid"),
            ({"active": 1}, "/active", "invalid"),
            ({"active": None}, "/active", "null"),
            ({"status": "merged"}, "/status", "read-only"),
            ({"merged_into": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/merged_into", "read-only"),
            ({"organization": "general-hospital"}, "/organization", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("patients", {**body, **changes})) == (pointer, code)
        assert api.get("patients").json["results"] == []


class TestNames:
    @pytest.mark.parametrize(
        ("family_name", "given_names"),
        [
            pytest.param("O", [], id="one-letter"),
            pytest.param("Suharto", [], id="no-given-name"),
            pytest.param(None, ["Suharto"], id="no-family-name"),
            pytest.param("O’Neil-d'Arc", ["Mary Ann", "J."], id="apostrophes"),
            pytest.param("حدّاد", ["ليلى"], id="arabic"),
            pytest.param("כהן", ["שָׂרָה"], id="hebrew-with-points"),
            pytest.param("王", ["小明"], id="han"),
            pytest.param("क्षत्रिय", ["श्री\u200dमती"], id="devanagari-with-joiner"),
            pytest.param("کتاب\u200cخانه", ["می\u200cنا"], id="persian-with-non-joiner"),
            pytest.param("\u200eAbc\u200f", ["X"], id="direction-marks"),
            pytest.param("Müller 👩\u200d⚕️", ["😀"], id="emoji"),
            pytest.param("𐐀𐐁", ["𝒜"], id="beyond-the-first-plane"),
            pytest.param("a" * 100, ["b" * 100] * 20, id="as-long-as-can-be"),
            pytest.param("😀" * 100, ["x"], id="a-hundred-emoji"),
        ],
    )
    def test_they_are_kept_in_any_script(self, api: Api, family_name: str | None, given_names: list[str]) -> None:
        made = factories.patient(api, family_name=family_name, given_names=given_names)
        read = api.get(f"patients/{made['id']}").json
        assert (read["family_name"], read["given_names"]) == (family_name, given_names)

    def test_they_are_composed(self, api: Api) -> None:
        decomposed = unicodedata.normalize("NFD", "Nguyễn Åse")
        made = factories.patient(api, family_name=decomposed, given_names=[decomposed])
        assert (made["family_name"], made["given_names"]) == ("Nguyễn Åse", ["Nguyễn Åse"])

    def test_their_length_counts_composed_characters(self, api: Api) -> None:
        assert len(factories.patient(api, family_name="e\u0301" * 100)["family_name"]) == 100

    def test_they_are_trimmed(self, api: Api) -> None:
        assert factories.patient(api, family_name="\u00a0Okafor ")["family_name"] == "Okafor"

    @pytest.mark.parametrize("members", [{}, {"family_name": None}, {"family_name": None, "given_names": []}])
    def test_one_of_the_two_is_needed(self, api: Api, members: dict[str, Any]) -> None:
        body = {"mrn_system": factories.SYSTEM, "mrn": "1", "sex": "other", **members}
        assert fault(api.post("patients", body)) == ("/family_name", "family-name")

    def test_the_only_one_is_not_taken_away(self, api: Api) -> None:
        made = factories.patient(api, given_names=[])
        refused = api.patch(f"patients/{made['id']}", {"family_name": None}, If_Match='"1"')
        assert fault(refused) == ("/family_name", "family-name")


class TestNumber:
    def test_leading_zeros_are_kept(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("patients", body).json["mrn"] == "00012345"
        assert api.post("patients", {**body, "mrn": "12345"}).status == 201

    @pytest.mark.parametrize("mrn", ["e4b9259d-0f54-48d1-a35d-b526729a4dfe", "A 12/3.4", "患-7", "9" * 64])
    def test_it_is_whatever_a_hospital_gives(self, api: Api, body: dict[str, Any], mrn: str) -> None:
        assert api.post("patients", {**body, "mrn": mrn}).json["mrn"] == mrn

    @pytest.mark.parametrize("mrn", ["0001\u200b2345", "０００１２３４５", "0001\u00a02345", "0001\u00ad2345", "ﬁ-7"])
    def test_it_never_only_looks_like_another(self, api: Api, body: dict[str, Any], mrn: str) -> None:
        assert fault(api.post("patients", {**body, "mrn": mrn}), 400) == ("/mrn", "mrn")

    def test_it_is_unique_within_its_system(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("patients", body).status == 201
        again = api.post("patients", {**body, "mrn": " 00012345 ", "family_name": "Haddad"})
        assert fault(again, 409) == ("/mrn", "duplicate")
        assert again.json["code"] == "duplicate"
        assert b"00012345" not in again.content

    def test_another_system_may_have_given_the_same(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("patients", body).status == 201
        assert api.post("patients", {**body, "mrn_system": "https://general-hospital.example/mrn"}).status == 201

    def test_another_organization_may_know_the_same(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("patients", body).status == 201
        assert api.as_(organization="general-hospital").post("patients", body).status == 201

    def test_it_is_free_again_once_its_patient_was_entered_in_error(self, api: Api, body: dict[str, Any]) -> None:
        for _ in range(3):
            made = api.post("patients", body)
            assert made.status == 201
            api.move(f"patients/{made.json['id']}", "entered-in-error", "Nobody.")

    def test_a_merged_patient_keeps_it(self, api: Api) -> None:
        merged = factories.merged_patient(api)
        again = api.post("patients", factories.patient_body(mrn=merged["mrn"]))
        assert fault(again, 409) == ("/mrn", "duplicate")


class TestDates:
    @pytest.mark.parametrize("text", ["1800", "1980", "1980-04", "1980-04-30", "2024-02-29", "2000-02-29"])
    @pytest.mark.parametrize("member", ["birth_date", "deceased_on"])
    def test_they_are_as_exact_as_is_known(self, api: Api, body: dict[str, Any], member: str, text: str) -> None:
        made = api.post("patients", {**body, "birth_date": None, member: text})
        assert made.json[member] == text

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("80", "pattern"),
            ("1980-4", "pattern"),
            ("1980-13", "pattern"),
            ("1980-00", "pattern"),
            ("1980-04-00", "invalid"),
            ("1980-04-31", "invalid"),
            ("2023-02-29", "invalid"),
            ("1900-02-29", "invalid"),
            ("1780", "pattern"),
            ("3000", "pattern"),
            ("04/1980", "pattern"),
            ("1980-04-01T00:00:00Z", "max-length"),
            ("", "blank"),
            (1980, "invalid"),
            ("१९८०", "pattern"),
            ("P3Y", "pattern"),
        ],
    )
    @pytest.mark.parametrize("member", ["birth_date", "deceased_on"])
    def test_they_are_dates_of_the_calendar(
        self, api: Api, body: dict[str, Any], member: str, text: Any, code: str
    ) -> None:
        refused = api.post("patients", {**body, member: text})
        assert refused.status == 400
        assert (f"/{member}", code) in [(each["pointer"], each["code"]) for each in refused.json["errors"]]
        assert {each["pointer"] for each in refused.json["errors"]} == {f"/{member}"}

    @pytest.mark.parametrize("form", ["%Y", "%Y-%m", "%Y-%m-%d"])
    @pytest.mark.parametrize("member", ["birth_date", "deceased_on"])
    def test_they_do_not_lie_in_the_future(self, api: Api, body: dict[str, Any], member: str, form: str) -> None:
        body["birth_date"] = None
        later = (TODAY + timedelta(days=400)).strftime(form)
        assert fault(api.post("patients", {**body, member: later})) == (
            f"/{member}",
            f"{member.replace('_', '-')}-in-future",
        )
        assert api.post("patients", {**body, member: TODAY.strftime(form)}).status == 201

    def test_it_is_tomorrow_already_elsewhere_but_not_the_day_after(self, api: Api, body: dict[str, Any]) -> None:
        far = (TODAY + timedelta(days=2)).strftime("%Y-%m-%d")
        assert fault(api.post("patients", {**body, "birth_date": far})) == ("/birth_date", "birth-date-in-future")

    @pytest.mark.parametrize(
        ("birth_date", "deceased_on"),
        [
            ("1980", "1980"),
            ("1980-04", "1980"),
            ("1980", "1980-01-01"),
            ("1980-04-05", "1980-04"),
            ("1979-12-31", "1980"),
        ],
    )
    def test_a_death_may_lie_in_what_is_known_of_the_birth(
        self, api: Api, body: dict[str, Any], birth_date: str, deceased_on: str
    ) -> None:
        assert api.post("patients", {**body, "birth_date": birth_date, "deceased_on": deceased_on}).status == 201

    @pytest.mark.parametrize(
        ("birth_date", "deceased_on"),
        [
            ("1980", "1979"),
            ("1980-04", "1980-03-31"),
            ("1980-04-05", "1980-04-04"),
            ("1980-04", "1979-12"),
            ("1980", "1979-12-31"),
        ],
    )
    def test_a_death_does_not_come_before_the_birth(
        self, api: Api, body: dict[str, Any], birth_date: str, deceased_on: str
    ) -> None:
        refused = api.post("patients", {**body, "birth_date": birth_date, "deceased_on": deceased_on})
        assert fault(refused) == ("/deceased_on", "deceased-before-birth")


class TestChange:
    def test_a_patch_changes_what_it_names(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("patients", body).json
        answer = api.patch(f"patients/{made['id']}", {"sex": "other", "birth_date": None}, If_Match='"1"')
        assert (answer.status, answer.etag) == (200, '"2"')
        assert (answer.json["sex"], answer.json["birth_date"], answer.json["mrn"]) == ("other", None, "00012345")

    def test_a_put_returns_what_it_leaves_out_to_its_default(self, api: Api) -> None:
        made = factories.patient(api, birth_date="1980", deceased_on="2020", active=False)
        body = {name: made[name] for name in ("mrn", "mrn_system", "family_name", "sex")}
        answer = api.put(f"patients/{made['id']}", body, If_Match='"1"')
        assert answer.status == 200
        defaults: dict[str, Any] = {"given_names": [], "birth_date": None, "deceased_on": None, "active": True}
        assert answer.json.items() >= defaults.items()

    def test_a_patch_by_null_does_too(self, api: Api) -> None:
        made = factories.patient(api, active=False)
        answer = api.patch(f"patients/{made['id']}", {"active": None, "given_names": None}, If_Match='"1"')
        assert (answer.json["active"], answer.json["given_names"]) == (True, [])

    def test_a_record_may_be_sent_back_as_it_was_read(self, api: Api) -> None:
        made = factories.patient(api)
        assert api.put(f"patients/{made['id']}", made, If_Match='"1"').status == 200

    def test_a_number_that_exists_is_not_taken_over(self, api: Api) -> None:
        other, made = factories.patient(api), factories.patient(api)
        refused = api.patch(f"patients/{made['id']}", {"mrn": other["mrn"]}, If_Match='"1"')
        assert fault(refused, 409) == ("/mrn", "duplicate")

    def test_one_who_was_entered_in_error_is_not_edited(self, api: Api) -> None:
        path = f"patients/{factories.patient(api)['id']}"
        moved = api.move(path, "entered-in-error", "Nobody.")
        assert moved.json["active"] is False
        for change in ({"family_name": "X"}, {"active": True}):
            assert api.patch(path, change, If_Match=moved.etag).json["code"] == "not-editable"

    def test_one_who_was_merged_is_not_edited_and_the_survivor_is_named(self, api: Api) -> None:
        made = factories.merged_patient(api)
        refused = api.patch(f"patients/{made['id']}", {"family_name": "X"}, If_Match='"2"')
        assert (refused.status, refused.json["code"]) == (409, "not-editable")
        assert api.get(refused.json["existing"]).json["id"] == made["merged_into"]


class TestTransitions:
    WAYS: ClassVar[dict[str, list[str]]] = {
        "registered": [],
        "merged": ["merged"],
        "entered-in-error": ["entered-in-error"],
    }

    @pytest.mark.parametrize(("old", "new"), [*product(PatientStatus.values, PatientStatus.values)])
    def test_only_the_legal_ones_happen(self, api: Api, old: str, new: str) -> None:
        path, survivor = f"patients/{factories.patient(api)['id']}", factories.patient(api)["id"]

        def move(to: str) -> Any:
            body = {"to": to, "reason": "because", **({"into": survivor} if to == "merged" else {})}
            return api.post(f"{path}/transitions", body, If_Match=api.get(path).etag)

        for step in self.WAYS[old]:
            assert move(step).status == 200
        answer = move(new)
        if new in PATIENT_MACHINE.asked.get(old, ()):
            assert (answer.status, answer.json["status"], answer.json["status_reason"]) == (200, new, "because")
            assert answer.json["active"] is False
        elif new == "registered":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")

    @pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
    def test_an_error_needs_a_reason(self, api: Api, reason: str) -> None:
        path = f"patients/{factories.patient(api)['id']}"
        assert fault(api.move(path, "entered-in-error", reason)) == ("/reason", "required")
        assert api.get(path).json["version"] == 1

    def test_one_whom_others_were_merged_into_is_no_error(self, api: Api) -> None:
        survivor = factories.merged_patient(api)["merged_into"]
        refused = api.move(f"patients/{survivor}", "entered-in-error", "Nobody.")
        assert fault(refused, 409) == ("/to", "still-survivor")


class TestDeletion:
    def test_a_registered_one_can_be_deleted_and_leaves_its_history(self, api: Api) -> None:
        path = f"patients/{factories.patient(api)['id']}"
        assert api.delete(path, If_Match='"1"').status == 204
        assert api.get(path).status == 404
        assert [event["action"] for event in api.get(f"{path}/history").json["results"]] == ["deleted", "created"]

    def test_one_whom_something_depends_on_cannot(self, api: Api) -> None:
        dependants = [
            factories.consultation(api)["patient"],
            factories.diagnosis(api)["patient"],
            factories.merged_patient(api)["merged_into"],
        ]
        for patient in dependants:
            refused = api.delete(f"patients/{patient}", If_Match='"1"')
            assert (refused.status, refused.json["code"]) == (409, "not-deletable")

    def test_one_who_was_merged_cannot(self, api: Api) -> None:
        made = factories.merged_patient(api)
        assert api.delete(f"patients/{made['id']}", If_Match='"2"').json["code"] == "not-deletable"


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = f"patients/{factories.patient(api)['id']}"
        api.as_(subject="dr-haddad").patch(path, {"family_name": "Haddad"}, If_Match='"1"')
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"], first["version"]) == ("created", "development:dr-okafor", 1)
        assert (later["action"], later["actor"], later["version"]) == ("changed", "development:dr-haddad", 2)
        assert later["record"] == api.get(path).json


class TestList:
    @pytest.fixture
    def made(self, api: Api) -> list[dict[str, Any]]:
        names = ["Okafor", "Mejía Ruiz", "Haddad", None]
        return [factories.patient(api, family_name=name, mrn=f"000{number}") for number, name in enumerate(names)]

    def test_the_newest_comes_first(self, api: Api, made: list[dict[str, Any]]) -> None:
        assert api.get("patients").json["results"] == made[::-1]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("mrn=0001", [1]),
            ("mrn=%200001%20", [1]),
            ("mrn=1", []),
            (f"mrn=0002&mrn_system={factories.SYSTEM}", [2]),
            ("mrn=0002&mrn_system=urn:x:y", []),
            ("family_name=Mej%C3%ADa%20Ruiz", [1]),
            ("family_name=Meji%CC%81a%20Ruiz", [1]),
            ("family_name=okafor", []),
            ("family_name=Oka", []),
            ("status=merged", []),
            ("status=registered&limit=2", [3, 2]),
        ],
    )
    def test_it_narrows(self, api: Api, made: list[dict[str, Any]], query: str, found: list[int]) -> None:
        assert api.get(f"patients?{query}").json["results"] == [made[number] for number in found]

    @pytest.mark.parametrize(
        "query", ["family_name=", "family_name=%20", "mrn=%20%20", "mrn_system=%C2%A0", "mrn=%E2%80%8B"]
    )
    def test_a_filter_that_says_nothing_is_not_taken_for_none(self, api: Api, made: Any, query: str) -> None:
        assert api.get(f"patients?{query}").status == 400

    @pytest.mark.parametrize("query", ["status=dead", f"mrn={'9' * 65}", f"family_name={'a' * 101}"])
    def test_a_filter_that_cannot_be_met_is_refused(self, api: Api, query: str) -> None:
        assert api.get(f"patients?{query}").json["errors"][0]["parameter"] == query.split("=", maxsplit=1)[0]
