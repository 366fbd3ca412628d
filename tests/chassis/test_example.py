"""tests/example: what the tests of the chassis stand on does itself what the house asks of a service."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from chassis.documents import generate
from chassis.environment import Environment
from tests.api import Api
from tests.example import demo, factories, settings
from tests.example.models import Specimen


class TestTheDocument:
    def test_it_is_valid_and_made_without_a_warning(self, capsys: pytest.CaptureFixture[str]) -> None:
        validate_schema(generate("example"))
        assert capsys.readouterr().err == ""


class TestItsSettings:
    def test_it_needs_none(self) -> None:
        env = Environment({})
        assert (settings.read(env, {}), env.faults) == ({}, [])


class TestTheDemo:
    def test_it_is_made_once(self, db: None) -> None:
        assert demo.seed() == demo.seed() == "2 samples"
        assert Specimen.objects.get(children__kind="dna").status == "available"

    def test_the_api_shows_it(self, api: Api) -> None:
        demo.seed()
        assert {row["kind"] for row in api.get("samples").json["results"]} == {"blood", "dna"}


class TestItsRules:
    @pytest.mark.parametrize("member", ["accession", "patient_id", "parent"])
    def test_whose_sample_it_is_is_fixed_once_it_is_available(self, api: Api, member: str) -> None:
        made = factories.available_sample(api)
        other = "OTHER-1" if member == "accession" else "01890a5d-ac96-774b-bcce-000000000000"
        answer = api.patch(f"samples/{made['id']}", {member: other}, If_Match='"2"')
        assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "not-editable", "available")

    def test_it_becomes_available_once_it_was_received(self, api: Api) -> None:
        made = factories.sample(api, received_at=None)
        answer = api.move(f"samples/{made['id']}", "available")
        assert (answer.status, answer.json["code"]) == (409, "wrong-state")

    def test_none_is_taken_from_one_that_is_unfit(self, api: Api, body: dict[str, Any], path: str) -> None:
        rejected = api.move(path, "rejected", "clotted").json
        answer = api.post("samples", {**body, "parent": rejected["id"]})
        assert (answer.status, answer.json["code"]) == (409, "wrong-state")

    def test_an_accession_is_upper_cased(self, api: Api) -> None:
        assert factories.sample(api, accession=" s-2026-a ")["accession"] == "S-2026-A"
        with pytest.raises(AssertionError, match="pattern"):
            factories.sample(api, accession="ı-2026-7")
