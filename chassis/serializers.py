"""Shape of what comes in, strictly: JSON types as declared, no unknown member, no changed read-only member."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast

from django.core.validators import RegexValidator
from django.db import models
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import UniqueValidator

from .problems import MAX_FAULTS
from .text import control_character, normalised

# RFC 3339 §5.6; the offset is required, because a naive time in a hospital network is somebody's guess.
RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:[0-5]\d)", re.ASCII)
HYPHENATED = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
MISSING_MEMBER = serializers.ErrorDetail("This field is required.", code="required")
# What every record has, and the server makes: they stand last in each representation.
RECORD_FIELDS = ["status", "status_reason", "version", "created_at", "created_by", "updated_at", "updated_by"]
S = TypeVar("S", bound=serializers.BaseSerializer[Any])
UNKNOWN_MEMBER = serializers.ErrorDetail("There is no such member.", code="unknown-member")


def matching(pattern: str, message: str) -> RegexValidator:
    """A pattern in words; OpenAPI shows the pattern itself."""
    return RegexValidator(pattern, message, code="pattern")


class Text(serializers.CharField):
    """A JSON string, NFC and trimmed, without control characters; `multiline` allows line feeds and tabs."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "Must be a string.",
        "control-character": "Must not hold control characters.",
    }

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        super().__init__(trim_whitespace=False, **options)

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str):
            if control_character(data, multiline=self.multiline):
                self.fail("control-character")
            data = normalised(data)
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class UUIDField(serializers.UUIDField):
    """A JSON string in the hyphenated form of RFC 9562 §4."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str) or not HYPHENATED.fullmatch(data):
            raise serializers.ValidationError("Must be a UUID in its hyphenated form.", code="invalid")
        return uuid.UUID(data)


class TimestampField(serializers.DateTimeField):
    """RFC 3339 with an offset; kept in UTC with microseconds."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not RFC3339.fullmatch(value):
            raise serializers.ValidationError("Must be an RFC 3339 date-time with an offset.", code="invalid")
        try:
            # Beyond year 9999 in UTC, or a leap second: real calendars have them, datetime does not.
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise serializers.ValidationError("There is no such date and time.", code="invalid") from None


class ChoiceField(serializers.ChoiceField):
    """One of the published words, as a JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(
                f"Must be one of {', '.join(map(str, self.choices))}.", code="invalid-choice"
            )
        return data


class BooleanField(serializers.BooleanField):
    """A JSON boolean; DRF alone would take "yes" and 1 too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.", code="invalid")
        return data


class ListField(serializers.ListField):
    """A JSON array; DRF alone would take other iterables and form data too."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("Must be an array.", code="invalid")
        if self.max_length is not None and len(data) > self.max_length:  # DRF alone judges every element first
            raise serializers.ValidationError(f"Must have at most {self.max_length} elements.", code="max_length")
        return list(super().to_internal_value(data))


class RecordSerializer(serializers.ModelSerializer[Any]):
    """Declares a resource's representation once: validation, the read path and OpenAPI all come from its fields."""

    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.TextField: Text,
        models.UUIDField: UUIDField,
        models.DateTimeField: TimestampField,
        models.BooleanField: BooleanField,
    }
    serializer_choice_field = ChoiceField
    # The record as the client last read it; empty at creation.
    current: Mapping[str, Any] = MappingProxyType({})

    def get_validators(self) -> list[Any]:
        # The database judges uniqueness, in the same statement that writes: asking before would only be a race.
        return []

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        field_class, options = super().build_standard_field(field_name, model_field)
        validators = [v for v in options.pop("validators", []) if not isinstance(v, UniqueValidator)]
        if validators:  # an empty list would switch off the field's own as well
            options["validators"] = validators
        return field_class, options

    @classmethod
    def validated(cls, document: Any, *, current: Mapping[str, Any], partial: bool = False) -> dict[str, Any]:
        """The columns and values that a body means. Raises ValidationError."""
        serializer = kept(cls)
        serializer.current, serializer.partial = current, partial
        try:
            return dict(serializer.run_validation(document))
        finally:
            serializer.current = cls.current  # a patient's record stays no longer than its request

    def to_internal_value(self, data: Any) -> Any:
        unknown = islice((name for name in data if name not in self.fields), MAX_FAULTS)
        faults: dict[str, Any] = {name: [UNKNOWN_MEMBER] for name in unknown}
        for name in data:
            declared = self.fields.get(name)
            if declared and declared.read_only and not _same(data[name], self.current.get(name, empty)):
                faults[name] = [serializers.ErrorDetail("The server makes this member.", code="read-only")]
        nulls = {name for name, value in data.items() if value is None} if self.partial else set()
        removed = {name: source for name, source in self.removable.items() if name in nulls}
        try:
            values = super().to_internal_value({name: data[name] for name in data if name not in removed})
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**cast("dict[str, Any]", error.detail), **faults}) from None
        if faults:
            raise serializers.ValidationError(faults)
        if self.partial:
            return {**values, **{source: self._defaults()[source] for source in removed.values()}}
        return {**self._defaults(), **values} if self.current else values

    @property
    def removable(self) -> dict[str, str]:
        """Members that null removes in a merge patch (RFC 7396 §2), and their columns; null is no value of these."""
        return {
            name: str(field.source)
            for name, field in self.fields.items()
            if not (field.read_only or field.required or field.allow_null)
        }

    def _defaults(self) -> dict[str, Any]:
        """Where members go that a PUT leaves out (its body is the whole record, RFC 9110 §9.3.4) or a PATCH removes."""
        meta = self.Meta.model._meta  # type: ignore[attr-defined]  # each subclass has a Meta
        writable = [str(field.source) for field in self.fields.values() if not field.read_only]
        return {source: meta.get_field(source).get_default() for source in writable}


class _Kept(threading.local):
    def __init__(self) -> None:
        self.by_class: dict[Any, Any] = {}


_kept = _Kept()


def kept(serializer_class: type[S]) -> S:
    """This thread's serializer of the class. To make its fields takes three times as long as to judge a body by them.

    It remembers nothing of a body; what else its owner tells it stays until it is told something else.
    """
    if serializer_class not in _kept.by_class:
        _kept.by_class[serializer_class] = serializer_class()
    return cast("S", _kept.by_class[serializer_class])


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; in Python alone, true would equal 1."""
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))


class StrictSerializer(serializers.Serializer[Any]):
    """An object whose members are all declared, and there: a merge patch replaces what stands in a list whole (RFC 7396)."""

    def to_internal_value(self, data: Any) -> Any:
        members: Mapping[str, Any] = data if isinstance(data, Mapping) else self.fields
        unknown = islice((name for name in members if name not in self.fields), MAX_FAULTS)
        faults: dict[str, Any] = {name: [UNKNOWN_MEMBER] for name in unknown}
        # DRF alone takes the outer object's `partial` for the inner one's.
        faults |= {
            name: [MISSING_MEMBER] for name, field in self.fields.items() if field.required and name not in members
        }
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**cast("dict[str, Any]", error.detail), **faults}) from None
        if faults:
            raise serializers.ValidationError(faults)
        return values


class TransitionSerializer(StrictSerializer):
    """The body of a transition. `to` gets its choices from the resource's machine; a resource may add members."""

    to = ChoiceField(choices=[], help_text="The status to move to.")
    reason = Text(required=False, default="", allow_blank=True, max_length=1000, multiline=True)
