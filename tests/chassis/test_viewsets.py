"""chassis/viewsets.py"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api import Api
from tests.example import factories

VERBS = pytest.mark.parametrize(
    ("method", "below", "content"),
    [
        ("GET", "", None),
        ("PUT", "", {}),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("POST", "/transitions", {"to": "available"}),
        ("GET", "/history", None),
    ],
)


class TestCreate:
    def test_it_answers_the_record_its_place_and_its_version(self, api: Api, body: dict[str, Any]) -> None:
        answer = api.post("samples", body)
        assert answer.status == 201
        assert answer.header("Location") == f"http://testserver/example/v1/samples/{answer.json['id']}"
        assert answer.etag == '"1"'
        assert {name: answer.json[name] for name in body} == body

    def test_its_place_shows_the_same_record(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", body)
        read = api.get(str(made.header("Location")).removeprefix("http://testserver"))
        assert (read.content, read.etag) == (made.content, made.etag)

    def test_it_is_the_caller_s(self, api: Api, body: dict[str, Any]) -> None:
        made = api.as_(subject="dr-lindqvist").post("samples", body).json
        assert (made["created_by"], made["updated_by"]) == ("development:dr-lindqvist", "development:dr-lindqvist")

    def test_two_organizations_may_use_the_same_accession(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", body).status == 201
        assert api.as_(organization="st-nowhere").post("samples", body).status == 201


class TestRetrieve:
    def test_it_answers_the_record(self, api: Api, sample: dict[str, Any], path: str) -> None:
        assert api.get(path).json == sample

    def test_head_answers_the_same_headers_without_a_body(self, api: Api, path: str) -> None:
        read, head = api.get(path), api.call("HEAD", path)
        assert (head.status, head.content, head.etag) == (200, b"", read.etag)
        assert api.call("HEAD", path, If_None_Match='"1"').status == 304

    def test_it_is_one_query(self, api: Api, path: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            api.get(path)
        with django_assert_num_queries(1):
            api.get(path, If_None_Match='"1"')


class TestUpdate:
    def test_put_replaces(self, api: Api, path: str, body: dict[str, Any]) -> None:
        answer = api.put(path, {**body, "kind": "saliva", "received_at": None}, If_Match='"1"')
        assert (answer.status, answer.json["kind"], answer.json["received_at"]) == (200, "saliva", None)
        assert (answer.json["accession"], answer.json["version"], answer.etag) == (body["accession"], 2, '"2"')

    def test_patch_changes(self, api: Api, path: str) -> None:
        answer = api.as_(subject="dr-lindqvist").patch(path, {"kind": "saliva"}, If_Match='"1"')
        assert (answer.status, answer.json["kind"], answer.json["updated_by"]) == (
            200,
            "saliva",
            "development:dr-lindqvist",
        )
        assert answer.json["created_by"] == "development:dr-okafor"
        assert answer.json == api.get(path).json

    def test_time_goes_on(self, api: Api, path: str) -> None:
        before = api.get(path).json
        after = api.patch(path, {"kind": "saliva"}, If_Match='"1"').json
        assert after["created_at"] == before["created_at"] <= before["updated_at"] < after["updated_at"]

    def test_a_refused_one_changes_nothing(self, api: Api, sample: dict[str, Any], path: str) -> None:
        assert api.patch(path, {"kind": "saliva", "received_at": "2026-11-01T00:00:00Z"}, If_Match='"1"').status == 400
        assert api.get(path).json == sample


class TestDestroy:
    def test_a_new_record_can_be_deleted(self, api: Api, path: str) -> None:
        answer = api.delete(path, If_Match='"1"')
        assert (answer.status, answer.content) == (204, b"")
        assert api.get(path).status == 404
        assert api.get("samples").json["results"] == []

    def test_twice_it_is_404(self, api: Api, path: str) -> None:
        api.delete(path, If_Match='"1"')
        assert api.delete(path, If_Match='"1"').status == 404

    def test_one_that_has_moved_on_cannot(self, api: Api, path: str) -> None:
        api.move(path, "available")
        answer = api.delete(path, If_Match='"2"')
        assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "not-deletable", "available")
        assert api.get(path).status == 200

    def test_one_that_others_depend_on_cannot(self, api: Api, sample: dict[str, Any], path: str) -> None:
        factories.sample(api, parent=sample["id"])
        answer = api.delete(path, If_Match='"1"')
        assert (answer.status, answer.json["code"]) == (409, "not-deletable")


class TestTheCost:
    """Statements a write takes: its savepoint (a BEGIN outside tests), the context or the key with it, the row, the answer."""

    def statements(self, api: Api, method: str, url: str, content: Any = None, **headers: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            answer = api.call(method, url, content, **headers)
        assert answer.status < 300, answer.content
        return [query["sql"].split()[0] for query in captured.captured_queries]

    def test_of_a_creation(self, api: Api, body: dict[str, Any]) -> None:
        assert self.statements(api, "POST", "samples", body) == ["SAVEPOINT", "SELECT", "INSERT", "RELEASE"]

    def test_of_a_creation_with_a_key(self, api: Api, body: dict[str, Any]) -> None:
        statements = self.statements(api, "POST", "samples", body, Idempotency_Key="k1")
        assert statements == ["SAVEPOINT", "INSERT", "INSERT", "UPDATE", "RELEASE"]

    def test_of_a_change(self, api: Api, path: str) -> None:
        statements = self.statements(api, "PATCH", path, {"kind": "dna"}, If_Match='"1"')
        assert statements == ["SAVEPOINT", "SELECT", "SELECT", "SELECT", "UPDATE", "SELECT", "RELEASE"]

    def test_of_a_transition(self, api: Api, path: str) -> None:
        statements = self.statements(api, "POST", f"{path}/transitions", {"to": "available"}, If_Match='"1"')
        assert statements == ["SAVEPOINT", "SELECT", "SELECT", "UPDATE", "SELECT", "RELEASE"]

    def test_of_a_replay(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k1")
        statements = self.statements(api, "POST", "samples", body, Idempotency_Key="k1")
        assert statements == ["SAVEPOINT", "INSERT", "SELECT", "RELEASE"]

    @pytest.mark.parametrize("url", ["samples?x=1", "samples?limit=0", "/nowhere", "/", "/problems"])
    def test_of_what_needs_no_row_is_nothing(self, api: Api, url: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            api.get(url)

    def test_of_a_malformed_body_is_nothing(self, api: Api, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            api.call("POST", "samples", b"{")
