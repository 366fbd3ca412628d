"""chassis/renderers.py"""

from __future__ import annotations

import json

import pytest

from chassis.renderers import JSONRenderer, encode, json_response, page_body


class TestEncode:
    def test_it_is_compact_utf_8(self) -> None:
        assert encode({"a": [1, "é"], "b": None}) == '{"a":[1,"é"],"b":null}'.encode()

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_it_makes_no_json_that_is_none(self, number: float) -> None:
        with pytest.raises(ValueError, match="JSON compliant"):
            encode({"a": number})


class TestJsonResponse:
    def test_the_body_passes_untouched(self) -> None:
        response = json_response('{"a" : 1}', status=201, headers={"ETag": '"1"'})
        assert (response.status_code, response.content, response["ETag"]) == (201, b'{"a" : 1}', '"1"')
        assert response["Content-Type"] == "application/json"


class TestPageBody:
    def test_it_puts_rows_together(self) -> None:
        body = page_body(['{"a": 1}', '{"a": 2}'], next_link='https://x/?a="b"', previous_link=None)
        assert json.loads(body) == {"results": [{"a": 1}, {"a": 2}], "next": 'https://x/?a="b"', "previous": None}

    def test_an_empty_page_is_a_page(self) -> None:
        assert json.loads(page_body([], next_link=None, previous_link=None))["results"] == []


class TestJSONRenderer:
    def test_it_renders_what_a_view_left_as_data(self) -> None:
        assert JSONRenderer().render({"a": "é"}) == '{"a":"é"}'.encode()
