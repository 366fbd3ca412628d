"""chassis/views.py"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from tests.api import Answer, Api
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


class TestTheScope:
    @VERBS
    def test_each_verb_needs_its_own(self, api: Api, path: str, method: str, below: str, content: Any) -> None:
        needed = "history:read" if below == "/history" else "example:read" if method == "GET" else "example:write"
        others = tuple({"example:read", "example:write", "history:read", "example:discard"} - {needed})
        answer = api.as_(scopes=others).call(method, path + below, content, If_Match='"1"')
        assert (answer.status, answer.json["code"], answer.json["scope"]) == (403, "missing-scope", needed)
        assert answer.header("WWW-Authenticate") == f'Bearer error="insufficient_scope", scope="{needed}"'
        assert api.as_(scopes=(needed,)).call(method, path + below, content, If_Match='"1"').status not in {401, 403}

    def test_it_is_judged_before_the_record_and_the_body(self, api: Api) -> None:
        reader = api.as_(scopes=("example:read",))
        assert reader.call("POST", "samples", b"{").status == 403
        assert reader.patch(f"samples/{factories.PATIENT}", {}).status == 403

    def test_a_special_target_needs_its_own(self, api: Api) -> None:
        transitions = f"samples/{factories.available_sample(api)['id']}/transitions"
        writer, discarder = api.as_(scopes=("example:write",)), api.as_(scopes=("example:discard",))
        refused = writer.post(transitions, {"to": "exhausted"}, If_Match='"2"')
        assert (refused.status, refused.json["scope"]) == (403, "example:discard")
        refused = discarder.post(transitions, {"to": "rejected", "reason": "clotted"}, If_Match='"2"')
        assert (refused.status, refused.json["scope"]) == (403, "example:write")
        assert discarder.post(transitions, {"to": "exhausted"}, If_Match='"2"').status == 200

    def test_the_special_scope_opens_nothing_else(self, api: Api, path: str) -> None:
        discarder = api.as_(scopes=("example:discard",))
        assert discarder.get(path).status == 403
        assert discarder.patch(path, {}, If_Match='"1"').status == 403
        assert discarder.post(f"{path}/transitions", {"to": "available"}, If_Match='"1"').status == 403


class TestAnotherOrganization:
    @VERBS
    def test_it_finds_nothing_with_any_verb(self, api: Api, path: str, method: str, below: str, content: Any) -> None:
        stranger = api.as_(organization="st-nowhere")
        theirs = stranger.call(method, path + below, content, If_Match='"1"')
        nobody_s = stranger.call(method, f"samples/{factories.PATIENT}{below}", content, If_Match='"1"')
        assert theirs.status == nobody_s.status == 404
        volatile = {"instance", "request_id"}
        assert {k: v for k, v in theirs.json.items() if k not in volatile} == {
            k: v for k, v in nobody_s.json.items() if k not in volatile
        }
        assert api.get(path).json["version"] == 1

    def test_its_lists_are_empty(self, api: Api, path: str) -> None:
        assert api.as_(organization="st-nowhere").get("samples").json["results"] == []


class TestHeaders:
    def test_everything_behind_a_token_stays_private(self, api: Api, path: str, body: dict[str, Any]) -> None:
        answers = [api.get("samples"), api.get(path), api.get(f"{path}/history"), api.post("samples", body)]
        answers += [api.patch(path, {}, If_Match='"1"'), api.delete(path, If_Match='"2"')]
        for answer in answers:
            assert answer.status < 300
            assert answer.header("Cache-Control") == "private, no-cache"
            assert "Authorization" in str(answer.header("Vary")).split(", ")

    def test_errors_are_not_stored_at_all(self, api: Api) -> None:
        answer = api.get(f"samples/{factories.PATIENT}")
        assert answer.header("Cache-Control") == "no-store"
        assert "Authorization" in str(answer.header("Vary"))

    @pytest.mark.parametrize("url", ["/", "/livez", "/example/v1/samples", "/nowhere"])
    def test_no_browser_guesses_types(self, api: Api, url: str) -> None:
        assert api.get(url).header("X-Content-Type-Options") == "nosniff"

    def test_nothing_sets_a_cookie(self, api: Api, path: str) -> None:
        assert api.get(path).header("Set-Cookie") is None


class TestAStreamedBody:
    def put(self, api: Api, path: str, content_type: str, **headers: str) -> Answer:
        return api.call("PUT", f"{path}/picture", bytes(5), content_type=content_type, **headers)

    @pytest.mark.parametrize("content_type", ["image/png", "IMAGE/JPEG", "image/png; x=y", ""])
    def test_it_is_taken_as_one_of_its_media_types_or_as_none(self, api: Api, path: str, content_type: str) -> None:
        assert self.put(api, path, content_type).json["bytes"] == 5

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/*"])
    def test_another_media_type_is_415(self, api: Api, path: str, content_type: str) -> None:
        answer = self.put(api, path, content_type)
        assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")

    def test_a_content_encoding_is_415(self, api: Api, path: str) -> None:
        assert self.put(api, path, "image/png", Content_Encoding="gzip").status == 415

    def test_the_limit_of_other_bodies_is_not_its_own(self, api: Api, path: str) -> None:
        picture = bytes(settings.MAX_BODY_BYTES + 1)
        answer = api.call("PUT", f"{path}/picture", picture, content_type="image/png")
        assert (answer.status, answer.json["bytes"]) == (200, len(picture))

    def test_it_is_recorded_as_any_write(self, api: Api, path: str) -> None:
        kept = self.put(api, path, "image/png")
        newest = api.get(f"{path}/history").json["results"][0]
        assert (newest["version"], newest["record"]["picture"]) == (2, kept.json)
        assert newest["request_id"] == kept.header("X-Request-Id")

    def test_it_is_not_found_for_another_organization(self, api: Api, path: str) -> None:
        assert self.put(api.as_(organization="st-nowhere"), path, "image/png").status == 404


class TestARecordAbove:
    """Samples that were taken from one stand below it."""

    @pytest.fixture
    def children(self, api: Api, sample: dict[str, Any]) -> str:
        factories.sample(api, parent=sample["id"])
        factories.sample(api)
        return f"samples/{sample['id']}/children.ndjson"

    def test_it_narrows_what_is_shown(self, api: Api, sample: dict[str, Any], children: str) -> None:
        lines = api.get(children).content.splitlines()
        assert [json.loads(line)["parent"] for line in lines] == [sample["id"]]

    def test_one_that_nobody_has_is_404(self, api: Api) -> None:
        assert api.get("samples/01890a5d-ac96-774b-bcce-000000000000/children.ndjson").status == 404

    def test_another_organization_s_is_404(self, api: Api, children: str) -> None:
        assert api.as_(organization="general-hospital").get(children).status == 404
