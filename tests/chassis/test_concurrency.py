"""chassis/concurrency.py"""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from chassis.concurrency import check_match, etag, not_modified
from chassis.problems import Problem
from tests.api import Api


def request(**headers: str) -> Request:
    return Request(APIRequestFactory().get("/", headers={k.replace("_", "-"): v for k, v in headers.items()}))


class TestETag:
    def test_it_is_strong_and_quoted(self) -> None:
        assert etag(7) == '"7"'

    def test_every_answer_with_one_record_carries_it(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", body)
        path = f"samples/{made.json['id']}"
        assert made.etag == '"1"'
        assert api.get(path).etag == '"1"'
        assert api.patch(path, {"kind": "dna"}, If_Match='"1"').etag == '"2"'
        assert api.put(path, body, If_Match='"2"').etag == '"3"'
        assert api.move(path, "available").etag == '"4"'
        assert api.get(path).json["version"] == 4


class TestCheckMatch:
    @pytest.mark.parametrize(
        "header", ['"3"', ' "3" ', '"1", "3"', '"1","3","5"', '"a,b", "3"', '"3",', ', ,"3"', '"", "3"']
    )
    def test_it_lets_the_current_version_pass(self, header: str) -> None:
        check_match(request(If_Match=header), 3)

    @pytest.mark.parametrize("header", ['"2"', '"33"', '"03"', '""', '"1", "2"', '"é"', '"1,3"', '"3,"'])
    def test_it_refuses_a_stale_version(self, header: str) -> None:
        with pytest.raises(Problem) as refused:
            check_match(request(If_Match=header), 3)
        assert refused.value.code == "stale-version"

    def test_it_refuses_a_weak_tag(self) -> None:
        with pytest.raises(Problem) as refused:
            check_match(request(If_Match='W/"3"'), 3)
        assert refused.value.code == "stale-version"

    def test_it_takes_a_star_for_no_version(self) -> None:
        with pytest.raises(Problem) as refused:
            check_match(request(If_Match="*"), 3)
        assert refused.value.code == "stale-version"

    @pytest.mark.parametrize(
        "header", ["", "3", "'3'", '"3', '3"', '"3" "4"', '"3"; "4"', 'w/"3"', 'W/ "3"', ",", '"3"x', '"""']
    )
    def test_it_refuses_a_malformed_header(self, header: str) -> None:
        with pytest.raises(Problem) as refused:
            check_match(request(If_Match=header), 3)
        assert refused.value.code == "invalid"
        assert refused.value.errors[0]["header"] == "If-Match"
        assert refused.value.errors[0]["code"] == "malformed"

    def test_it_requires_the_header(self) -> None:
        with pytest.raises(Problem) as refused:
            check_match(request(), 3)
        assert refused.value.code == "precondition-required"

    def test_it_judges_a_long_hostile_header_quickly(self) -> None:
        with pytest.raises(Problem):
            check_match(request(If_Match='"3"' + " ,\t" * 2500 + "x"), 3)


class TestNotModified:
    @pytest.mark.parametrize("header", ['"3"', 'W/"3"', '"1", W/"3"', "*", '"2", *'])
    def test_it_knows_the_current_version_also_by_a_weak_tag(self, header: str) -> None:
        assert not_modified(request(If_None_Match=header), 3)

    @pytest.mark.parametrize("header", ['"2"', 'W/"2"', '"1", "2"'])
    def test_another_version_is_modified(self, header: str) -> None:
        assert not not_modified(request(If_None_Match=header), 3)

    def test_without_the_header_everything_is_modified(self) -> None:
        assert not not_modified(request(), 3)

    def test_it_refuses_a_malformed_header(self) -> None:
        with pytest.raises(Problem) as refused:
            not_modified(request(If_None_Match="3"), 3)
        assert refused.value.errors[0]["header"] == "If-None-Match"


class TestAChange:
    CHANGES = pytest.mark.parametrize(
        ("method", "below", "content"),
        [
            ("PUT", "", {"kind": "dna"}),
            ("PATCH", "", {"kind": "dna"}),
            ("DELETE", "", None),
            ("POST", "/transitions", {"to": "available"}),
        ],
    )

    @CHANGES
    def test_it_needs_if_match(self, api: Api, path: str, method: str, below: str, content: Any) -> None:
        answer = api.call(method, path + below, content)
        assert (answer.status, answer.json["code"]) == (428, "precondition-required")

    @CHANGES
    @pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "*"])
    def test_it_needs_the_current_version(
        self, api: Api, path: str, method: str, below: str, content: Any, tag: str
    ) -> None:
        answer = api.call(method, path + below, content, If_Match=tag)
        assert (answer.status, answer.json["code"]) == (412, "stale-version")
        assert api.get(path).json["version"] == 1

    def test_the_second_of_two_writers_hears_that_it_is_stale(self, api: Api, path: str) -> None:
        read = api.get(path).etag
        assert api.patch(path, {"kind": "dna"}, If_Match=read).status == 200
        assert api.patch(path, {"kind": "rna"}, If_Match=read).status == 412
        assert api.get(path).json["kind"] == "dna"

    def test_the_precondition_is_judged_before_the_body(self, api: Api, path: str) -> None:
        assert api.patch(path, {"nonsense": 1}, If_Match='"9"').status == 412

    def test_a_record_that_is_not_there_is_404_before_any_precondition(self, api: Api) -> None:
        assert api.patch("samples/01890a5d-ac96-774b-bcce-b302099a8057", {}).status == 404


class TestARead:
    @pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"7", "1"'])
    def test_an_unchanged_record_is_304_without_a_body(self, api: Api, path: str, tag: str) -> None:
        answer = api.get(path, If_None_Match=tag)
        assert (answer.status, answer.content) == (304, b"")
        assert answer.etag == '"1"'
        assert answer.header("Cache-Control") == "private, no-cache"
        assert "Authorization" in str(answer.header("Vary"))

    def test_a_changed_record_is_sent_anew(self, api: Api, path: str) -> None:
        assert api.get(path, If_None_Match='"0"').status == 200

    def test_a_malformed_if_none_match_is_told(self, api: Api, path: str) -> None:
        answer = api.get(path, If_None_Match="1")
        assert (answer.status, answer.json["errors"][0]["header"]) == (400, "If-None-Match")
