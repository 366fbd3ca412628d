"""Links to analyses, through the API, while nobody can be asked; test_linking.py tries what is answered."""

from itertools import product
from typing import Any

import pytest

from clinical.choices import ENTRY_MACHINE, OPEN, EntryStatus
from tests.api import ALL, Api

from . import factories
from .factories import ANALYSIS, WAYS, fault, path_of

BODY = {"analysis_id": ANALYSIS, "relation": "reviewed"}


@pytest.fixture
def collection(api: Api) -> str:
    return f"consultations/{factories.consultation(api)['id']}/genomic-links"


class TestCreation:
    def test_it_is_pending(self, api: Api, collection: str) -> None:
        made = api.post(collection, BODY)
        assert made.status == 201
        assert made.header("Location") == f"http://testserver/clinical/v1/{collection}/{made.json['id']}"
        unknown = {"verification": "pending", "snapshot": None, "checked_at": None}
        assert made.json.items() >= {**BODY, **unknown, "status": "recorded"}.items()
        assert api.get(f"{collection}/{made.json['id']}").json == made.json

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"analysis_id": None}, "/analysis_id", "null"),
            ({"analysis_id": "x"}, "/analysis_id", "invalid"),
            ({"analysis_id": ANALYSIS.replace("-", "")}, "/analysis_id", "invalid"),
            ({"analysis_id": 7}, "/analysis_id", "invalid"),
            ({"relation": None}, "/relation", "null"),
            ({"relation": "seen"}, "/relation", "invalid-choice"),
            ({"verification": "verified"}, "/verification", "read-only"),
            ({"snapshot": {}}, "/snapshot", "read-only"),
            ({"checked_at": "2026-11-18T08:30:00Z"}, "/checked_at", "read-only"),
            ({"genotype": "0/1"}, "/genotype", "unknown-member"),
        ],
    )
    def test_it_points_to_what_is_wrong_and_stores_nothing(
        self, api: Api, collection: str, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post(collection, {**BODY, **changes})) == (pointer, code)
        assert api.get(collection).json["results"] == []

    @pytest.mark.parametrize("member", BODY)
    def test_both_members_are_needed(self, api: Api, collection: str, member: str) -> None:
        body = {name: value for name, value in BODY.items() if name != member}
        assert fault(api.post(collection, body)) == (f"/{member}", "required")

    def test_the_other_services_scope_is_needed_as_well(self, api: Api, collection: str) -> None:
        without = api.as_(scopes=tuple(scope for scope in ALL if scope != "genomics:read"))
        refused = without.post(collection, BODY)
        assert (refused.status, refused.json["code"], refused.json["scope"]) == (403, "missing-scope", "genomics:read")
        assert without.get(collection).json["results"] == []

    @pytest.mark.parametrize("status", WAYS)
    def test_a_consultation_that_took_place_or_may_is_linked(self, api: Api, status: str) -> None:
        visit = factories.consultation_that_is(api, status)["id"]
        answer = api.post(f"consultations/{visit}/genomic-links", BODY)
        if status in {"cancelled", "entered-in-error"}:
            assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "wrong-state", status)
        else:
            assert answer.status == 201

    def test_a_key_makes_one(self, api: Api, collection: str) -> None:
        first, again = (api.post(collection, BODY, Idempotency_Key="k-1") for _ in range(2))
        assert (first.status, again.status, again.content) == (201, 201, first.content)
        assert len(api.get(collection).json["results"]) == 1


class TestOnce:
    def test_an_analysis_is_linked_once(self, api: Api, collection: str) -> None:
        api.post(collection, BODY)
        again = api.post(collection, {**BODY, "relation": "ordered"})
        assert fault(again, 409) == ("/analysis_id", "duplicate")

    def test_other_consultations_may_link_it_too(self, api: Api) -> None:
        for _ in range(2):
            assert factories.link(api, analysis_id=ANALYSIS)["analysis_id"] == ANALYSIS

    def test_it_is_linked_again_once_the_first_was_an_error(self, api: Api, collection: str) -> None:
        made = api.post(collection, BODY).json
        api.move(f"{collection}/{made['id']}", "entered-in-error", "Another analysis.")
        assert api.post(collection, BODY).status == 201


