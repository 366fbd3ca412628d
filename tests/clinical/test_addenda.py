"""Addenda to a consultation that has ended, through the API."""

from itertools import product
from typing import Any

import pytest

from clinical.choices import ADDENDUM_MACHINE, EntryStatus
from tests.api import Api

from . import factories
from .factories import WAYS, fault, path_of

TAKING = {"completed", "discontinued", "cancelled"}


@pytest.fixture
def collection(api: Api) -> str:
    return f"consultations/{factories.completed(api)['id']}/addenda"


class TestCreation:
    def test_it_answers_the_record_with_its_address_and_version(self, api: Api, collection: str) -> None:
        made = api.post(collection, {"note": "It began in March.\nHer mother called."})
        assert made.status == 201
        assert made.header("Location") == f"http://testserver/clinical/v1/{collection}/{made.json['id']}"
        assert (made.json["note"], made.json["status"]) == ("It began in March.\nHer mother called.", "recorded")
        assert api.get(f"{collection}/{made.json['id']}").json == made.json

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/note", "required"),
            ({"note": None}, "/note", "null"),
            ({"note": " \n "}, "/note", "blank"),
            ({"note": ["x"]}, "/note", "invalid"),
            ({"note": "x" * 20_001}, "/note", "max-length"),
            ({"note": "a\u202eb"}, "/note", "control-character"),
            ({"note": "x", "author": "y"}, "/author", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, collection: str, body: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post(collection, body)) == (pointer, code)
        assert api.get(collection).json["results"] == []

    @pytest.mark.parametrize("status", WAYS)
    def test_it_follows_the_end_of_a_consultation(self, api: Api, status: str) -> None:
        visit = factories.consultation_that_is(api, status)
        answer = api.post(f"consultations/{visit['id']}/addenda", {"note": "x"})
        if status in TAKING:
            assert answer.status == 201
        else:
            assert (answer.status, answer.json["code"]) == (409, "wrong-state")

    def test_the_consultation_stays_as_it_is(self, api: Api) -> None:
        visit = factories.completed(api)
        factories.addendum(api, visit["id"])
        assert api.get(f"consultations/{visit['id']}").json == visit

    def test_there_may_be_several_by_several_people(self, api: Api, collection: str) -> None:
        for subject in ("dr-okafor", "dr-haddad"):
            api.as_(subject=subject).post(collection, {"note": "The same."})
        authors = [row["created_by"] for row in api.get(collection).json["results"]]
        assert authors == ["development:dr-haddad", "development:dr-okafor"]


class TestPermanence:
    def test_it_is_never_edited(self, api: Api) -> None:
        made = factories.addendum(api)
        path = path_of(made, "addenda")
        for answer in (
            api.patch(path, {"note": "x"}, If_Match='"1"'),
            api.patch(path, {}, If_Match='"1"'),
            api.put(path, {"note": "x"}, If_Match='"1"'),
            api.put(path, made, If_Match='"1"'),
        ):
            assert (answer.status, answer.json["code"]) == (409, "not-editable")
        assert api.get(path).json == made

    def test_it_is_never_deleted(self, api: Api) -> None:
        path = path_of(factories.addendum(api), "addenda")
        assert api.delete(path, If_Match='"1"').json["code"] == "not-deletable"
        api.move(path, "entered-in-error", "Another patient's.")
        assert api.delete(path, If_Match='"2"').json["code"] == "not-deletable"
        assert api.get(path).status == 200

    @pytest.mark.parametrize(("old", "new"), [*product(EntryStatus.values, EntryStatus.values)])
    def test_it_can_only_become_an_error(self, api: Api, old: str, new: str) -> None:
        path = path_of(factories.addendum(api), "addenda")
        if old != "recorded":
            api.move(path, old, "because")
        answer = api.move(path, new, "because")
        if new in ADDENDUM_MACHINE.asked.get(old, ()):
            assert (answer.status, answer.json["status"], answer.json["note"]) == (200, new, "It began in March.")
        elif new == "recorded":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")

    def test_an_error_needs_a_reason(self, api: Api) -> None:
        path = path_of(factories.addendum(api), "addenda")
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")

    def test_its_consultation_can_become_an_error_all_the_same(self, api: Api) -> None:
        made = factories.addendum(api)
        assert api.move(f"consultations/{made['consultation']}", "entered-in-error", "x").status == 200
        assert api.get(path_of(made, "addenda")).json == made


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = path_of(factories.addendum(api), "addenda")
        api.as_(subject="dr-haddad").move(path, "entered-in-error", "Another patient's.")
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"]) == ("created", "development:dr-okafor")
        assert (later["action"], later["actor"]) == ("changed", "development:dr-haddad")
        assert later["record"] == api.get(path).json


class TestRetry:
    def test_a_key_makes_one(self, api: Api, collection: str) -> None:
        first, again = (api.post(collection, {"note": "x"}, Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.status, again.content) == (201, 201, first.content)
        assert len(api.get(collection).json["results"]) == 1

    def test_a_key_is_another_one_below_another_consultation(self, api: Api) -> None:
        made = [factories.completed(api)["id"] for _ in range(2)]
        answers = [api.post(f"consultations/{id_}/addenda", {"note": "x"}, Idempotency_Key="k-1") for id_ in made]
        assert [answer.json["consultation"] for answer in answers] == made
