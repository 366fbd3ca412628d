"""chassis/representation.py"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.models import F, Value
from rest_framework import serializers

from chassis.representation import Computed, JSONRow, JSONText, Timestamp, history_json_of, json_of
from chassis.serializers import RecordSerializer
from tests.api import Api
from tests.database import execute
from tests.example import factories
from tests.example.models import Specimen
from tests.example.serializers import SpecimenSerializer


class WithComputed(RecordSerializer):
    shout = Computed(Value("X"), serializers.CharField(), history=False)

    class Meta:
        model = Specimen
        fields = ("accession", "shout")


def text(expression: Any, **lookup: Any) -> str:
    return str(Specimen.objects.filter(**lookup).values_list(expression, flat=True).get())


class TestJSONText:
    def test_it_is_json_in_the_order_given(self, sample: dict[str, Any]) -> None:
        found = text(JSONText(b=F("kind"), a=F("version"), c=F("parent_id")))
        assert found == '{"b" : "blood", "a" : 1, "c" : null}'

    @pytest.mark.parametrize("awkward", ['"', "\\", "\n", "\u2028", "</script>", "😀", "é", "%s", "{}"])
    def test_whatever_text_it_holds(self, sample: dict[str, Any], awkward: str) -> None:
        execute("UPDATE example_specimen SET status_reason = %s WHERE id = %s", awkward, sample["id"])
        assert json.loads(text(JSONText(a=F("status_reason")))) == {"a": awkward}

    def test_objects_nest(self, sample: dict[str, Any]) -> None:
        assert json.loads(text(JSONText(a=JSONRow(b=F("kind"))))) == {"a": {"b": "blood"}}


class TestTimestamp:
    @pytest.mark.parametrize(
        ("kept", "shown"),
        [
            ("2026-11-18 08:30:00+00", "2026-11-18T08:30:00Z"),
            ("2026-11-18 08:30:00.25+02", "2026-11-18T06:30:00.25Z"),
            ("2026-11-18 08:30:00.000001+00", "2026-11-18T08:30:00.000001Z"),
            ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00Z"),
        ],
    )
    def test_it_is_rfc_3339_in_utc(self, sample: dict[str, Any], kept: str, shown: str) -> None:
        execute("UPDATE example_specimen SET collected_at = %s WHERE id = %s", kept, sample["id"])
        assert text(Timestamp(F("collected_at"))) == shown

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def test_whatever_the_zone_of_the_session(self, sample: dict[str, Any], zone: str) -> None:
        execute(f"SET LOCAL timezone = '{zone}'")
        assert text(Timestamp(F("collected_at"))) == "2026-11-18T08:30:00Z"

    def test_null_stays_null(self, api: Api) -> None:
        factories.sample(api, received_at=None)
        assert Specimen.objects.values_list(Timestamp(F("received_at")), flat=True).get() is None


class TestJsonOf:
    def test_it_has_the_serializer_s_members_in_their_order(self, api: Api, path: str) -> None:
        assert list(api.get(path).json) == SpecimenSerializer.Meta.fields

    def test_it_is_compiled_once(self) -> None:
        assert json_of(SpecimenSerializer) is json_of(SpecimenSerializer)

    def test_a_computed_member_is_its_expression(self, sample: dict[str, Any]) -> None:
        assert json.loads(text(json_of(WithComputed))) == {"accession": sample["accession"], "shout": "X"}

    def test_a_computed_member_may_stay_out_of_the_past(self) -> None:
        assert json_of(WithComputed, past=True).names == ("accession",)

    def test_json_columns_stay_json(self, api: Api, path: str) -> None:
        kept = api.call("PUT", f"{path}/picture", b"123", content_type="image/png")
        assert (kept.status, kept.json["bytes"]) == (200, 3)
        assert api.get(path).json["picture"] == kept.json

    def test_no_value_passes_as_a_parameter(self) -> None:
        """So that psycopg prepares one statement for all."""
        _, parameters = Specimen.objects.values_list(json_of(SpecimenSerializer)).query.sql_with_params()
        assert parameters == ()


class TestHistoryJsonOf:
    def test_it_wraps_the_record(self) -> None:
        names = history_json_of(SpecimenSerializer).names
        assert names == ("at", "action", "actor", "request_id", "trace_id", "version", "record")


class TestComputed:
    def test_it_is_read_only(self, api: Api) -> None:
        assert WithComputed().fields["shout"].read_only
