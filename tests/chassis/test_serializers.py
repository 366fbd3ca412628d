"""chassis/serializers.py"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from rest_framework import serializers

from chassis.serializers import (
    BooleanField,
    ChoiceField,
    ListField,
    StrictSerializer,
    Text,
    TimestampField,
    UUIDField,
    kept,
)
from tests.api import Answer, Api
from tests.example import factories
from tests.example.serializers import SpecimenSerializer

NOT_STRINGS = pytest.mark.parametrize("value", [1, 0, 1.5, True, False, [], ["a"], {}, {"a": 1}])


def code(field: serializers.Field[Any, Any, Any, Any], value: Any) -> str:
    """The code of the field's refusal of the value."""
    with pytest.raises(serializers.ValidationError) as refused:
        field.run_validation(value)
    (fault,) = refused.value.detail
    return str(getattr(fault, "code", None))


def faults(answer: Answer) -> dict[str, str]:
    """Pointer to code of a 400."""
    assert answer.status == 400, answer.content
    assert answer.json["code"] == "invalid"
    return {fault["pointer"]: fault["code"] for fault in answer.json["errors"]}


class TestText:
    def test_it_answers_nfc_without_blanks_around(self) -> None:
        assert Text().run_validation(" \u00a0Zoe\u0308 ") == "Zo\u00eb"

    @NOT_STRINGS
    def test_it_takes_strings_alone(self, value: Any) -> None:
        assert code(Text(), value) == "invalid"

    @pytest.mark.parametrize("value", ["a\x00", "\x1b[2J", "a\nb", "a\tb", "a\r", "\ud800"])
    def test_it_refuses_control_characters(self, value: str) -> None:
        assert code(Text(), value) == "control-character"

    def test_it_allows_line_feeds_in_multiline_text(self) -> None:
        assert Text(multiline=True).run_validation("a\n\tb\n") == "a\n\tb"

    @pytest.mark.parametrize("value", ["", " ", "\u3000"])
    def test_blanks_alone_are_no_text(self, value: str) -> None:
        assert code(Text(), value) == "blank"
        assert Text(allow_blank=True).run_validation(value) == ""

    def test_it_measures_what_is_left_after_trimming(self) -> None:
        assert Text(max_length=3).run_validation("  abc  ") == "abc"
        assert code(Text(max_length=3), "abcd") == "max_length"

    def test_null_is_no_text(self) -> None:
        assert code(Text(), None) == "null"


class TestUUIDField:
    @pytest.mark.parametrize("value", ["01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-774B-BCCE-B302099A8057"])
    def test_it_reads_the_hyphenated_form_in_any_case(self, value: str) -> None:
        assert UUIDField().run_validation(value) == UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    def test_it_asks_for_no_version(self) -> None:
        assert UUIDField().run_validation("00000000-0000-0000-0000-000000000000") == UUID(int=0)

    @pytest.mark.parametrize(
        "value",
        [
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            " 01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8057\n",
            "01890a5d-ac96-774b-bcce-b302099a805",
            "01890a5d-ac96-774b-bcce-b302099a805g",
            "٠1890a5d-ac96-774b-bcce-b302099a8057",
            "",
        ],
    )
    def test_it_refuses_every_other_form(self, value: str) -> None:
        assert code(UUIDField(), value) == "invalid"

    @NOT_STRINGS
    def test_it_takes_strings_alone(self, value: Any) -> None:
        assert code(UUIDField(), value) == "invalid"


