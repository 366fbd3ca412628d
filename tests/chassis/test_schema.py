"""chassis/schema.py; that the service behaves as its document says is in tests/server/."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from chassis.documents import generate
from chassis.problems import CATALOGUE
from tests.api import Api

Schema = dict[str, Any]


@functools.cache
def document_of(service: str) -> Schema:
    return generate(service)


@pytest.fixture(params=["example", *settings.SERVICES])
def each(request: pytest.FixtureRequest) -> Schema:
    """The document of every service: what is said of one operation holds for all."""
    return document_of(request.param)


@pytest.fixture
def document() -> Schema:
    return document_of("example")


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def headers(operation: Schema) -> dict[str, bool]:
    """Request headers, and whether each is required."""
    return {each["name"]: each.get("required", False) for each in operation["parameters"] if each["in"] == "header"}


def is_streamed(operation: Schema) -> bool:
    """An action that reads its body itself; its precondition is a state, and not a version."""
    return "requestBody" in operation and not any(name.endswith("json") for name in operation["requestBody"]["content"])


class TestEveryOperation:
    def test_it_names_its_scope(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            ((scope,),) = [one["bearer"] for one in operation["security"]]
            assert scope in settings.SCOPES, (path, method)
            assert f"Scope: `{scope}`." in operation["description"]

    def test_reading_needs_read_and_writing_write(self, each: Schema) -> None:
        service = each["info"]["title"].removeprefix("Careway ")
        for path, method, operation in operations(each):
            scope = operation["security"][0]["bearer"][0]
            expected = (
                "history:read" if path.endswith("/history") else f"{service}:{'read' if method == 'get' else 'write'}"
            )
            assert scope == expected, (path, method)

    def test_it_has_a_summary_words_and_an_id(self, each: Schema) -> None:
        ids = []
        for path, method, operation in operations(each):
            ids.append(operation["operationId"])
            assert operation["summary"], (path, method)
            assert len(operation["description"].split("\n\n")[0]) > 20, (path, method)
        assert len(ids) == len(set(ids)) >= 8

    def test_it_answers_problems_as_problems(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            failures = {status: one for status, one in operation["responses"].items() if status >= "400"}
            assert {"400", "401", "403", "404", "406", "500", "503"} <= set(failures), (path, method)
            for status, one in failures.items():
                assert one == {"$ref": f"#/components/responses/Problem{status}"}

    def test_changes_require_if_match(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            changes = method in {"put", "patch", "delete"} or path.endswith("/transitions")
            needed = changes and not is_streamed(operation)
            assert headers(operation).get("If-Match", False) == needed, (path, method)
            assert ("428" in operation["responses"]) == needed
            assert ("412" in operation["responses"]) == needed

    def test_posts_take_an_idempotency_key(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            assert ("Idempotency-Key" in headers(operation)) == (method == "post"), (path, method)

    def test_a_read_of_one_takes_if_none_match_and_knows_304(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            assert ("If-None-Match" in headers(operation)) == ("304" in operation["responses"]), (path, method)

    def test_answers_with_a_record_have_an_etag(self, each: Schema) -> None:
        for path, method, operation in operations(each):
            if method in {"post", "put", "patch"} and not is_streamed(operation):
                success = operation["responses"]["201" if "201" in operation["responses"] else "200"]
                assert "ETag" in success["headers"], (path, method)

    def test_every_reference_leads_somewhere(self, each: Schema) -> None:
        def references(node: Any) -> Iterator[str]:
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    yield node["$ref"]
                for child in node.values():
                    yield from references(child)
            elif isinstance(node, list):
                for child in node:
                    yield from references(child)

        for reference in references(each):
            target: Any = each
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]

    def test_every_link_leads_to_an_operation(self, each: Schema) -> None:
        ids = {operation["operationId"] for _, _, operation in operations(each)}
        linked = [
            link["operationId"]
            for _, _, operation in operations(each)
            for response in operation["responses"].values()
            for link in response.get("links", {}).values()
        ]
        assert len(linked) > 10
        assert set(linked) <= ids


class TestLists:
    def test_they_document_filters_orderings_and_pages(self, document: Schema) -> None:
        parameters = {each["name"]: each for each in document["paths"]["/samples"]["get"]["parameters"]}
        assert set(parameters) == {"accession", "patient_id", "status", "ordering", "limit", "cursor"}
        assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        assert parameters["ordering"]["schema"]["enum"] == ["-created_at", "created_at", "accession", "-accession"]
        assert "rejected" in parameters["status"]["schema"]["enum"]
        assert parameters["patient_id"]["schema"]["format"] == "uuid"

    def test_what_they_document_is_what_they_take(self, each: Schema, api: Api) -> None:
        lists = {path for path, item in each["paths"].items() if "{" not in path and "get" in item}
        assert lists
        for path in lists:
            documented = {one["name"] for one in each["paths"][path]["get"]["parameters"]}
            refused = api.get(f"{each['servers'][0]['url']}{path}?unknown=1").json["errors"][0]["message"]
            assert refused == f"Known here: {', '.join(sorted(documented))}."


class TestComponents:
    def test_request_bodies_are_closed(self, each: Schema) -> None:
        requests = {name: one for name, one in each["components"]["schemas"].items() if name.endswith("Request")}
        assert len(requests) >= 2
        assert all(one["additionalProperties"] is False for one in requests.values())

    def test_what_the_server_makes_is_in_no_request(self, document: Schema) -> None:
        members = document["components"]["schemas"]["SpecimenRequest"]["properties"]
        assert set(members) == {
            *("accession", "patient_id", "kind", "origin", "preservation", "labels", "comment"),
            *("collected_at", "received_at", "parent"),
        }

    def test_a_record_s_members_are_those_of_its_answers(self, document: Schema, sample: dict[str, Any]) -> None:
        assert list(document["components"]["schemas"]["Specimen"]["properties"]) == list(sample)

    def test_patterns_and_lengths_are_told(self, document: Schema) -> None:
        accession = document["components"]["schemas"]["SpecimenRequest"]["properties"]["accession"]
        assert accession["maxLength"] == 32
        assert "pattern" in accession

    def test_a_choice_that_may_be_null_says_so(self, document: Schema) -> None:
        preservation = document["components"]["schemas"]["SpecimenRequest"]["properties"]["preservation"]
        assert preservation["enum"] == ["fresh", "frozen", "paraffin", None]
        assert preservation["type"] == ["string", "null"]

    def test_a_computed_member_is_what_its_child_is(self, document: Schema) -> None:
        picture = document["components"]["schemas"]["Specimen"]["properties"]["picture"]
        assert (picture["type"], picture["readOnly"]) == (["object", "null"], True)

    def test_a_problem_knows_every_code(self, document: Schema) -> None:
        assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CATALOGUE)

    def test_each_status_of_the_catalogue_has_a_response_with_an_example(self, document: Schema) -> None:
        for status in {kind.status for kind in CATALOGUE.values()}:
            response = document["components"]["responses"][f"Problem{status}"]
            example = response["content"]["application/problem+json"]["example"]
            assert (example["status"], CATALOGUE[example["code"]].status) == (status, status)

    def test_the_token_is_described(self, document: Schema) -> None:
        scheme = document["components"]["securitySchemes"]["bearer"]
        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


class TestExamples:
    def test_an_example_of_a_request_is_accepted(self, document: Schema, api: Api) -> None:
        content = document["paths"]["/samples"]["post"]["requestBody"]["content"]["application/json"]
        assert api.post("samples", content["example"]).status == 201

    def test_patch_takes_a_merge_patch(self, document: Schema) -> None:
        types = document["paths"]["/samples/{id}"]["patch"]["requestBody"]["content"]
        assert list(types) == ["application/merge-patch+json"]
        assert list(document["paths"]["/samples/{id}"]["put"]["requestBody"]["content"]) == ["application/json"]

    def test_null_removes_what_has_a_default(self, document: Schema, api: Api, path: str) -> None:
        members = document["components"]["schemas"]["PatchedSpecimenRequest"]["properties"]
        answers = {name: api.patch(path, {name: None}, If_Match=api.get(path).etag).status for name in members}
        assert {name for name, status in answers.items() if status == 200} == {
            name for name, member in members.items() if "null" in member["type"]
        }
        assert 400 in answers.values()


class TestStreams:
    def test_a_streamed_body_has_its_media_types_and_answers(self, document: Schema) -> None:
        operation = document["paths"]["/samples/{id}/picture"]["put"]
        assert list(operation["requestBody"]["content"]) == ["image/jpeg", "image/png"]
        assert {"200", "408", "413", "415", "422"} <= set(operation["responses"])

    def test_an_export_is_neither_paged_nor_filtered(self, document: Schema) -> None:
        operation = document["paths"]["/samples/{parent}/children.ndjson"]["get"]
        assert [one["name"] for one in operation["parameters"]] == ["parent"]
        assert list(operation["responses"]["200"]["content"]) == ["application/x-ndjson"]


class TestTransitions:
    def test_targets_are_those_of_the_machine(self, document: Schema) -> None:
        content = document["paths"]["/samples/{id}/transitions"]["post"]["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        assert schema["properties"]["to"]["enum"] == ["available", "rejected", "entered-in-error", "exhausted"]
        assert schema["properties"]["reason"]["description"] == "Required for entered-in-error, rejected."
        assert schema["additionalProperties"] is False
