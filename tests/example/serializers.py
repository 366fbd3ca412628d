"""Representations of this service's resources, each declared once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import F
from rest_framework import serializers

from chassis.representation import Computed
from chassis.serializers import RECORD_FIELDS, ListField, RecordSerializer, Text, UUIDField, matching

from .models import Specimen
from .rules import ACCESSION


class AccessionField(Text):
    """Upper-cased before it is judged: laboratories print it either way."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        # Other alphabets have capitals among A to Z (of the dotless i, of the long s), and would name another sample.
        return text.upper() if text.isascii() else text


class SpecimenSerializer(RecordSerializer):
    accession = AccessionField(
        max_length=32,
        validators=[matching(ACCESSION, "Must be 3 to 32 letters, digits and hyphens.")],
        help_text="The laboratory's number of the sample, upper-cased.",
    )
    labels = ListField(child=Text(max_length=20), required=False, max_length=8, help_text="Words on the tube.")
    comment = Text(required=False, allow_blank=True, max_length=4000, multiline=True)
    parent = UUIDField(  # type: ignore[assignment]  # `parent` is a method of nested serializers, a member of ours
        source="parent_id",
        required=False,
        allow_null=True,
        help_text="A sample of the same patient that this one was taken from.",
    )
    picture = Computed(
        F("picture"), serializers.DictField(allow_null=True), help_text="Digest and size of the picture of the tube."
    )

    class Meta:
        model = Specimen
        example: ClassVar = {
            "accession": "S-2026-0001",
            "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "kind": "blood",
            "origin": "germline",
            "collected_at": "2026-11-18T08:30:00Z",
            "received_at": "2026-11-18T10:05:00Z",
        }
        fields: ClassVar = [
            "id", "accession", "patient_id", "kind", "origin", "preservation", "labels", "comment", "collected_at", "received_at",
            "parent", "picture", *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS)