class TestChange:
    def test_its_relation_changes(self, api: Api) -> None:
        path = path_of(factories.link(api), "genomic-links")
        answer = api.patch(path, {"relation": "discussed"}, If_Match='"1"')
        assert (answer.status, answer.json["relation"]) == (200, "discussed")

    def test_it_keeps_its_analysis(self, api: Api) -> None:
        made = factories.link(api)
        path = path_of(made, "genomic-links")
        for answer in (
            api.patch(path, {"analysis_id": ANALYSIS}, If_Match='"1"'),
            api.put(path, {**made, "analysis_id": ANALYSIS}, If_Match='"1"'),
        ):
            assert (answer.status, answer.json["code"]) == (409, "not-editable")
        assert api.put(path, made, If_Match='"1"').status == 200

    @pytest.mark.parametrize(("member", "value"), [("verification", "verified"), ("snapshot", {}), ("checked_at", "x")])
    def test_nobody_verifies_it_by_hand(self, api: Api, member: str, value: Any) -> None:
        path = path_of(factories.link(api), "genomic-links")
        assert fault(api.patch(path, {member: value}, If_Match='"1"')) == (f"/{member}", "read-only")

    def test_an_error_is_not_edited(self, api: Api) -> None:
        path = path_of(factories.link(api), "genomic-links")
        api.move(path, "entered-in-error", "Another analysis.")
        assert api.patch(path, {"relation": "ordered"}, If_Match='"2"').json["code"] == "not-editable"

    @pytest.mark.parametrize(("old", "new"), [*product(EntryStatus.values, EntryStatus.values)])
    def test_only_the_legal_transitions_happen(self, api: Api, old: str, new: str) -> None:
        path = path_of(factories.link(api), "genomic-links")
        if old != "recorded":
            api.move(path, old, "because")
        answer = api.move(path, new, "because")
        if new in ENTRY_MACHINE.asked.get(old, ()):
            assert (answer.status, answer.json["status"]) == (200, new)
        elif new == "recorded":
            assert fault(answer) == ("/to", "invalid-choice")
        else:
            assert (answer.status, answer.json["code"]) == (409, "illegal-transition")

    def test_an_error_needs_a_reason(self, api: Api) -> None:
        path = path_of(factories.link(api), "genomic-links")
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")


class TestDeletion:
    @pytest.mark.parametrize("status", WAYS)
    def test_it_goes_while_its_consultation_is_open(self, api: Api, status: str) -> None:
        visit = factories.consultation(api)["id"]
        path = path_of(factories.link(api, visit), "genomic-links")
        for step in WAYS[status]:
            api.move(f"consultations/{visit}", step, "because")
        answer = api.delete(path, If_Match='"1"')
        if status in OPEN:
            assert answer.status == 204
        else:
            assert (answer.status, answer.json["code"]) == (409, "wrong-state")

    def test_an_error_stays(self, api: Api) -> None:
        path = path_of(factories.link(api), "genomic-links")
        api.move(path, "entered-in-error", "Another analysis.")
        assert api.delete(path, If_Match='"2"').json["code"] == "not-deletable"


class TestHistory:
    def test_it_tells_who_changed_what(self, api: Api) -> None:
        path = path_of(factories.link(api), "genomic-links")
        api.as_(subject="dr-haddad").patch(path, {"relation": "ordered"}, If_Match='"1"')
        later, first = api.get(f"{path}/history").json["results"]
        assert (first["action"], first["actor"]) == ("created", "development:dr-okafor")
        assert (later["action"], later["actor"]) == ("changed", "development:dr-haddad")
        assert later["record"] == api.get(path).json


class TestList:
    def test_it_narrows_by_verification(self, api: Api, collection: str) -> None:
        made = api.post(collection, BODY).json
        assert api.get(f"{collection}?verification=pending").json["results"] == [made]
        assert api.get(f"{collection}?verification=verified").json["results"] == []
        assert api.get(f"{collection}?verification=x").json["errors"][0]["parameter"] == "verification"