class TestTimestampField:
    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            ("2026-11-18T08:30:00Z", datetime(2026, 11, 18, 8, 30, tzinfo=UTC)),
            ("2026-11-18t08:30:00z", datetime(2026, 11, 18, 8, 30, tzinfo=UTC)),
            ("2026-11-18T08:30:00+02:00", datetime(2026, 11, 18, 6, 30, tzinfo=UTC)),
            ("2026-11-18T23:30:00-05:30", datetime(2026, 11, 19, 5, 0, tzinfo=UTC)),
            ("2026-11-18T08:30:00-00:00", datetime(2026, 11, 18, 8, 30, tzinfo=UTC)),
            ("2026-11-18T08:30:00.5Z", datetime(2026, 11, 18, 8, 30, 0, 500_000, tzinfo=UTC)),
            ("2026-11-18T08:30:00.123456789Z", datetime(2026, 11, 18, 8, 30, 0, 123_456, tzinfo=UTC)),
            ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
            ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
            ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ],
    )
    def test_it_keeps_utc(self, value: str, kept: datetime) -> None:
        found = TimestampField().run_validation(value)
        assert found == kept
        assert found.tzinfo is UTC

    @pytest.mark.parametrize(
        "value",
        ["2026-11-18T08:30:00", "2026-11-18", "2026-11-18T08:30Z", "2026-11-18 08:30:00Z", "20261118T083000Z",
         "2026-W47-3T08:30:00Z", "2026-322T08:30:00Z", "2026-11-18T08:30:00+0200", "2026-11-18T08:30:00+02",
         "2026-11-18T08:30:00+01:75", "2026-11-18T08:30:00,5Z", "2026-11-18T08:30:00.Z", "2026-11-18T08:30:00.1234567890Z",
         " 2026-11-18T08:30:00Z", "2026-11-18T08:30:00Z\n", "٢٠٢٦-11-18T08:30:00Z", "+02026-11-18T08:30:00Z", "now", "",
         "2026-11-18T08:30:00 Z", "2026-11-18T08:30:00UTC"],
    )  # fmt: skip
    def test_it_refuses_what_rfc_3339_does_not_write(self, value: str) -> None:
        assert code(TimestampField(), value) == "invalid"

    @pytest.mark.parametrize(
        "value",
        ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-31T00:00:00Z",
         "2026-11-18T24:00:00Z", "2026-11-18T08:60:00Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z",
         "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-01:00", "2026-11-18T08:30:00+24:00", "2026-11-18T08:30:00-99:00"],
    )  # fmt: skip
    def test_it_refuses_what_no_clock_of_ours_shows(self, value: str) -> None:
        assert code(TimestampField(), value) == "invalid"

    @NOT_STRINGS
    def test_it_takes_strings_alone(self, value: Any) -> None:
        assert code(TimestampField(), value) == "invalid"


class TestChoiceField:
    FIELD = ChoiceField(choices=["blood", "1", "True"])

    def test_it_takes_a_published_word(self) -> None:
        assert self.FIELD.run_validation("blood") == "blood"

    @pytest.mark.parametrize("value", ["Blood", "blood ", "", "x", 1, True, [], {}, ["blood"]])
    def test_it_refuses_everything_else_in_its_own_words(self, value: Any) -> None:
        assert code(self.FIELD, value) == "invalid-choice"


class TestBooleanField:
    def test_it_takes_json_s_own(self) -> None:
        assert BooleanField().run_validation(True) is True
        assert BooleanField().run_validation(False) is False

    @pytest.mark.parametrize("value", [1, 0, "true", "yes", "", 1.0, [], {}])
    def test_it_takes_nothing_that_looks_like_one(self, value: Any) -> None:
        assert code(BooleanField(), value) == "invalid"


class Pair(StrictSerializer):
    left = Text()
    right = Text(required=False)


class TestStrictSerializer:
    def faults(self, data: Any, **options: Any) -> dict[str, str]:
        pair = Pair(data=data, **options)
        assert not pair.is_valid()
        return {str(name): details[0].code for name, details in pair.errors.items()}

    def test_it_takes_what_is_declared(self) -> None:
        pair = Pair(data={"left": "a", "right": "b"})
        assert pair.is_valid()
        assert pair.validated_data == {"left": "a", "right": "b"}

    def test_it_names_all_that_is_wrong_at_once(self) -> None:
        assert self.faults({"right": 1, "middle": "x"}) == {
            "left": "required",
            "right": "invalid",
            "middle": "unknown-member",
        }

    def test_it_names_them_in_the_order_of_the_body(self) -> None:
        data = {"left": "a", **{f"unknown-{number}": 1 for number in range(20)}}
        assert list(self.faults(data)) == list(data)[1:]

    def test_it_is_whole_in_a_merge_patch_too(self) -> None:
        assert self.faults({"right": "b"}, partial=True) == {"left": "required"}

    @pytest.mark.parametrize("data", [[], "x", 1, True])
    def test_it_takes_no_other_type(self, data: Any) -> None:
        assert self.faults(data) == {"non_field_errors": "invalid"}


