"""chassis/schema.py; that the service behaves as its document says is in tests/server/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from chassis.documents import generate
from chassis.problems import CATALOGUE
from tests.api import Api

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Schema:
    return generate("genomics")


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def headers(operation: Schema) -> dict[str, bool]:
    """Request headers, and whether each is required."""
    return {each["name"]: each.get("required", False) for each in operation["parameters"] if each["in"] == "header"}


class TestEveryOperation:
    def test_it_names_its_scope(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            ((scope,),) = [each["bearer"] for each in operation["security"]]
            assert scope in settings.SCOPES, (path, method)
            assert f"Scope: `{scope}`." in operation["description"]

    def test_reading_needs_read_and_writing_write(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            scope = operation["security"][0]["bearer"][0]
            expected = (
                "history:read" if path.endswith("/history") else f"genomics:{'read' if method == 'get' else 'write'}"
            )
            assert scope == expected, (path, method)

    def test_it_has_a_summary_words_and_an_id(self, document: Schema) -> None:
        ids = []
        for path, method, operation in operations(document):
            ids.append(operation["operationId"])
            assert operation["summary"], (path, method)
            assert len(operation["description"].split("\n\n")[0]) > 20, (path, method)
        assert len(ids) == len(set(ids)) > 20

    def test_it_answers_problems_as_problems(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            failures = {status: each for status, each in operation["responses"].items() if status >= "400"}
            assert {"400", "401", "403", "404", "406", "500", "503"} <= set(failures), (path, method)
            for status, each in failures.items():
                assert each == {"$ref": f"#/components/responses/Problem{status}"}

    def test_changes_require_if_match(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            changes = method in {"put", "patch", "delete"} or path.endswith("/transitions")
            needed = changes and not path.endswith("/vcf")
            assert headers(operation).get("If-Match", False) == needed, (path, method)
            assert ("428" in operation["responses"]) == needed
            assert ("412" in operation["responses"]) == needed

    def test_posts_take_an_idempotency_key(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            assert ("Idempotency-Key" in headers(operation)) == (method == "post"), (path, method)

    def test_a_read_of_one_takes_if_none_match_and_knows_304(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            assert ("If-None-Match" in headers(operation)) == ("304" in operation["responses"]), (path, method)

    def test_answers_with_a_record_have_an_etag(self, document: Schema) -> None:
        for path, method, operation in operations(document):
            if method in {"post", "put", "patch"} and not path.endswith("/vcf"):
                success = operation["responses"]["201" if "201" in operation["responses"] else "200"]
                assert "ETag" in success["headers"], (path, method)

    def test_every_reference_leads_somewhere(self, document: Schema) -> None:
        def references(node: Any) -> Iterator[str]:
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    yield node["$ref"]
                for child in node.values():
                    yield from references(child)
            elif isinstance(node, list):
                for child in node:
                    yield from references(child)

        for reference in references(document):
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]

    def test_every_link_leads_to_an_operation(self, document: Schema) -> None:
        ids = {operation["operationId"] for _, _, operation in operations(document)}
        linked = [
            link["operationId"]
            for _, _, operation in operations(document)
            for response in operation["responses"].values()
            for link in response.get("links", {}).values()
        ]
        assert len(linked) > 20
        assert set(linked) <= ids


class TestLists:
    def test_they_document_filters_orderings_and_pages(self, document: Schema) -> None:
        parameters = {each["name"]: each for each in document["paths"]["/samples"]["get"]["parameters"]}
        assert set(parameters) == {"accession", "patient_id", "status", "ordering", "limit", "cursor"}
        assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        assert parameters["ordering"]["schema"]["enum"] == ["-created_at", "created_at", "accession", "-accession"]
        assert "rejected" in parameters["status"]["schema"]["enum"]
        assert parameters["patient_id"]["schema"]["format"] == "uuid"

    def test_what_they_document_is_what_they_take(self, document: Schema, api: Api) -> None:
        for path in ("samples", "analyses", "findings", "reports"):
            documented = {each["name"] for each in document["paths"][f"/{path}"]["get"]["parameters"]}
            refused = api.get(f"{path}?unknown=1").json["errors"][0]["message"]
            assert refused == f"Known here: {', '.join(sorted(documented))}."


class TestComponents:
    def test_request_bodies_are_closed(self, document: Schema) -> None:
        requests = {name: each for name, each in document["components"]["schemas"].items() if name.endswith("Request")}
        assert len(requests) >= 8
        assert all(each["additionalProperties"] is False for each in requests.values())

    def test_what_the_server_makes_is_in_no_request(self, document: Schema) -> None:
        members = document["components"]["schemas"]["SampleRequest"]["properties"]
        assert set(members) == {"accession", "patient_id", "kind", "origin", "collected_at", "received_at", "parent"}

    def test_a_record_s_members_are_those_of_its_answers(self, document: Schema, sample: dict[str, Any]) -> None:
        assert list(document["components"]["schemas"]["Sample"]["properties"]) == list(sample)

    def test_patterns_and_lengths_are_told(self, document: Schema) -> None:
        accession = document["components"]["schemas"]["SampleRequest"]["properties"]["accession"]
        assert accession["maxLength"] == 32
        assert "pattern" in accession

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
        assert list(types) == ["application/json", "application/merge-patch+json"]
        assert list(document["paths"]["/samples/{id}"]["put"]["requestBody"]["content"]) == ["application/json"]


class TestTransitions:
    def test_targets_are_those_of_the_machine(self, document: Schema) -> None:
        content = document["paths"]["/samples/{id}/transitions"]["post"]["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        assert schema["properties"]["to"]["enum"] == ["available", "rejected", "entered-in-error", "exhausted"]
        assert schema["properties"]["reason"]["description"] == "Required for entered-in-error, rejected."
        assert schema["additionalProperties"] is False
