"""chassis/idempotency.py; two requests at the same moment are in tests/server/."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chassis.idempotency import KEEP
from chassis.models import IdempotentAnswer
from tests.api import Api
from tests.database import execute


def stored() -> int:
    return IdempotentAnswer.objects.count()


class TestARetry:
    def test_it_answers_what_the_first_request_answered(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        again = api.post("samples", body, Idempotency_Key="k1")
        assert (first.status, first.etag) == (201, '"1"')
        assert (again.status, again.content, again.etag) == (first.status, first.content, first.etag)
        assert again.header("Location") == first.header("Location")
        assert again.header("Content-Type") == first.header("Content-Type") == "application/json"

    def test_it_is_marked(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", body, Idempotency_Key="k1").header("Idempotent-Replayed") is None
        assert api.post("samples", body, Idempotency_Key="k1").header("Idempotent-Replayed") == "true"

    def test_it_happens_once(self, api: Api, body: dict[str, Any]) -> None:
        for _ in range(5):
            api.post("samples", body, Idempotency_Key="k1")
        assert len(api.get("samples").json["results"]) == 1

    def test_it_answers_the_same_after_the_record_has_moved_on(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        api.patch(f"samples/{first.json['id']}", {"kind": "dna"}, If_Match=first.etag)
        again = api.post("samples", body, Idempotency_Key="k1")
        assert (again.json["kind"], again.etag) == ("blood", '"1"')

    def test_it_has_an_id_of_its_own(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        again = api.post("samples", body, Idempotency_Key="k1")
        assert first.header("X-Request-Id") != again.header("X-Request-Id")

    def test_it_leaves_one_line_of_history(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", body, Idempotency_Key="k1").json
        api.post("samples", body, Idempotency_Key="k1")
        assert len(api.get(f"samples/{made['id']}/history").json["results"]) == 1


def test_an_answer_is_kept_without_looking_for_its_row(db: None) -> None:
    """A plan by its key, made when the table was small, would read all of it."""
    planned = [line for (line,) in execute(f"EXPLAIN {KEEP}", 200, "", "{}", "(0,1)")]
    assert "Tid Scan" in planned[1]


class TestATransitionRetried:
    def test_it_answers_the_stored_200_although_if_match_is_stale_by_now(self, api: Api, path: str) -> None:
        move = {"to": "available"}
        first = api.post(f"{path}/transitions", move, If_Match='"1"', Idempotency_Key="k1")
        again = api.post(f"{path}/transitions", move, If_Match='"1"', Idempotency_Key="k1")
        assert (first.status, again.status, again.content) == (200, 200, first.content)
        assert (again.etag, again.header("Idempotent-Replayed")) == ('"2"', "true")
        assert api.get(path).json["version"] == 2

    def test_without_the_key_it_would_be_stale(self, api: Api, path: str) -> None:
        assert api.post(f"{path}/transitions", {"to": "available"}, If_Match='"1"').status == 200
        assert api.post(f"{path}/transitions", {"to": "available"}, If_Match='"1"').status == 412


class TestTheKey:
    def test_with_another_body_it_is_422(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k1")
        answer = api.post("samples", {**body, "accession": "S-2026-0002"}, Idempotency_Key="k1")
        assert (answer.status, answer.json["code"]) == (422, "key-reused")
        assert len(api.get("samples").json["results"]) == 1

    def test_the_body_is_compared_by_the_byte(self, api: Api, body: dict[str, Any]) -> None:
        api.call("POST", "samples", json.dumps(body).encode(), Idempotency_Key="k1")
        spaced = api.call("POST", "samples", json.dumps(body, indent=1).encode(), Idempotency_Key="k1")
        assert (spaced.status, spaced.json["code"]) == (422, "key-reused")

    def test_of_another_caller_it_is_another(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        other = api.as_(subject="dr-lindqvist").post(
            "samples", {**body, "accession": "S-2026-0002"}, Idempotency_Key="k1"
        )
        assert (first.status, other.status) == (201, 201)
        assert other.header("Idempotent-Replayed") is None

    def test_of_the_same_subject_in_another_organization_it_is_another(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        other = api.as_(organization="st-nowhere").post("samples", body, Idempotency_Key="k1")
        assert (first.status, other.status) == (201, 201)
        assert first.json["id"] != other.json["id"]

    def test_two_pairs_of_names_are_never_taken_for_one(self, api: Api, body: dict[str, Any]) -> None:
        first = api.as_(subject="dr evil", organization="st elsewhere").post("samples", body, Idempotency_Key="k1")
        other = api.as_(subject="dr", organization="evil st elsewhere").post("samples", body, Idempotency_Key="k1")
        assert (first.status, other.status, other.header("Idempotent-Replayed")) == (201, 201, None)
        assert first.json["id"] != other.json["id"]

    def test_of_another_route_it_is_another(self, api: Api, path: str, body: dict[str, Any]) -> None:
        other = f"samples/{api.post('samples', body, Idempotency_Key='k1').json['id']}"
        for each in (path, other):
            moved = api.post(f"{each}/transitions", {"to": "available"}, If_Match='"1"', Idempotency_Key="k1")
            assert (moved.status, moved.header("Idempotent-Replayed")) == (200, None)

    @pytest.mark.parametrize("key", ["a", "!", "~", "with blanks in it", '"quoted"', "k" * 128])
    def test_it_is_printable_ascii(self, api: Api, body: dict[str, Any], key: str) -> None:
        assert api.post("samples", body, Idempotency_Key=key).status == 201
        assert api.post("samples", body, Idempotency_Key=key).header("Idempotent-Replayed") == "true"

    @pytest.mark.parametrize("key", ["", "k" * 129, "é", "a\tb", "a\x7fb"])
    def test_another_one_is_400(self, api: Api, body: dict[str, Any], key: str) -> None:
        answer = api.post("samples", body, Idempotency_Key=key)
        assert answer.status == 400
        assert answer.json["errors"] == [
            {
                "header": "Idempotency-Key",
                "code": "malformed",
                "message": "Must be 1 to 128 printable ASCII characters.",
            }
        ]
        assert stored() == 0

    def test_without_it_every_post_is_another(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", body).status == 201
        assert api.post("samples", body).status == 409
        assert stored() == 0

    def test_other_methods_do_not_read_it(self, api: Api, path: str) -> None:
        assert api.patch(path, {"kind": "dna"}, If_Match='"1"', Idempotency_Key="k1").status == 200
        assert api.patch(path, {"kind": "dna"}, If_Match='"1"', Idempotency_Key="k1").status == 412
        assert stored() == 0


class TestAFailure:
    def test_it_stores_nothing_so_that_the_mended_request_may_use_the_key(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("samples", {**body, "kind": "bone"}, Idempotency_Key="k1").status == 400
        assert stored() == 0
        assert api.post("samples", body, Idempotency_Key="k1").status == 201

    def test_neither_does_a_conflict_that_the_database_found(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body)
        assert api.post("samples", body, Idempotency_Key="k1").status == 409
        assert stored() == 0

    def test_neither_does_a_stale_precondition(self, api: Api, path: str) -> None:
        answer = api.post(f"{path}/transitions", {"to": "available"}, If_Match='"9"', Idempotency_Key="k1")
        assert (answer.status, stored()) == (412, 0)
        assert api.post(f"{path}/transitions", {"to": "available"}, If_Match='"1"', Idempotency_Key="k1").status == 200

    def test_who_lost_the_scope_is_not_answered_from_the_store(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k1")
        assert api.as_(scopes=("example:read",)).post("samples", body, Idempotency_Key="k1").status == 403


class TestExpiry:
    def expire(self, interval: str) -> None:
        execute("UPDATE chassis_idempotentanswer SET created_at = now() - %s::interval", interval)

    def test_a_key_is_kept_for_24_hours(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k1")
        self.expire("23 hours 59 minutes")
        assert api.post("samples", body, Idempotency_Key="k1").header("Idempotent-Replayed") == "true"

    def test_after_that_the_request_is_a_new_one(self, api: Api, body: dict[str, Any]) -> None:
        first = api.post("samples", body, Idempotency_Key="k1")
        self.expire("24 hours 1 second")
        other = {**body, "accession": "S-2026-0002"}
        again = api.post("samples", other, Idempotency_Key="k1")
        assert (again.status, again.header("Idempotent-Replayed")) == (201, None)
        assert again.json["id"] != first.json["id"]
        assert api.post("samples", other, Idempotency_Key="k1").content == again.content
        assert stored() == 1

    def test_a_failure_after_that_leaves_the_old_answer_expired(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body, Idempotency_Key="k1")
        self.expire("25 hours")
        assert api.post("samples", body, Idempotency_Key="k1").status == 409
        assert api.post("samples", {**body, "accession": "S-2026-0002"}, Idempotency_Key="k1").status == 201
