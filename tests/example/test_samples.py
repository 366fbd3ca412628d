"""Samples, through the API."""

from __future__ import annotations

import pytest

from tests.api import Api

from . import factories


def test_an_accession_is_upper_cased(api: Api) -> None:
    assert factories.sample(api, accession=" s-2026-a ")["accession"] == "S-2026-A"
    with pytest.raises(AssertionError, match="pattern"):
        factories.sample(api, accession="ı-2026-7")


def test_it_is_found_however_it_is_printed(api: Api) -> None:
    made = factories.sample(api, accession="S-2026-B")
    found = [api.get(f"samples?accession={text}").json["results"] for text in ("s-2026-b", "S-2026-B", "s-2026-c")]
    assert [[row["id"] for row in rows] for rows in found] == [[made["id"]], [made["id"]], []]


@pytest.mark.parametrize("member", ["accession", "patient_id", "parent"])
def test_whose_sample_it_is_is_fixed_once_it_is_available(api: Api, member: str) -> None:
    made = factories.available_sample(api)
    other = "OTHER-1" if member == "accession" else "01890a5d-ac96-774b-bcce-000000000000"
    answer = api.patch(f"samples/{made['id']}", {member: other}, If_Match='"2"')
    assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "not-editable", "available")


def test_it_becomes_available_once_it_was_received(api: Api) -> None:
    made = factories.sample(api, received_at=None)
    answer = api.move(f"samples/{made['id']}", "available")
    assert (answer.status, answer.json["code"]) == (409, "wrong-state")


def test_none_is_taken_from_one_that_is_unfit(api: Api) -> None:
    rejected = factories.sample(api)
    assert api.move(f"samples/{rejected['id']}", "rejected", "clotted").status == 200
    with pytest.raises(AssertionError, match="wrong-state"):
        factories.sample(api, parent=rejected["id"])


def test_a_picture_is_kept_by_its_digest_and_an_empty_one_is_refused(api: Api) -> None:
    path = f"samples/{factories.sample(api)['id']}"
    empty = api.call("PUT", f"{path}/picture", b"", content_type="image/png")
    assert (empty.status, empty.json["code"]) == (422, "unprocessable-file")
    assert api.get(path).json["picture"] is None
    kept = api.call("PUT", f"{path}/picture", b"\x89PNG", content_type="image/png")
    assert kept.json == api.get(path).json["picture"]
    assert kept.json["bytes"] == 4


def test_its_children_are_exported_as_one_object_a_line(api: Api) -> None:
    parent = factories.available_sample(api)["id"]
    children = [factories.sample(api, parent=parent)["accession"] for _ in range(2)]
    lines = api.get(f"samples/{parent}/children.ndjson").content.decode().splitlines()
    assert [accession for accession in children if any(f'"{accession}"' in line for line in lines)] == children
    assert len(lines) == 2
