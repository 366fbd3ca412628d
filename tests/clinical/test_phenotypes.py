"""Phenotypes of a consultation, through the API."""

from itertools import product
from typing import Any

import pytest

from clinical.choices import ENTRY_MACHINE, OPEN, EntryStatus
from tests.api import Api

from . import factories
from .factories import WAYS, fault, path_of

CLOSED = [status for status in WAYS if status not in OPEN]


@pytest.fixture
def collection(api: Api) -> str:
    return f"consultations/{factories.consultation(api)['id']}/phenotypes"


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, collection: str) -> None:
        made = api.post(collection, {"term": "HP:0001250"})
        assert made.status == 201
        assert made.header("Location") == f"http://testserver/clinical/v1/{collection}/{made.json['id']}"
        assert (
            made.json.items() >= {"term": "HP:0001250", "excluded": False, "onset": None, "status": "recorded"}.items()
        )
        assert made.json["consultation"] in collection
        assert api.get(f"{collection}/{made.json['id']}").json == made.json

    def test_it_may_be_excluded(self, api: Api, collection: str) -> None:
        assert api.post(collection, {"term": "HP:0001250", "excluded": True}).json["excluded"] is True

    @pytest.mark.parametrize("onset", ["2019", "2019-03", "2019-03-31", "P3W", "P1Y3M", "P0D", "HP:0003577"])
    def test_its_onset_is_a_partial_date_an_age_or_a_term(self, api: Api, collection: str, onset: str) -> None:
        assert api.post(collection, {"term": "HP:0001250", "onset": onset}).json["onset"] == onset

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"term": None}, "/term", "null"),
            ({"term": "0001250"}, "/term", "pattern"),
            ({"term": "HP:001250"}, "/term", "pattern"),
            ({"term": "hp:0001250"}, "/term", "pattern"),
            ({"term": "HP:000125०"}, "/term", "pattern"),
            ({"term": "MONDO:0016054"}, "/term", "max-length"),
            ({"term": 1250}, "/term", "invalid"),
            ({"excluded": "true"}, "/excluded", "invalid"),
            ({"excluded": 1}, "/excluded", "invalid"),
            ({"onset": ""}, "/onset", "blank"),
            ({"onset": "P"}, "/onset", "pattern"),
            ({"onset": "P1Y2W"}, "/onset", "pattern"),
            ({"onset": "P1.5Y"}, "/onset", "pattern"),
            ({"onset": "PT3H"}, "/onset", "pattern"),
            ({"onset": "2019-02-29"}, "/onset", "invalid"),
            ({"onset": "HP:0001250"}, "/onset", "pattern"),
            ({"onset": "childhood"}, "/onset", "pattern"),
            ({"onset": 2019}, "/onset", "invalid"),
            ({"onset": "2098"}, "/onset", "onset-in-future"),
            ({"consultation": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/consultation", "read-only"),
            ({"severity": "mild"}, "/severity", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, collection: str, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        refused = api.post(collection, {"term": "HP:0001250", **changes})
        assert refused.status == 400
        assert (pointer, code) in [(each["pointer"], each["code"]) for each in refused.json["errors"]]
        assert {each["pointer"] for each in refused.json["errors"]} == {pointer}
        assert api.get(collection).json["results"] == []

    @pytest.mark.parametrize("status", WAYS)
    def test_it_is_recorded_until_the_consultation_ends(self, api: Api, status: str) -> None:
        made = factories.consultation_that_is(api, status)
        answer = api.post(f"consultations/{made['id']}/phenotypes", {"term": "HP:0001250"})
        if status in OPEN:
            assert answer.status == 201
        else:
            assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "wrong-state", status)

    def test_it_does_not_change_the_consultation(self, api: Api, collection: str) -> None:
        path = collection.removesuffix("/phenotypes")
        before = api.get(path).content
        api.post(collection, {"term": "HP:0001250"})
        assert api.get(path).content == before


class TestOnce:
    def test_a_term_stands_once_in_a_consultation(self, api: Api, collection: str) -> None:
        api.post(collection, {"term": "HP:0001250"})
        again = api.post(collection, {"term": "HP:0001250", "excluded": True})
        assert fault(again, 409) == ("/term", "duplicate")

    def test_another_consultation_may_have_it_too(self, api: Api) -> None:
        first = factories.consultation(api)
        for visit in (first, factories.consultation(api, patient=first["patient"])):
            factories.phenotype(api, visit["id"])

    def test_it_can_be_recorded_again_once_it_was_an_error(self, api: Api, collection: str) -> None:
        for _ in range(3):
            made = api.post(collection, {"term": "HP:0001250"})
            assert made.status == 201
            api.move(f"{collection}/{made.json['id']}", "entered-in-error", "Another patient's.")

    def test_an_edit_does_not_make_it_twice(self, api: Api, collection: str) -> None:
        api.post(collection, {"term": "HP:0001250"})
        other = api.post(collection, {"term": "HP:0001528"}).json
        refused = api.patch(f"{collection}/{other['id']}", {"term": "HP:0001250"}, If_Match='"1"')
        assert fault(refused, 409) == ("/term", "duplicate")


class TestChange:
    def test_a_patch_changes_what_it_names(self, api: Api) -> None:
        path = path_of(factories.phenotype(api, onset="2019"), "phenotypes")
        answer = api.patch(path, {"onset": "P3Y"}, If_Match='"1"')
        assert (answer.status, answer.json["onset"], answer.json["term"]) == (200, "P3Y", "HP:0001250")

    def test_a_put_returns_what_it_leaves_out_to_its_default(self, api: Api) -> None:
        path = path_of(factories.phenotype(api, onset="2019", excluded=True), "phenotypes")
        answer = api.put(path, {"term": "HP:0001528"}, If_Match='"1"')
        assert (answer.json["term"], answer.json["onset"], answer.json["excluded"]) == ("HP:0001528", None, False)

    @pytest.mark.parametrize("status", CLOSED)
    def test_nothing_is_edited_or_deleted_after_the_end(self, api: Api, status: str) -> None:
        visit = factories.consultation(api)["id"]
        made = factories.phenotype(api, visit)
        for step in WAYS[status]:
            api.move(f"consultations/{visit}", step, "because")
        path = path_of(made, "phenotypes")
        for answer in (
            api.patch(path, {"excluded": True}, If_Match='"1"'),
            api.put(path, made, If_Match='"1"'),
            api.delete(path, If_Match='"1"'),
        ):
            assert (answer.status, answer.json["code"]) == (409, "wrong-state")
        assert api.get(path).json == made

    def test_it_is_an_error_even_after_the_end(self, api: Api) -> None:
        visit = factories.in_progress(api)["id"]
        path = path_of(factories.phenotype(api, visit), "phenotypes")
        api.move(f"consultations/{visit}", "completed")
        assert api.move(path, "entered-in-error", "Another patient's.").status == 200

    def test_an_error_is_not_edited(self, api: Api) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        api.move(path, "entered-in-error", "Another patient's.")
        assert api.patch(path, {"excluded": True}, If_Match='"2"').json["code"] == "not-editable"


class TestTransitions:
    @pytest.mark.parametrize(("old", "new"), [*product(EntryStatus.values, EntryStatus.values)])
    def test_only_the_legal_ones_happen(self, api: Api, old: str, new: str) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        if old != "recorded":
            api.move(path, old, "because")
        answer = api.move(path, new, "because")
        if new in ENTRY_MACHINE.asked.get(old, ()):
            assert (answer.status, answer.json["status"], answer.json["status_reason"]) == (200, new, "because")
        elif new == "recorded":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")

    def test_an_error_needs_a_reason(self, api: Api) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")


class TestDeletion:
    def test_a_recorded_one_can_be_deleted_and_leaves_its_history(self, api: Api) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        assert api.delete(path, If_Match='"1"').status == 204
        assert api.get(path).status == 404
        assert [event["action"] for event in api.get(f"{path}/history").json["results"]] == ["deleted", "created"]

    def test_an_error_cannot(self, api: Api) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        api.move(path, "entered-in-error", "Another patient's.")
        assert api.delete(path, If_Match='"2"').json["code"] == "not-deletable"


class TestPlace:
    def test_it_is_found_below_its_own_consultation_alone(self, api: Api) -> None:
        made, other = factories.phenotype(api), factories.consultation(api)["id"]
        path = path_of({**made, "consultation": other}, "phenotypes")
        answers = [
            api.get(path),
            api.get(f"{path}/history"),
            api.patch(path, {"excluded": True}, If_Match='"1"'),
            api.delete(path, If_Match='"1"'),
            api.post(f"{path}/transitions", {"to": "entered-in-error", "reason": "x"}, If_Match='"1"'),
        ]
        assert [answer.status for answer in answers] == [404] * 5
        assert api.get(path_of(made, "phenotypes")).json == made
        assert api.get(f"consultations/{other}/phenotypes").json["results"] == []


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = path_of(factories.phenotype(api), "phenotypes")
        api.as_(subject="dr-haddad").patch(path, {"excluded": True}, If_Match='"1"')
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"]) == ("created", "development:dr-okafor")
        assert (later["action"], later["actor"]) == ("changed", "development:dr-haddad")
        assert later["record"] == api.get(path).json


class TestList:
    def test_it_narrows_by_status(self, api: Api, collection: str) -> None:
        first, second = (api.post(collection, {"term": term}).json["id"] for term in ("HP:0001250", "HP:0001528"))
        api.move(f"{collection}/{first}", "entered-in-error", "Another patient's.")
        assert [row["id"] for row in api.get(collection).json["results"]] == [second, first]
        assert [row["id"] for row in api.get(f"{collection}?status=recorded").json["results"]] == [second]
        assert api.get(f"{collection}?status=x").json["errors"][0]["parameter"] == "status"
