"""chassis/filters.py"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import django_filters
import pytest
from django import forms
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from chassis.filters import BooleanField, BooleanFilter, StrictFilterBackend
from chassis.problems import Problem
from tests.api import Answer, Api
from tests.example import factories
from tests.example.models import Specimen

OTHER_PATIENT = "01890a5d-ac96-774b-bcce-000000000000"


def fault(answer: Answer) -> dict[str, Any]:
    """The only fault of a 400."""
    assert (answer.status, answer.json["code"]) == (400, "invalid"), answer.content
    (only,) = answer.json["errors"]
    return dict(only)


class TestAFilter:
    def test_it_narrows_the_list(self, api: Api) -> None:
        mine, other = factories.sample(api), factories.sample(api, patient_id=OTHER_PATIENT)
        assert [row["id"] for row in api.get(f"samples?patient_id={OTHER_PATIENT}").json["results"]] == [other["id"]]
        assert [row["id"] for row in api.get(f"samples?accession={mine['accession']}").json["results"]] == [mine["id"]]

    def test_several_narrow_it_together(self, api: Api) -> None:
        available = factories.available_sample(api)
        factories.sample(api)
        factories.available_sample(api, patient_id=OTHER_PATIENT)
        found = api.get(f"samples?patient_id={factories.PATIENT}&status=available").json["results"]
        assert [row["id"] for row in found] == [available["id"]]

    def test_what_matches_nothing_is_an_empty_page(self, api: Api, sample: dict[str, Any]) -> None:
        answer = api.get("samples?status=exhausted")
        assert (answer.status, answer.json["results"]) == (200, [])

    def test_it_reaches_no_other_organization(self, api: Api, sample: dict[str, Any]) -> None:
        other = api.as_(organization="st-nowhere")
        assert other.get(f"samples?accession={sample['accession']}").json["results"] == []

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("patient_id=x", "patient_id"),
            ("status=lost", "status"),
            ("status=AVAILABLE", "status"),
            (f"accession={'A' * 33}", "accession"),
        ],
    )
    def test_a_value_it_cannot_use_is_400(self, api: Api, query: str, parameter: str) -> None:
        assert fault(api.get(f"samples?{query}"))["parameter"] == parameter

    def test_it_names_the_choices_and_not_the_value(self, api: Api) -> None:
        answer = api.get("samples?status=canary")
        assert fault(answer)["message"] == "Must be one of expected, available, exhausted, rejected, entered-in-error."
        assert b"canary" not in answer.content

    def test_every_fault_is_told_at_once(self, api: Api) -> None:
        answer = api.get("samples?status=x&patient_id=y")
        assert {one["parameter"] for one in answer.json["errors"]} == {"status", "patient_id"}


class TestParameters:
    def test_an_unknown_one_is_400_and_the_known_are_named(self, api: Api) -> None:
        only = fault(api.get("samples?patient=x"))
        assert only["code"] == "unknown-parameter"
        assert only["message"] == "Known here: accession, cursor, limit, ordering, patient_id, status."

    def test_its_name_is_not_repeated(self, api: Api) -> None:
        assert b"canary" not in api.get("samples?canary=canary").content

    @pytest.mark.parametrize(
        "name", ["Status", "status ", "status[]", "status__in", "page", "offset", "format", "_", ""]
    )
    def test_nothing_is_guessed(self, api: Api, name: str) -> None:
        assert fault(api.get(f"samples?{name}=available"))["code"] == "unknown-parameter"

    @pytest.mark.parametrize("query", ["status=available&status=available", "limit=1&limit=1", "cursor=a&cursor=b"])
    def test_one_given_twice_is_400(self, api: Api, query: str) -> None:
        assert fault(api.get(f"samples?{query}"))["code"] == "repeated"

    @pytest.mark.parametrize("name", ["patient_id", "status", "accession", "ordering", "limit", "cursor"])
    def test_an_empty_one_is_never_taken_for_absent(self, api: Api, name: str) -> None:
        only = fault(api.get(f"samples?{name}="))
        assert (only["parameter"], only["code"]) == (name, "empty")

    @pytest.mark.parametrize("value", ["%20", "%20%20", "%C2%A0", "%E2%80%8B"])
    def test_neither_is_one_of_blanks_alone(self, api: Api, sample: dict[str, Any], value: str) -> None:
        assert fault(api.get(f"samples?accession={value}"))["code"] == "empty"

    @pytest.mark.parametrize("value", ["%00", "a%00b", "%0A", "%1B", "%7F", "%C2%85"])
    @pytest.mark.parametrize("name", ["accession", "status", "patient_id", "ordering", "cursor", "limit"])
    def test_a_control_character_is_400(self, api: Api, name: str, value: str) -> None:
        only = fault(api.get(f"samples?{name}={value}"))
        assert (only["parameter"], only["code"]) == (name, "control-character")

    @pytest.mark.parametrize("value", ["%ED%A0%80", "%FF", "%E9", "%", "%zz"])
    def test_what_is_not_utf_8_finds_nothing(self, api: Api, sample: dict[str, Any], value: str) -> None:
        answer = api.get(f"samples?accession={value}")
        assert (answer.status, answer.json["results"]) == (200, [])

    @pytest.mark.parametrize(
        ("method", "below"), [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/transitions")]
    )
    def test_no_route_lets_an_unknown_one_pass(self, api: Api, path: str, method: str, below: str) -> None:
        content = None if method in {"GET", "DELETE"} else {"to": "available"}
        only = fault(api.call(method, f"{path}{below}?dry_run=true", content, If_Match='"1"'))
        assert (only["code"], only["message"]) == ("unknown-parameter", "Known here: none.")

    def test_neither_does_creation_or_history(self, api: Api, path: str, body: dict[str, Any]) -> None:
        assert fault(api.post("samples?upsert=true", body))["code"] == "unknown-parameter"
        assert fault(api.get(f"{path}/history?since=2026"))["code"] == "unknown-parameter"


class TestBooleanField:
    @pytest.mark.parametrize(("text", "answer"), [("true", True), ("false", False), (None, None)])
    def test_it_reads_json_s_words(self, text: str | None, answer: bool | None) -> None:
        assert BooleanField().clean(text) is answer

    @pytest.mark.parametrize("text", ["True", "1", "0", "yes", "on", "null", " true"])
    def test_it_refuses_others(self, text: str) -> None:
        with pytest.raises(forms.ValidationError) as refused:
            BooleanField().clean(text)
        assert refused.value.code == "invalid-choice"


class Received(django_filters.FilterSet):
    received = BooleanFilter(field_name="received_at", lookup_expr="isnull", exclude=True)


class TestBooleanFilter:
    def found(self, query: str) -> list[str]:
        request = Request(APIRequestFactory().get(f"/?{query}"))
        view = SimpleNamespace(filterset_class=Received)
        found = StrictFilterBackend().filter_queryset(request, Specimen.objects.order_by("accession"), view)
        return [str(specimen.pk) for specimen in found]

    def test_it_is_read_from_the_url(self, api: Api) -> None:
        received, expected = factories.sample(api)["id"], factories.sample(api, received_at=None)["id"]
        assert self.found("received=true") == [received]
        assert self.found("received=false") == [expected]
        assert self.found("") == [received, expected]

    def test_it_refuses_what_is_neither(self, db: None) -> None:
        with pytest.raises(Problem) as refused:
            self.found("received=maybe")
        assert [(fault["parameter"], fault["code"]) for fault in refused.value.errors] == [
            ("received", "invalid-choice")
        ]