class TestListField:
    FIELD = ListField(child=Text(), max_length=2)

    def test_it_takes_an_array(self) -> None:
        assert self.FIELD.run_validation(["a", "b"]) == ["a", "b"]
        assert self.FIELD.run_validation([]) == []

    @pytest.mark.parametrize("value", ["ab", {"0": "a"}, 1, True])
    def test_it_takes_nothing_else(self, value: Any) -> None:
        assert code(self.FIELD, value) == "invalid"

    def test_it_is_bounded(self) -> None:
        assert code(self.FIELD, ["a", "b", "c"]) == "max_length"

    def test_it_is_measured_before_its_elements_are_judged(self) -> None:
        with pytest.raises(serializers.ValidationError) as refused:
            self.FIELD.run_validation([1] * 100_000)
        assert len(str(refused.value.detail)) < 200

    def test_it_points_to_the_element(self) -> None:
        with pytest.raises(serializers.ValidationError) as refused:
            self.FIELD.run_validation(["a", 1])
        assert set(refused.value.detail) == {1}  # type: ignore[comparison-overlap]  # a dictionary by index


class TestABodyWithWrongTypes:
    @pytest.mark.parametrize("value", [7, 7.5, True, None, ["blood"], {"code": "blood"}])
    @pytest.mark.parametrize("member", ["accession", "patient_id", "kind", "origin"])
    def test_every_member_is_a_string(self, api: Api, body: dict[str, Any], member: str, value: Any) -> None:
        assert list(faults(api.post("samples", {**body, member: value}))) == [f"/{member}"]

    @pytest.mark.parametrize("value", [0, 1763454600, True, "", [], {}])
    @pytest.mark.parametrize("member", ["collected_at", "received_at"])
    def test_no_number_is_a_time(self, api: Api, body: dict[str, Any], member: str, value: Any) -> None:
        assert faults(api.post("samples", {**body, member: value})) == {f"/{member}": "invalid"}

    def test_every_fault_is_told_at_once(self, api: Api) -> None:
        content = {"accession": "\u0000", "patient_id": "x", "kind": "bone", "version": 7, "note": "x"}
        assert faults(api.post("samples", content)) == {
            "/accession": "control-character",
            "/patient_id": "invalid",
            "/kind": "invalid-choice",
            "/origin": "required",
            "/version": "read-only",
            "/note": "unknown-member",
        }

    @pytest.mark.parametrize("text", ["\u0000", "S-2026\u0000", "\ud800", "S\u001b-2026", "S-\u007f2026"])
    def test_control_characters_are_400(self, api: Api, body: dict[str, Any], text: str) -> None:
        assert faults(api.post("samples", {**body, "accession": text})) == {"/accession": "control-character"}

    def test_a_pointer_escapes_slash_and_tilde(self, api: Api, body: dict[str, Any]) -> None:
        assert faults(api.post("samples", {**body, "a/b~c": 1})) == {"/a~1b~0c": "unknown-member"}

    def test_no_fault_repeats_the_value(self, api: Api, body: dict[str, Any]) -> None:
        canary = "canary_1"
        for member in body:
            answer = api.post("samples", {**body, member: canary})
            assert (answer.status, b"canary" in answer.content.lower()) == (400, False)


