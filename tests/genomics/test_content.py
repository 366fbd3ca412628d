"""What is frozen when a report is signed, and what is shown of reports and analyses in the form of other standards."""

from typing import Any

import pytest

from tests import fhir_r4
from tests.api import Api

from . import factories


@pytest.fixture
def draft(api: Api) -> dict[str, Any]:
    analysis = factories.ready_analysis(api)["id"]
    return factories.report(api, analysis, [factories.confirmed_finding(api, analysis)["id"]])


def sign(api: Api, report: dict[str, Any]) -> dict[str, Any]:
    answer = api.as_(subject="dr-lindqvist").move(f"reports/{report['id']}", "final")
    assert answer.status == 200, answer.content
    return dict(answer.json)


def sample_of(api: Api, report: dict[str, Any]) -> dict[str, Any]:
    analysis = api.get(f"analyses/{report['analysis']}").json
    return dict(api.get(f"samples/{analysis['sample']}").json)


def shown(api: Api, report: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return list(fhir_r4.resources(api.get(f"reports/{report['id']}/fhir").json, kind))


def leaves(value: Any) -> set[type]:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return {kind for part in parts for kind in leaves(part)}
    return {type(value)}


class TestReport:
    def test_what_is_signed_has_one_canonical_form(self, api: Api, draft: dict[str, Any]) -> None:
        assert leaves(sign(api, draft)["content"]) == {str, int, type(None)}

    def test_it_freezes_the_sample_as_it_was(self, api: Api, draft: dict[str, Any]) -> None:
        sample = sample_of(api, draft)
        frozen = sign(api, draft)["content"]["sample"]
        assert frozen == {name: sample[name] for name in frozen}
        assert {"collected_at", "received_at", "parent", "status"} <= frozen.keys()

    def test_it_freezes_the_order_and_the_reads(self, api: Api) -> None:
        order = "01890a5d-ac96-774b-bcce-000000000001"
        analysis = factories.ready_analysis(api, order_id=order)["id"]
        content = factories.signed_report(api, analysis)["content"]
        assert content["analysis"]["order_id"] == order
        variant = content["findings"][0]["variant"]
        assert (variant["depth"], variant["depth_alt"], variant["rs_ids"]) == (96, 45, ["rs104886003"])

    def test_a_signed_report_shows_what_was_signed(self, api: Api, draft: dict[str, Any]) -> None:
        made = sign(api, draft)
        before = api.get(f"reports/{made['id']}/fhir")
        newer = factories.finding(api, made["analysis"], supersedes=made["findings"][0], classification="pathogenic")
        assert api.move(f"findings/{newer['id']}", "confirmed").status == 200
        assert api.move(f"samples/{sample_of(api, made)['id']}", "exhausted").status == 200
        after = api.get(f"reports/{made['id']}/fhir")
        assert (after.content, after.etag) == (before.content, before.etag)

    def test_an_unsigned_one_shows_what_signing_would_freeze_now(self, api: Api, draft: dict[str, Any]) -> None:
        (before,) = shown(api, draft, "Specimen")
        assert api.move(f"samples/{sample_of(api, draft)['id']}", "exhausted").status == 200
        (now,), findings = shown(api, draft, "Specimen"), shown(api, draft, "Observation")
        assert (before["status"], now["status"]) == ("available", "unavailable")
        made = sign(api, draft)
        assert shown(api, made, "Specimen") == [now]
        assert shown(api, made, "Observation") == findings

    def test_a_draft_names_a_finding_that_was_superseded_since(self, api: Api, draft: dict[str, Any]) -> None:
        newer = factories.finding(api, draft["analysis"], supersedes=draft["findings"][0], classification="pathogenic")
        assert api.move(f"findings/{newer['id']}", "confirmed").status == 200
        assert [found["id"] for found in shown(api, draft, "Observation")] == draft["findings"]


class TestCost:
    def test_a_signed_report_is_one_query(self, api: Api, django_assert_num_queries: Any) -> None:
        path = f"reports/{factories.signed_report(api)['id']}/fhir"
        with django_assert_num_queries(1):
            assert api.get(path).status == 200

    @pytest.mark.parametrize("chromosomes", ["3", "37"])
    def test_an_unsigned_report_is_three_whatever_it_names(
        self, api: Api, django_assert_num_queries: Any, chromosomes: str
    ) -> None:
        analysis = factories.ready_analysis(api)["id"]
        variants = [factories.variant(api, analysis, chrom)["id"] for chrom in chromosomes]
        findings = [factories.confirmed_finding(api, analysis, variant=variant)["id"] for variant in variants]
        path = f"reports/{factories.report(api, analysis, findings)['id']}/fhir"
        with django_assert_num_queries(3):
            assert api.get(path).status == 200

    @pytest.mark.parametrize("conditions", [[], ["OMIM:219700"], ["OMIM:219700", "MONDO:0016054", "ORPHA:58"]])
    def test_an_analysis_is_four_whatever_it_holds(
        self, api: Api, django_assert_num_queries: Any, conditions: list[str]
    ) -> None:
        analysis = factories.ready_analysis(api)["id"]
        for condition in conditions:
            factories.confirmed_finding(api, analysis, condition=condition)
        with django_assert_num_queries(4 if conditions else 3):  # nobody asks for the variants of no findings
            assert api.get(f"analyses/{analysis}/phenopacket").status == 200

    def test_analyses_with_their_patients_are_one_query(self, api: Api, django_assert_num_queries: Any) -> None:
        made = factories.analysis(api)
        for path in ("analyses", f"analyses/{made['id']}", f"analyses?sample={made['sample']}"):
            with django_assert_num_queries(1):
                assert api.get(path).status == 200
