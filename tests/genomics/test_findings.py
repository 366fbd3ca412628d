"""Findings, through the API."""

from typing import Any

import pytest

from tests.api import Api

from . import factories
from .test_samples import fault

NOBODY = "01890a5d-ac96-774b-bcce-000000000000"


@pytest.fixture
def analysis(api: Api) -> str:
    return str(factories.ready_analysis(api)["id"])


@pytest.fixture
def body(api: Api, analysis: str) -> dict[str, Any]:
    return {
        "analysis": analysis,
        "variant": factories.variant(api, analysis)["id"],
        "classification": "likely-pathogenic",
        "criteria": ["PS2", "PM1", "PM2_Supporting"],
        "condition": "MONDO:0016054",
    }


class TestDraft:
    def test_it_answers_a_draft_of_that_variant(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("findings", {**body, "inheritance": "HP:0000006", "comment": " de novo\n"})
        assert made.status == 201
        assert {name: made.json[name] for name in body} == body
        assert (made.json["status"], made.json["comment"], made.json["supersedes"]) == ("draft", "de novo", None)

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"classification": "vus"}, "/classification", "invalid-choice"),
            ({"criteria": ["PS2", "PS2_Moderate"]}, "/criteria", "criteria-repeated"),
            ({"criteria": ["PS9"]}, "/criteria/0", "pattern"),
            ({"criteria": "PS2"}, "/criteria", "invalid"),
            ({"criteria": [None]}, "/criteria/0", "null"),
            ({"condition": "E84"}, "/condition", "pattern"),
            ({"condition": None}, "/condition", "condition-required"),
            ({"inheritance": "dominant"}, "/inheritance", "invalid-choice"),
            ({"analysis": NOBODY}, "/analysis", "unknown-reference"),
            ({"variant": NOBODY}, "/variant", "unknown-reference"),
            ({"supersedes": NOBODY}, "/supersedes", "unknown-reference"),
        ],
    )
    def test_it_points_to_what_is_wrong(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("findings", {**body, **changes})) == (pointer, code)

    @pytest.mark.parametrize("classification", ["uncertain-significance", "likely-benign", "benign"])
    def test_a_condition_is_needed_for_pathogenic_ones_alone(
        self, api: Api, body: dict[str, Any], classification: str
    ) -> None:
        assert api.post("findings", {**body, "classification": classification, "condition": None}).status == 201

    def test_it_may_do_without_criteria(self, api: Api, body: dict[str, Any]) -> None:
        del body["criteria"]
        assert api.post("findings", body).json["criteria"] == []

    def test_its_variant_is_one_of_its_analysis(self, api: Api, body: dict[str, Any]) -> None:
        other = factories.ready_analysis(api, factories.HEADER.encode() + factories.CFTR.encode())["id"]
        assert fault(api.post("findings", {**body, "analysis": other})) == ("/variant", "unknown-reference")

    def test_it_needs_an_analysis_with_variants(self, api: Api, body: dict[str, Any]) -> None:
        refused = api.post("findings", {**body, "analysis": factories.analysis(api)["id"]})
        assert (refused.status, refused.json["code"]) == (409, "wrong-state")

    def test_an_analysis_in_error_takes_no_more(self, api: Api, body: dict[str, Any]) -> None:
        api.move(f"analyses/{body['analysis']}", "entered-in-error", "swapped")
        assert api.post("findings", body).json["code"] == "wrong-state"

    def test_none_is_confirmed_about_an_analysis_in_error(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("findings", body).json
        api.move(f"analyses/{body['analysis']}", "entered-in-error", "swapped")
        assert api.move(f"findings/{made['id']}", "confirmed").json["code"] == "wrong-state"
        assert api.move(f"findings/{made['id']}", "withdrawn").json["status"] == "withdrawn"

    def test_a_reported_analysis_takes_more(self, api: Api, analysis: str) -> None:
        factories.signed_report(api, analysis)
        assert factories.finding(api, analysis, condition="OMIM:219700")["status"] == "draft"

    def test_several_drafts_may_differ_about_a_variant(self, api: Api, body: dict[str, Any]) -> None:
        assert [api.post("findings", body).status for _ in range(2)] == [201, 201]


class TestChange:
    def test_a_draft_can_be_edited(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("findings", body).json
        changes = {"classification": "pathogenic", "criteria": ["PVS1", "PS2"], "comment": "seen in two more families"}
        answer = api.patch(f"findings/{made['id']}", changes, If_Match='"1"')
        assert (answer.status, {name: answer.json[name] for name in changes}) == (200, changes)

    def test_it_keeps_its_subject(self, api: Api, analysis: str) -> None:
        made = factories.finding(api, analysis)
        for change in (
            {"variant": factories.variant(api, analysis, "7")["id"]},
            {"analysis": factories.ready_analysis(api)["id"]},
            {"supersedes": factories.confirmed_finding(api, analysis)["id"]},
        ):
            assert api.patch(f"findings/{made['id']}", change, If_Match='"1"').json["code"] == "not-editable"

    @pytest.mark.parametrize("status", ["confirmed", "withdrawn"])
    def test_it_is_settled_after_its_draft(self, api: Api, analysis: str, status: str) -> None:
        path = f"findings/{factories.finding(api, analysis)['id']}"
        api.move(path, status)
        assert api.patch(path, {"comment": "x"}, If_Match='"2"').json["code"] == "not-editable"

    def test_a_draft_can_be_deleted_and_a_confirmed_one_not(self, api: Api, analysis: str) -> None:
        assert api.delete(f"findings/{factories.finding(api, analysis)['id']}", If_Match='"1"').status == 204
        confirmed = factories.confirmed_finding(api, analysis)
        assert api.delete(f"findings/{confirmed['id']}", If_Match='"2"').json["code"] == "not-deletable"


class TestConfirmation:
    def test_a_variant_has_one_confirmed_finding_a_condition(self, api: Api, analysis: str) -> None:
        factories.confirmed_finding(api, analysis)
        rival = factories.finding(api, analysis)
        refused = api.move(f"findings/{rival['id']}", "confirmed")
        assert (refused.status, refused.json["code"]) == (409, "duplicate")
        assert factories.confirmed_finding(api, analysis, condition="OMIM:219700")["status"] == "confirmed"

    def test_that_holds_without_a_condition_too(self, api: Api, analysis: str) -> None:
        benign = {"classification": "benign", "condition": None, "criteria": ["BA1"]}
        factories.confirmed_finding(api, analysis, **benign)
        rival = factories.finding(api, analysis, **benign)
        assert api.move(f"findings/{rival['id']}", "confirmed").json["code"] == "duplicate"

    @pytest.mark.parametrize("to", ["draft", "superseded"])
    def test_nobody_asks_for_the_other_states(self, api: Api, analysis: str, to: str) -> None:
        assert fault(api.move(f"findings/{factories.finding(api, analysis)['id']}", to)) == ("/to", "invalid-choice")

    def test_a_confirmed_one_is_not_withdrawn(self, api: Api, analysis: str) -> None:
        confirmed = factories.confirmed_finding(api, analysis)
        assert api.move(f"findings/{confirmed['id']}", "withdrawn").json["code"] == "illegal-transition"


class TestReclassification:
    def test_a_new_finding_supersedes_the_old_one_when_it_is_confirmed(self, api: Api, analysis: str) -> None:
        old = factories.confirmed_finding(api, analysis)["id"]
        new = factories.finding(api, analysis, supersedes=old, classification="pathogenic")["id"]
        assert api.get(f"findings/{old}").json["status"] == "confirmed"
        assert api.move(f"findings/{new}", "confirmed").status == 200
        assert api.get(f"findings/{old}").json["status"] == "superseded"
        assert [event["record"]["status"] for event in api.get(f"findings/{old}/history").json["results"]] == [
            "superseded",
            "confirmed",
            "draft",
        ]

    def test_only_one_finding_supersedes_another(self, api: Api, analysis: str, body: dict[str, Any]) -> None:
        old = factories.confirmed_finding(api, analysis)["id"]
        first = factories.finding(api, analysis, supersedes=old)["id"]
        refused = api.post("findings", {**body, "supersedes": old})
        assert fault(refused, 409) == ("/supersedes", "duplicate")
        api.move(f"findings/{first}", "withdrawn")
        assert api.post("findings", {**body, "supersedes": old}).status == 201

    def test_only_a_confirmed_finding_is_superseded(self, api: Api, analysis: str, body: dict[str, Any]) -> None:
        draft = factories.finding(api, analysis)["id"]
        assert api.post("findings", {**body, "supersedes": draft}).json["code"] == "wrong-state"

    def test_it_is_about_the_same_variant(self, api: Api, analysis: str, body: dict[str, Any]) -> None:
        old = factories.confirmed_finding(api, analysis)["id"]
        other = {**body, "variant": factories.variant(api, analysis, "7")["id"], "supersedes": old}
        assert api.post("findings", other).json["code"] == "conflict"


class TestList:
    def test_it_narrows_by_analysis_and_status(self, api: Api, analysis: str) -> None:
        draft, confirmed = factories.finding(api, analysis), factories.confirmed_finding(api, analysis)
        factories.finding(api, factories.ready_analysis(api)["id"])
        found = api.get(f"findings?analysis={analysis}").json["results"]
        assert [row["id"] for row in found] == [confirmed["id"], draft["id"]]
        assert [row["id"] for row in api.get("findings?status=confirmed").json["results"]] == [confirmed["id"]]

    def test_a_page_costs_one_query(self, api: Api, analysis: str, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            factories.finding(api, analysis)
        with django_assert_num_queries(1):
            assert len(api.get("findings").json["results"]) == 3