class TestUnknownMembers:
    @pytest.mark.parametrize(
        "name", ["colour", "Kind", "", " kind", "parent_id", "organization", "__class__", "\u0000"]
    )
    def test_they_are_400(self, api: Api, body: dict[str, Any], name: str) -> None:
        assert faults(api.post("samples", {**body, name: "x"})) == {f"/{name}": "unknown-member"}

    def test_also_when_null(self, api: Api, path: str) -> None:
        assert faults(api.patch(path, {"colour": None}, If_Match='"1"')) == {"/colour": "unknown-member"}

    def test_also_in_a_transition(self, api: Api, path: str) -> None:
        answer = api.post(f"{path}/transitions", {"to": "available", "status": "available"}, If_Match='"1"')
        assert faults(answer) == {"/status": "unknown-member"}


class TestManyFaults:
    def test_a_hundred_are_told_and_no_more(self, api: Api, body: dict[str, Any]) -> None:
        answer = api.post("samples", {**body, **{f"unknown-{number}": 1 for number in range(20_000)}})
        assert answer.status == 400
        assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/unknown-{number}" for number in range(100)]


class TestReadOnlyMembers:
    def test_the_record_may_be_sent_back_as_it_was_read(self, api: Api, path: str) -> None:
        read = api.get(path)
        answer = api.put(path, {**read.json, "kind": "dna"}, If_Match=read.etag)
        assert (answer.status, answer.json["kind"], answer.json["version"]) == (200, "dna", 2)

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("id", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("status", "available"),
            ("status_reason", "x"),
            ("version", 2),
            ("version", "1"),
            ("version", True),
            ("created_at", "2026-11-18T08:30:00Z"),
            ("created_by", "somebody"),
            ("updated_at", None),
            ("updated_by", None),
        ],
    )
    def test_a_changed_one_is_400(self, api: Api, path: str, method: str, member: str, value: Any) -> None:
        read = api.get(path)
        content = {**(read.json if method == "PUT" else {}), member: value}
        assert faults(api.call(method, path, content, If_Match=read.etag)) == {f"/{member}": "read-only"}
        assert api.get(path).json == read.json

    def test_a_new_record_brings_none(self, api: Api, body: dict[str, Any]) -> None:
        content = {**body, "id": factories.PATIENT, "status": "available", "version": None}
        assert faults(api.post("samples", content)) == {
            "/id": "read-only",
            "/status": "read-only",
            "/version": "read-only",
        }


class TestPut:
    def test_what_is_left_out_returns_to_its_default(self, api: Api, body: dict[str, Any]) -> None:
        path = f"samples/{api.post('samples', body).json['id']}"
        required = {name: body[name] for name in ("accession", "patient_id", "kind", "origin")}
        answer = api.put(path, required, If_Match='"1"')
        assert (answer.json["collected_at"], answer.json["received_at"]) == (None, None)
        assert answer.json["kind"] == body["kind"]

    def test_what_is_required_must_be_there(self, api: Api, path: str) -> None:
        assert faults(api.put(path, {"kind": "dna"}, If_Match='"1"')) == {
            "/accession": "required",
            "/patient_id": "required",
            "/origin": "required",
        }

    def test_a_list_left_out_becomes_empty(self, api: Api) -> None:
        made = factories.sample(api, labels=["stat"], comment="x")
        content = {name: made[name] for name in ("accession", "patient_id", "kind", "origin")}
        answer = api.put(f"samples/{made['id']}", content, If_Match='"1"')
        assert (answer.status, answer.json["labels"], answer.json["comment"]) == (200, [], "")


