"""Reports, through the API: drafted by one person, signed by another, never changed after."""

import hashlib
import json
import re
from typing import Any

import pytest

from tests.api import ALL, Answer, Api
from tests.database import refusal

from . import factories
from .test_samples import fault

NOBODY = "01890a5d-ac96-774b-bcce-000000000000"


@pytest.fixture
def analysis(api: Api) -> str:
    return str(factories.ready_analysis(api)["id"])


@pytest.fixture
def confirmed(api: Api, analysis: str) -> str:
    return str(factories.confirmed_finding(api, analysis)["id"])


@pytest.fixture
def body(analysis: str, confirmed: str) -> dict[str, Any]:
    return {"analysis": analysis, "findings": [confirmed], "outcome": "positive", "conclusion": "It explains it."}


@pytest.fixture
def signatory(api: Api) -> Api:
    return api.as_(subject="dr-lindqvist")


def sign(signatory: Api, report: dict[str, Any], to: str = "final") -> Answer:
    return signatory.move(f"reports/{report['id']}", to)


class TestDraft:
    def test_it_answers_a_preliminary_report(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body)
        assert made.status == 201
        assert {name: made.json[name] for name in body} == body
        assert (made.json["status"], made.json["revision"], made.json["number"]) == ("preliminary", 1, None)
        assert made.json["content"] is None

    @pytest.mark.parametrize(
        ("changes", "status", "pointer", "code"),
        [
            ({"outcome": "good"}, 400, "/outcome", "invalid-choice"),
            ({"conclusion": ""}, 400, "/conclusion", "blank"),
            ({"findings": NOBODY}, 400, "/findings", "invalid"),
            ({"findings": ["x"]}, 400, "/findings/0", "invalid"),
            ({"findings": [NOBODY, NOBODY]}, 400, "/findings", "repeated"),
            ({"findings": [NOBODY], "outcome": "negative"}, 409, "/findings", "wrong-findings"),
            ({"analysis": NOBODY}, 400, "/analysis", "unknown-reference"),
            ({"replaces": NOBODY}, 400, "/replaces", "unknown-reference"),
            ({"number": "R26-000001"}, 400, "/number", "read-only"),
            ({"content": {}}, 400, "/content", "read-only"),
        ],
    )
    def test_it_points_to_what_is_wrong(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], status: int, pointer: str, code: str
    ) -> None:
        assert fault(api.post("reports", {**body, **changes}), status) == (pointer, code)

    def test_its_findings_are_confirmed(self, api: Api, body: dict[str, Any], analysis: str) -> None:
        draft = factories.finding(api, analysis, condition="OMIM:219700")["id"]
        refused = api.post("reports", {**body, "findings": [*body["findings"], draft]})
        assert fault(refused, 409) == ("/findings", "wrong-findings")
        assert refused.json["code"] == "conflict"

    def test_its_findings_are_of_its_analysis(self, api: Api, body: dict[str, Any]) -> None:
        foreign = factories.confirmed_finding(api, factories.ready_analysis(api)["id"])["id"]
        assert fault(api.post("reports", {**body, "findings": [foreign]}), 409) == ("/findings", "wrong-findings")

    def test_it_names_a_variant_once(self, api: Api, body: dict[str, Any], analysis: str) -> None:
        second = factories.confirmed_finding(api, analysis, condition="OMIM:219700")["id"]
        refused = api.post("reports", {**body, "findings": [*body["findings"], second]})
        assert fault(refused, 409) == ("/findings", "repeated")

    def test_a_positive_outcome_needs_a_pathogenic_finding(self, api: Api, analysis: str, body: dict[str, Any]) -> None:
        benign = {"classification": "benign", "condition": None, "criteria": ["BA1"]}
        harmless = factories.confirmed_finding(api, analysis, **benign)["id"]
        for findings in ([], [harmless]):
            refused = api.post("reports", {**body, "findings": findings})
            assert (refused.status, refused.json["code"]) == (409, "conflict")
            assert api.post("reports", {**body, "findings": findings, "outcome": "negative"}).status == 201

    def test_it_needs_an_analysis_that_is_ready(self, api: Api, body: dict[str, Any]) -> None:
        registered = factories.analysis(api)["id"]
        refused = api.post("reports", {**body, "analysis": registered, "findings": [], "outcome": "negative"})
        assert refused.json["code"] == "wrong-state"

    def test_a_reported_analysis_takes_no_second_first_report(self, api: Api, body: dict[str, Any]) -> None:
        assert sign(api.as_(subject="dr-lindqvist"), api.post("reports", body).json).status == 200
        assert api.post("reports", body).json["code"] == "wrong-state"

    def test_a_preliminary_one_can_be_edited(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        changes = {"conclusion": "It may.", "findings": [], "outcome": "inconclusive"}
        answer = api.patch(f"reports/{made['id']}", changes, If_Match='"1"')
        assert (answer.status, answer.json["conclusion"], answer.json["findings"]) == (200, "It may.", [])

    def test_an_edit_keeps_the_rules(self, api: Api, body: dict[str, Any]) -> None:
        path = f"reports/{api.post('reports', body).json['id']}"
        assert api.patch(path, {"findings": []}, If_Match='"1"').json["code"] == "conflict"
        other = factories.ready_analysis(api)["id"]
        assert api.patch(path, {"analysis": other}, If_Match='"1"').json["code"] == "not-editable"

    def test_a_preliminary_one_can_be_deleted_or_cancelled(self, api: Api, body: dict[str, Any]) -> None:
        one, two = (api.post("reports", body).json["id"] for _ in range(2))
        assert api.delete(f"reports/{one}", If_Match='"1"').status == 204
        assert api.move(f"reports/{two}", "cancelled").json["status"] == "cancelled"
        assert api.delete(f"reports/{two}", If_Match='"2"').json["code"] == "not-deletable"


class TestTwoPersons:
    def test_nobody_signs_what_they_created(self, api: Api, body: dict[str, Any]) -> None:
        refused = sign(api, api.post("reports", body).json)
        assert (refused.status, refused.json["code"]) == (403, "forbidden")

    def test_nobody_signs_what_they_edited_last(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        assert signatory.patch(f"reports/{made['id']}", {"conclusion": "Mine."}, If_Match='"1"').status == 200
        assert sign(signatory, made).json["code"] == "forbidden"
        assert sign(api, made).json["code"] == "forbidden"
        assert sign(api.as_(subject="dr-haddad"), made).status == 200

    def test_signing_needs_its_own_scope(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        without = signatory.as_(scopes=tuple(scope for scope in ALL if not scope.endswith(":sign")))
        refused = sign(without, made)
        assert (refused.status, refused.json["scope"]) == (403, "genomics:sign")
        assert 'scope="genomics:sign"' in str(refused.header("WWW-Authenticate"))

    def test_who_may_only_sign_cancels_nothing(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        only = signatory.as_(scopes=("genomics:read", "genomics:sign"))
        assert only.move(f"reports/{made['id']}", "cancelled").json["scope"] == "genomics:write"
        assert sign(only, made).status == 200


class TestSignature:
    def test_it_numbers_the_report_and_closes_the_analysis(
        self, api: Api, signatory: Api, body: dict[str, Any]
    ) -> None:
        signed = sign(signatory, api.post("reports", body).json)
        assert signed.status == 200
        assert (signed.json["status"], signed.json["signed_by"]) == ("final", "development:dr-lindqvist")
        assert re.fullmatch(r"R[0-9]{2}-[0-9]{6}", signed.json["number"])
        assert signed.json["signed_at"] >= signed.json["created_at"]
        assert api.get(f"analyses/{body['analysis']}").json["status"] == "reported"

    def test_numbers_differ(self, api: Api) -> None:
        assert len({factories.signed_report(api)["number"] for _ in range(3)}) == 3

    def test_it_freezes_what_was_known(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        signed = sign(signatory, api.post("reports", body).json).json
        content = signed["content"]
        assert content["report"]["conclusion"] == body["conclusion"]
        assert content["report"]["signed_by"] == "development:dr-lindqvist"
        assert content["report"]["number"] == signed["number"]
        assert content["sample"]["patient_id"] == factories.PATIENT
        assert content["analysis"]["file_sha256"] == hashlib.sha256(factories.VCF).hexdigest()
        (finding,) = content["findings"]
        assert finding["created_by"] == finding["confirmed_by"] == "development:dr-okafor"
        assert (finding["variant"]["pos"], finding["variant"]["alt"]) == (179218303, "A")

    def test_its_digest_is_one_of_the_content_the_api_shows(self, api: Api) -> None:
        signed = factories.signed_report(api)
        canonical = json.dumps(signed["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(canonical.encode()).hexdigest() == signed["content_sha256"]

    def test_a_later_reclassification_leaves_it_as_it_was(self, api: Api) -> None:
        signed = factories.signed_report(api)
        newer = factories.finding(
            api, signed["analysis"], supersedes=signed["findings"][0], classification="pathogenic"
        )
        assert api.move(f"findings/{newer['id']}", "confirmed").status == 200
        assert api.get(f"reports/{signed['id']}").json == signed

    def test_it_needs_findings_that_are_still_confirmed(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        newer = factories.finding(api, body["analysis"], supersedes=body["findings"][0])
        assert api.move(f"findings/{newer['id']}", "confirmed").status == 200
        assert sign(signatory, made).json["code"] == "wrong-state"

    def test_it_needs_an_analysis_that_still_stands(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        api.move(f"analyses/{body['analysis']}", "entered-in-error", "swapped")
        assert sign(signatory, made).json["code"] == "wrong-state"

    def test_it_needs_a_sample_that_still_stands(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        sample = api.get(f"analyses/{body['analysis']}").json["sample"]
        api.move(f"samples/{sample}", "entered-in-error", "mislabelled")
        assert sign(signatory, made).json["code"] == "wrong-state"
        assert api.get(f"analyses/{body['analysis']}").json["status"] == "ready"

    def test_of_two_first_drafts_one_is_signed(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        one, two = (api.post("reports", body).json for _ in range(2))
        assert sign(signatory, one).status == 200
        assert sign(signatory, two).json["code"] == "wrong-state"

    def test_a_signed_report_is_neither_edited_nor_deleted(self, api: Api) -> None:
        signed = factories.signed_report(api)
        path = f"reports/{signed['id']}"
        assert api.patch(path, {"conclusion": "Other."}, If_Match='"2"').json["code"] == "not-editable"
        assert api.delete(path, If_Match='"2"').json["code"] == "not-deletable"

    def test_a_signed_report_can_be_entered_in_error(self, api: Api) -> None:
        path = f"reports/{factories.signed_report(api)['id']}"
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")
        wrong = api.move(path, "entered-in-error", "wrong patient").json
        assert (wrong["status"], wrong["content"] is not None) == ("entered-in-error", True)

    def test_a_refused_signature_changes_nothing(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        sign(api, made)
        assert api.get(f"reports/{made['id']}").json == made
        assert api.get(f"analyses/{body['analysis']}").json["status"] == "ready"


class TestReplacement:
    @pytest.fixture
    def signed(self, api: Api) -> dict[str, Any]:
        return factories.signed_report(api)

    @pytest.fixture
    def next_(self, api: Api, signed: dict[str, Any]) -> dict[str, Any]:
        return factories.report(api, signed["analysis"], signed["findings"], replaces=signed["id"])

    @pytest.mark.parametrize("to", ["amended", "corrected"])
    def test_it_supersedes_the_signed_one_when_it_is_signed(
        self, api: Api, signatory: Api, signed: dict[str, Any], next_: dict[str, Any], to: str
    ) -> None:
        assert (next_["revision"], next_["number"]) == (2, None)
        assert api.get(f"reports/{signed['id']}").json["status"] == "final"
        later = sign(signatory, next_, to).json
        assert (later["status"], later["number"], later["revision"]) == (to, signed["number"], 2)
        assert later["content"]["report"]["replaces"] == signed["id"]
        old = api.get(f"reports/{signed['id']}").json
        assert (old["status"], old["content"]) == ("superseded", signed["content"])

    def test_it_does_not_become_final(self, signatory: Api, next_: dict[str, Any]) -> None:
        refused = sign(signatory, next_, "final").json
        assert (refused["code"], refused["allowed"]) == ("illegal-transition", ["amended", "corrected"])

    def test_a_first_report_is_not_amended(self, api: Api, signatory: Api, body: dict[str, Any]) -> None:
        refused = sign(signatory, api.post("reports", body).json, "amended").json
        assert (refused["code"], refused["allowed"]) == ("illegal-transition", ["final"])

    def test_there_is_one_at_a_time(self, api: Api, signed: dict[str, Any], next_: dict[str, Any]) -> None:
        again = {name: next_[name] for name in ("analysis", "findings", "outcome", "conclusion", "replaces")}
        assert fault(api.post("reports", again), 409) == ("/replaces", "duplicate")
        api.move(f"reports/{next_['id']}", "cancelled")
        assert api.post("reports", again).status == 201

    def test_only_a_signed_report_is_replaced(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("reports", body).json
        assert api.post("reports", {**body, "replaces": made["id"]}).json["code"] == "wrong-state"

    def test_it_is_about_the_same_analysis(self, api: Api, signed: dict[str, Any], body: dict[str, Any]) -> None:
        assert api.post("reports", {**body, "replaces": signed["id"]}).json["code"] == "conflict"

    def test_one_entered_in_error_after_signing_is_replaced_and_stays_so(
        self, api: Api, signatory: Api, signed: dict[str, Any]
    ) -> None:
        assert api.move(f"reports/{signed['id']}", "entered-in-error", "wrong patient named").status == 200
        second = factories.report(api, signed["analysis"], signed["findings"], replaces=signed["id"])
        answer = sign(signatory, second, "corrected").json
        assert (answer["number"], answer["revision"]) == (signed["number"], 2)
        assert api.get(f"reports/{signed['id']}").json["status"] == "entered-in-error"

    def test_a_third_revision_replaces_the_second(
        self, api: Api, signatory: Api, signed: dict[str, Any], next_: dict[str, Any]
    ) -> None:
        second = sign(signatory, next_, "amended").json
        third = factories.report(api, signed["analysis"], signed["findings"], replaces=second["id"])
        assert sign(signatory, third, "corrected").json["revision"] == 3
        statuses = [api.get(f"reports/{row['id']}").json["status"] for row in (signed, second, third)]
        assert statuses == ["superseded", "superseded", "corrected"]


class TestList:
    def test_it_narrows_by_analysis_and_status(self, api: Api, body: dict[str, Any]) -> None:
        draft = api.post("reports", body).json
        signed = factories.signed_report(api)
        for query, expected in (
            (f"analysis={body['analysis']}", draft),
            ("status=final", signed),
            ("status=preliminary", draft),
        ):
            assert [row["id"] for row in api.get(f"reports?{query}").json["results"]] == [expected["id"]]


class TestTheTriggers:
    @pytest.mark.parametrize("status", ["superseded", "final"])
    def test_they_refuse_a_report_that_nobody_signed(self, api: Api, body: dict[str, Any], status: str) -> None:
        made = api.post("reports", body).json
        assert refusal("UPDATE genomics_report SET status = %s WHERE id = %s", status, made["id"])
