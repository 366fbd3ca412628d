"""The document as a whole: problems, closed bodies, links."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from chassis.documents import generate
from chassis.problems import CATALOGUE


@functools.cache
def document() -> Any:
    return generate("example")


def operations() -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation) for path, item in document()["paths"].items() for method, operation in item.items()
    ]


class TestProblems:
    def test_it_has_a_response_for_every_status(self) -> None:
        statuses = {f"Problem{kind.status}" for kind in CATALOGUE.values()}
        assert set(document()["components"]["responses"]) == statuses

    @pytest.mark.parametrize("status", ["401", "403", "503"])
    def test_it_documents_their_headers(self, status: str) -> None:
        assert document()["components"]["responses"][f"Problem{status}"]["headers"]

    def test_each_has_an_example_that_fits(self) -> None:
        for response in document()["components"]["responses"].values():
            content = response["content"]["application/problem+json"]
            required = document()["components"]["schemas"]["Problem"]["required"]
            assert set(required) <= set(content["example"])

    def test_every_operation_can_answer_the_common_ones(self) -> None:
        for path, method, operation in operations():
            assert {"400", "401", "403", "404", "406", "500", "503"} <= set(operation["responses"]), (method, path)


class TestBodies:
    def test_none_takes_unknown_members(self) -> None:
        requests = [name for name in document()["components"]["schemas"] if name.endswith("Request")]
        assert requests
        assert all(document()["components"]["schemas"][name]["additionalProperties"] is False for name in requests)


class TestLinks:
    def test_a_new_record_leads_to_all_that_can_be_done_with_it(self) -> None:
        links = document()["paths"]["/samples"]["post"]["responses"]["201"]["links"]
        assert set(links) == {"read", "history", "children.ndjson", "change", "replace", "delete", "move"}
        assert links["move"]["parameters"] == {
            "path.id": "$response.body#/id",
            "header.If-Match": "$response.header.ETag",
        }

    def test_a_record_leads_to_what_stands_below_it(self) -> None:
        links = document()["paths"]["/samples/{id}"]["get"]["responses"]["200"]["links"]
        assert links["children.ndjson"]["parameters"] == {"path.parent": "$response.body#/id"}

    def test_every_link_names_an_operation(self) -> None:
        known = {operation["operationId"] for _, _, operation in operations()}
        for path, method, operation in operations():
            for response in operation["responses"].values():
                for link in response.get("links", {}).values():
                    assert link["operationId"] in known, (method, path)
