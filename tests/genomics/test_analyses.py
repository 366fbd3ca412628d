"""Analyses, through the API; their files are in test_ingestion.py."""

from typing import Any

import pytest

from tests.api import Api

from . import factories
from .test_samples import fault

NOBODY = "01890a5d-ac96-774b-bcce-000000000000"


@pytest.fixture
def body(api: Api) -> dict[str, Any]:
    return {
        "sample": factories.available_sample(api)["id"],
        "assay": "wes",
        "genome_build": "GRCh38",
        "pipeline_name": "sarek",
        "pipeline_version": "3.5.1",
    }


class TestRegistration:
    def test_it_answers_a_registered_analysis(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("analyses", {**body, "order_id": NOBODY})
        assert made.status == 201
        assert (made.json["status"], made.json["order_id"]) == ("registered", NOBODY)
        assert [made.json[name] for name in ("stored", "file_sha256", "vcf_sample", "warnings")] == [None] * 4

    def test_it_names_the_patient_of_its_sample(self, api: Api, body: dict[str, Any]) -> None:
        patient = "01890a5d-ac96-774b-bcce-111111111111"
        body["sample"] = factories.available_sample(api, patient_id=patient)["id"]
        made = api.post("analyses", body).json
        assert made["patient_id"] == patient
        assert api.get(f"analyses?sample={body['sample']}").json["results"] == [made]
        past = api.get(f"analyses/{made['id']}/history").json["results"][0]["record"]
        assert past == {name: value for name, value in made.items() if name != "patient_id"}

    @pytest.mark.parametrize("status", ["expected", "rejected", "exhausted", "entered-in-error"])
    def test_it_needs_an_available_sample(self, api: Api, body: dict[str, Any], status: str) -> None:
        sample = factories.sample(api)["id"]
        for step in {"expected": [], "exhausted": ["available", "exhausted"]}.get(status, [status]):
            api.move(f"samples/{sample}", step, "because")
        refused = api.post("analyses", {**body, "sample": sample})
        assert (refused.status, refused.json["code"]) == (409, "wrong-state")

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"sample": NOBODY}, "/sample", "unknown-reference"),
            ({"sample": None}, "/sample", "null"),
            ({"assay": "chip"}, "/assay", "invalid-choice"),
            ({"assay": "panel"}, "/panel_code", "panel-code"),
            ({"panel_code": "CF-23"}, "/panel_code", "panel-code"),
            ({"genome_build": "hg38"}, "/genome_build", "invalid-choice"),
            ({"pipeline_name": ""}, "/pipeline_name", "blank"),
            ({"pipeline_version": "v" * 65}, "/pipeline_version", "max-length"),
            ({"order_id": "17"}, "/order_id", "invalid"),
            ({"stored": 5}, "/stored", "read-only"),
            ({"patient_id": NOBODY}, "/patient_id", "read-only"),
        ],
    )
    def test_it_points_to_what_is_wrong(
        self, api: Api, body: dict[str, Any], changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        assert fault(api.post("analyses", {**body, **changes})) == (pointer, code)

    def test_a_panel_has_its_code(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("analyses", {**body, "assay": "panel", "panel_code": "CF-23"}).status == 201


class TestChange:
    def test_a_registered_one_can_be_edited(self, api: Api) -> None:
        made = factories.analysis(api)
        other = factories.available_sample(api)["id"]
        answer = api.patch(f"analyses/{made['id']}", {"sample": other, "pipeline_version": "3.6.0"}, If_Match='"1"')
        assert (answer.status, answer.json["sample"], answer.json["pipeline_version"]) == (200, other, "3.6.0")

    def test_it_names_the_patient_of_its_new_sample(self, api: Api) -> None:
        made = factories.analysis(api)
        patient = "01890a5d-ac96-774b-bcce-111111111111"
        other = factories.available_sample(api, patient_id=patient)["id"]
        body = {**made, "sample": other}
        moved = api.put(f"analyses/{made['id']}", body, If_Match='"1"')
        assert (moved.status, moved.json["patient_id"]) == (200, patient)

    def test_it_moves_only_to_an_available_sample(self, api: Api) -> None:
        made = factories.analysis(api)
        refused = api.patch(f"analyses/{made['id']}", {"sample": factories.sample(api)["id"]}, If_Match='"1"')
        assert refused.json["code"] == "wrong-state"

    def test_one_with_variants_cannot_be_edited(self, api: Api) -> None:
        made = factories.ready_analysis(api)
        refused = api.patch(f"analyses/{made['id']}", {"pipeline_version": "4"}, If_Match='"2"')
        assert (refused.status, refused.json["code"]) == (409, "not-editable")


class TestTransitions:
    def test_a_registered_one_can_be_cancelled(self, api: Api) -> None:
        path = f"analyses/{factories.analysis(api)['id']}"
        assert api.move(path, "cancelled").json["status"] == "cancelled"
        assert api.move(path, "entered-in-error", "x").json["allowed"] == []

    @pytest.mark.parametrize("to", ["ready", "reported", "registered"])
    def test_only_the_service_makes_it_ready_or_reported(self, api: Api, to: str) -> None:
        assert fault(api.move(f"analyses/{factories.analysis(api)['id']}", to)) == ("/to", "invalid-choice")

    def test_a_ready_one_can_be_entered_in_error_with_a_reason(self, api: Api) -> None:
        path = f"analyses/{factories.ready_analysis(api)['id']}"
        assert fault(api.move(path, "entered-in-error")) == ("/reason", "required")
        assert api.move(path, "entered-in-error", "samples swapped").json["status"] == "entered-in-error"
        assert len(api.get(f"{path}/variants").json["results"]) == 2

    def test_a_ready_one_cannot_be_cancelled(self, api: Api) -> None:
        path = f"analyses/{factories.ready_analysis(api)['id']}"
        assert api.move(path, "cancelled").json["allowed"] == ["entered-in-error"]


class TestDeletion:
    def test_a_registered_one_can_be_deleted(self, api: Api) -> None:
        assert api.delete(f"analyses/{factories.analysis(api)['id']}", If_Match='"1"').status == 204

    def test_one_with_variants_cannot(self, api: Api) -> None:
        path = f"analyses/{factories.ready_analysis(api)['id']}"
        assert api.delete(path, If_Match='"2"').json["code"] == "not-deletable"


class TestList:
    def test_it_narrows_by_sample_order_and_status(self, api: Api) -> None:
        first = factories.analysis(api, order_id=NOBODY)
        second = factories.analysis(api, sample=first["sample"])
        factories.analysis(api)
        api.move(f"analyses/{second['id']}", "cancelled")
        found = {
            query: [row["id"] for row in api.get(f"analyses?{query}").json["results"]]
            for query in (f"sample={first['sample']}", f"order_id={NOBODY}", "status=cancelled")
        }
        assert list(found.values()) == [[second["id"], first["id"]], [first["id"]], [second["id"]]]

    @pytest.mark.parametrize("query", ["sample=7", "order_id=x", "status=done", "sample=", "assay=wes"])
    def test_it_refuses_what_it_cannot_use(self, api: Api, query: str) -> None:
        assert api.get(f"analyses?{query}").json["code"] == "invalid"
