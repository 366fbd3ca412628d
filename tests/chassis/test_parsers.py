"""chassis/parsers.py"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from chassis.parsers import MAX_DEPTH, loads
from chassis.problems import Problem
from tests.api import Api


def refusal(body: bytes) -> str:
    """The detail of the problem with a body."""
    with pytest.raises(Problem) as refused:
        loads(body)
    assert refused.value.code == "malformed-body"
    return refused.value.detail


def nested(levels: int, leaf: bytes = b"1") -> bytes:
    """An object of that many levels."""
    return b'{"a":' * levels + leaf + b"}" * levels


class TestLoads:
    def test_it_reads_one_object(self) -> None:
        body = ' \r\n{"a": [1, 2.5, "é😀\\u00e9", true, null, {}]}\t'.encode()
        assert loads(body) == {"a": [1, 2.5, "é😀é", True, None, {}]}

    @pytest.mark.parametrize("body", [b"[]", b'[{"a": 1}]', b"1", b'"a"', b"null", b"true"])
    def test_it_refuses_anything_but_an_object(self, body: bytes) -> None:
        assert refusal(body) == "The body must be a JSON object."

    @pytest.mark.parametrize(
        "body",
        [b'{"a": 1, "a": 1}', b'{"a": 1, "b": 2, "a": null}', b'{"x": {"a": 1, "a": 2}}', b'{"a":1,"\\u0061":2}'],
    )
    def test_it_refuses_a_member_that_stands_twice(self, body: bytes) -> None:
        assert refusal(body) == "A member stands twice in one object."

    def test_the_same_name_in_two_objects_is_no_repetition(self) -> None:
        assert loads(b'{"a": {"a": 1}, "b": {"a": 1}}')

    @pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
    def test_it_refuses_what_python_alone_takes_for_numbers(self, word: bytes) -> None:
        assert refusal(b'{"a": %s}' % word) == "NaN and Infinity are not JSON."

    @pytest.mark.parametrize(
        "body",
        [b"\xff", b'{"a": "\xe9"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc0\xaf"}', '{"a": 1}'.encode("utf-16")],
    )
    def test_it_refuses_what_is_not_utf_8(self, body: bytes) -> None:
        assert refusal(body) == "The body is not UTF-8."

    def test_it_refuses_a_byte_order_mark(self) -> None:
        assert refusal(b"\xef\xbb\xbf{}") == "The JSON syntax breaks at line 1, column 1."

    @pytest.mark.parametrize(
        "body",
        [b"", b" ", b"{", b"{}x", b"{}{}", b"{'a': 1}", b"{a: 1}", b'{"a": 1,}', b'{"a": 01}', b'{"a": +1}', b'{"a": .5}',
         b'{"a": "\x00"}', b'{"a": "\n"}', b'{"a": "\\x41"}', b'{"a": "\\u12"}', b"{}\x00", b'{"a": 1 /* no */}'],
    )  # fmt: skip
    def test_it_says_where_the_syntax_breaks(self, body: bytes) -> None:
        assert refusal(body).startswith("The JSON syntax breaks at line 1, column ")

    def test_it_counts_lines(self) -> None:
        assert refusal(b'{\n"a": ?}') == "The JSON syntax breaks at line 2, column 6."

    def test_it_refuses_a_number_of_too_many_digits(self) -> None:
        assert refusal(b'{"a": ' + b"9" * 5000 + b"}") == "A number in the body has too many digits."

    def test_it_allows_objects_and_arrays_as_deep_as_the_limit(self) -> None:
        assert loads(nested(MAX_DEPTH))
        assert loads(b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"1" + b"]" * (MAX_DEPTH - 1) + b"}")

    @pytest.mark.parametrize("leaf", [b"1", b"{}", b"[]"])
    def test_it_refuses_deeper_ones(self, leaf: bytes) -> None:
        assert refusal(nested(MAX_DEPTH + 1, leaf)) == "The body is nested deeper than 16 levels."

    def test_it_survives_absurd_depth(self) -> None:
        assert refusal(b'{"a":' + b"[" * 500_000) == "The body is nested deeper than 16 levels."

    @pytest.mark.parametrize("body", [b'{"\\ud800": 1}', b'{"a": {"x\\udfff": 1}}', b'{"\\ud83d": 1, "\\ude00": 2}'])
    def test_it_refuses_a_name_with_half_a_surrogate_pair(self, body: bytes) -> None:
        assert refusal(body) == "The name of a member is not Unicode text."

    def test_a_whole_surrogate_pair_is_one_character(self) -> None:
        assert loads(b'{"\\ud83d\\ude00": 1}') == {"😀": 1}

    def test_no_detail_repeats_the_content(self) -> None:
        for body in (b'{"secret-canary": 1, "secret-canary": 2}', b'{"a": secret-canary}', b'["secret-canary"]'):
            assert "canary" not in refusal(body)


class TestABodyOverTheApi:
    @pytest.mark.parametrize(
        "content",
        [b"[]", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"\xef\xbb\xbf{}", b'{"\\ud800":1}', b"null", b" "],
    )
    def test_a_malformed_one_is_400(self, api: Api, content: bytes) -> None:
        answer = api.call("POST", "samples", content)
        assert (answer.status, answer.json["code"]) == (400, "malformed-body")
        assert answer.header("Content-Type") == "application/problem+json"

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_an_empty_one_is_never_taken_for_an_empty_object(self, api: Api, path: str, method: str) -> None:
        answer = api.call(method, path, b"", If_Match='"1"')
        assert (answer.status, answer.json["code"]) == (400, "malformed-body")
        assert api.get(path).json["version"] == 1

    def test_an_empty_post_is_malformed(self, api: Api, path: str) -> None:
        assert api.call("POST", "samples").json["code"] == "malformed-body"
        assert api.call("POST", f"{path}/transitions", If_Match='"1"').json["code"] == "malformed-body"

    def test_one_of_just_the_limit_is_read(self, api: Api) -> None:
        padded = b'{"a": 1}'.ljust(settings.MAX_BODY_BYTES)
        assert api.call("POST", "samples", padded).json["code"] == "invalid"

    def test_one_byte_more_is_413(self, api: Api) -> None:
        answer = api.call("POST", "samples", b" " * (settings.MAX_BODY_BYTES + 1))
        assert (answer.status, answer.json["code"]) == (413, "too-large")
        assert str(settings.MAX_BODY_BYTES) in answer.json["detail"]

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
         "application/jsonp", "json", "application/json-patch+json", "application/vnd.api+json"],
    )  # fmt: skip
    def test_another_media_type_is_415(self, api: Api, body: dict[str, Any], content_type: str) -> None:
        answer = api.call("POST", "samples", body, content_type=content_type)
        assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
    def test_json_is_recognised_with_parameters_and_in_any_case(
        self, api: Api, body: dict[str, Any], content_type: str
    ) -> None:
        assert api.call("POST", "samples", body, content_type=content_type).status == 201

    def test_a_patch_may_be_called_a_merge_patch(self, api: Api, path: str) -> None:
        kind = {"kind": "dna"}
        answer = api.call("PATCH", path, kind, content_type="application/merge-patch+json", If_Match='"1"')
        assert (answer.status, answer.json["kind"]) == (200, "dna")

    def test_a_merge_patch_is_no_body_of_any_other_method(self, api: Api, path: str, body: dict[str, Any]) -> None:
        merge_patch = "application/merge-patch+json"
        assert api.call("POST", "samples", body, content_type=merge_patch).status == 415
        assert api.call("PUT", path, body, content_type=merge_patch, If_Match='"1"').status == 415

    @pytest.mark.parametrize("coding", ["gzip", "identity", "br"])
    def test_a_content_encoding_is_415(self, api: Api, body: dict[str, Any], coding: str) -> None:
        assert api.call("POST", "samples", body, Content_Encoding=coding).status == 415