class TestMergePatch:
    def test_it_changes_what_it_names_and_nothing_else(self, api: Api, path: str) -> None:
        before = api.get(path).json
        after = api.patch(path, {"kind": "dna"}, If_Match='"1"').json
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"kind", "version", "updated_at"}

    def test_null_removes_an_optional_member(self, api: Api, path: str) -> None:
        answer = api.patch(path, {"received_at": None, "collected_at": None}, If_Match='"1"')
        assert (answer.json["received_at"], answer.json["collected_at"]) == (None, None)

    def test_null_returns_a_member_that_knows_no_null_to_its_default(self, api: Api) -> None:
        made = factories.sample(api, labels=["stat"], comment="x")
        answer = api.patch(f"samples/{made['id']}", {"labels": None, "comment": None}, If_Match='"1"')
        assert (answer.status, answer.json["labels"], answer.json["comment"]) == (200, [], "")

    def test_null_is_a_value_where_a_choice_allows_it(self, api: Api) -> None:
        made = factories.sample(api, preservation="frozen")
        assert made["preservation"] == "frozen"
        answer = api.patch(f"samples/{made['id']}", {"preservation": None}, If_Match='"1"')
        assert (answer.status, answer.json["preservation"]) == (200, None)
        refused = api.patch(f"samples/{made['id']}", {"preservation": "dried"}, If_Match='"2"')
        assert faults(refused) == {"/preservation": "invalid-choice"}

    def test_null_cannot_remove_what_is_required(self, api: Api, path: str) -> None:
        assert faults(api.patch(path, {"kind": None}, If_Match='"1"')) == {"/kind": "null"}

    def test_an_empty_one_is_a_change_of_nothing(self, api: Api, path: str) -> None:
        answer = api.patch(path, {}, If_Match='"1"')
        assert (answer.status, answer.etag) == (200, '"2"')


class TestWhatIsStored:
    def test_text_is_trimmed_and_composed(self, api: Api) -> None:
        made = factories.sample(api, comment="  Zoe\u0308\nsaid\tso \n")
        assert made["comment"] == "Zo\u00eb\nsaid\tso"

    def test_timestamps_are_utc(self, api: Api) -> None:
        made = factories.sample(api, collected_at="2026-11-18T08:30:00.250+05:30", received_at="2026-11-18t10:05:00z")
        assert (made["collected_at"], made["received_at"]) == ("2026-11-18T03:00:00.25Z", "2026-11-18T10:05:00Z")

    def test_uuids_are_lower_case(self, api: Api) -> None:
        assert factories.sample(api, patient_id=factories.PATIENT.upper())["patient_id"] == factories.PATIENT

    def test_null_may_be_said_or_left_out(self, api: Api, body: dict[str, Any]) -> None:
        said = api.post("samples", {**body, "received_at": None, "parent": None}).json
        left_out = factories.sample(api)
        assert (said["received_at"], said["parent"], left_out["parent"]) == (None, None, None)


class TestKept:
    """One serializer a thread serves all bodies; nothing of one reaches the next."""

    def test_it_is_the_same_within_a_thread_and_another_in_the_next(self) -> None:
        found = [kept(SpecimenSerializer), kept(SpecimenSerializer)]
        other = threading.Thread(target=lambda: found.append(kept(SpecimenSerializer)))
        other.start()
        other.join()
        assert found[0] is found[1]
        assert found[0] is not found[2]

    def test_a_body_after_a_patch_is_whole_again(self, api: Api, path: str, body: dict[str, Any]) -> None:
        assert api.patch(path, {"kind": "dna"}, If_Match='"1"').status == 200
        assert faults(api.post("samples", {"kind": "dna"})) == {
            "/accession": "required", "/patient_id": "required", "/origin": "required",
        }  # fmt: skip
        # Of a creation there is no current record whose read-only members it may repeat.
        assert faults(api.post("samples", {**body, "accession": "S-2", "version": 2})) == {"/version": "read-only"}

    def test_a_refused_body_leaves_nothing_behind(self, api: Api, body: dict[str, Any]) -> None:
        assert faults(api.post("samples", {**body, "kind": "bone", "shoe": 1})) == {
            "/kind": "invalid-choice", "/shoe": "unknown-member",
        }  # fmt: skip
        assert api.post("samples", body).status == 201

    def test_the_record_of_a_change_is_not_kept(self, api: Api, path: str) -> None:
        api.patch(path, {"kind": "dna"}, If_Match='"1"')
        assert kept(SpecimenSerializer).current == {}
        api.patch(path, {"kind": "bone"}, If_Match='"2"')
        assert kept(SpecimenSerializer).current == {}
