"""Representations of this service's resources, each declared once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import F
from rest_framework import serializers

from chassis.representation import Computed
from chassis.serializers import (
    RECORD_FIELDS,
    ChoiceField,
    ListField,
    RecordSerializer,
    StrictSerializer,
    Text,
    TransitionSerializer,
    UUIDField,
    matching,
)

from . import choices, rules
from .models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype


class PartialDateField(Text):
    """YYYY, YYYY-MM or YYYY-MM-DD."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, max_length=10, **options)
        self.validators.append(matching(f"^{rules.PARTIAL_DATE}$", "Must be YYYY, YYYY-MM or YYYY-MM-DD."))

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if len(text) == 10 and not rules.is_partial_date(text):
            raise serializers.ValidationError("There is no such date.", code="invalid")
        return text


class MomentField(Text):
    """A partial date, an age or a term of onset."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, max_length=20, **options)
        message = "Must be a partial date, an ISO 8601 age such as P1Y3M, or an onset term of HPO."
        self.validators.append(matching(rules.ONSET, message))

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if len(text) == 10 and text[:1].isdigit() and not rules.is_onset(text):
            raise serializers.ValidationError("There is no such date.", code="invalid")
        return text


class PatientSerializer(RecordSerializer):
    mrn_system = Text(
        max_length=200,
        validators=[matching(rules.MRN_SYSTEM, "Must be a URI such as urn:oid:2.16.840.1.113883.19.5.")],
        help_text="Who gave the number, as a URI.",
    )
    mrn = Text(max_length=64, help_text="The hospital's number of the patient; leading zeros are kept.")
    family_name = Text(required=False, allow_null=True, max_length=100, help_text="Null for who has none.")
    given_names = ListField(child=Text(max_length=100), required=False, max_length=20, help_text="In their order.")
    birth_date = PartialDateField(help_text="As much of it as is known.")
    deceased_on = PartialDateField(help_text="As much of it as is known.")
    merged_into = UUIDField(
        source="merged_into_id", read_only=True, allow_null=True, help_text="The record to use instead of a merged one."
    )

    class Meta:
        model = Patient
        example: ClassVar = {
            "mrn_system": "urn:oid:2.16.840.1.113883.19.5",
            "mrn": "00012345",
            "family_name": "Okafor",
            "given_names": ["Ada"],
            "birth_date": "1980-04",
            "sex": "female",
        }
        fields: ClassVar = [
            "id", "mrn_system", "mrn", "family_name", "given_names", "birth_date", "sex", "deceased_on", "active", "merged_into",
            *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS)

    def validate_mrn(self, mrn: str) -> str:
        if not rules.is_record_number(mrn):
            raise serializers.ValidationError(
                "Must not hold what is invisible or looks like another character.", code="mrn"
            )
        return mrn


class PatientTransitionSerializer(TransitionSerializer):
    """A merge names the surviving record."""

    into = UUIDField(required=False, help_text="With `merged`: the patient who stays.")


class ConsultationSerializer(RecordSerializer):
    patient = UUIDField(source="patient_id", help_text="An active patient.")
    practitioner = Text(
        required=False, allow_blank=True, max_length=250, help_text="A token's subject; by default the caller's."
    )
    reason = Text(required=False, allow_blank=True, max_length=500, multiline=True)
    note = Text(required=False, allow_blank=True, max_length=20_000, multiline=True)

    class Meta:
        model = Consultation
        example: ClassVar = {
            "patient": "01890a5d-ac96-774b-bcce-b302099a8057",
            "kind": "AMB",
            "scheduled_at": "2026-11-25T09:00:00+01:00",
            "reason": "Overgrowth of the left leg; exome reported.",
        }
        fields: ClassVar = [
            "id", "patient", "kind", "practitioner", "scheduled_at", "started_at", "ended_at", "reason", "note", *RECORD_FIELDS,
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS)


class EntrySerializer(RecordSerializer):
    """What stands below a consultation shows which."""

    consultation = UUIDField(source="consultation_id", read_only=True)


class PhenotypeSerializer(EntrySerializer):
    term = Text(
        max_length=10,
        validators=[matching(rules.PHENOTYPE, "Must be a term of HPO such as HP:0001250.")],
        help_text="A term of the Human Phenotype Ontology.",
    )
    onset = MomentField(help_text="When it began: a partial date, an ISO 8601 age, or an onset term of HPO.")

    class Meta:
        model = Phenotype
        example: ClassVar = {"term": "HP:0001250", "excluded": False, "onset": "2019"}
        fields: ClassVar = ["id", "consultation", "term", "excluded", "onset", *RECORD_FIELDS]
        read_only_fields = ("id", *RECORD_FIELDS)


class AddendumSerializer(EntrySerializer):
    note = Text(max_length=20_000, multiline=True)

    class Meta:
        model = Addendum
        example: ClassVar = {"note": "The patient called: the seizures began in March."}
        fields: ClassVar = ["id", "consultation", "note", *RECORD_FIELDS]
        read_only_fields = ("id", *RECORD_FIELDS)


class CodingSerializer(StrictSerializer):
    """A code of a published terminology."""

    system = ChoiceField(choices=choices.CodeSystem.choices)
    code = Text(max_length=20)
    display = Text(required=False, max_length=255, help_text="The term's words as they were when it was chosen.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not rules.is_code(attrs["system"], attrs["code"]):
            raise serializers.ValidationError({"code": [f"Is no code of {attrs['system']}."]}, code="wrong-code")
        return attrs


class DiagnosisSerializer(RecordSerializer):
    patient = UUIDField(source="patient_id", help_text="An active patient.")
    consultation = UUIDField(
        source="consultation_id", required=False, allow_null=True, help_text="An open consultation of this patient."
    )
    codings = ListField(
        child=CodingSerializer(), min_length=1, max_length=20, help_text="The first is the primary one."
    )
    display = Text(
        required=False, allow_blank=True, max_length=255, help_text="The diagnosis in the practitioner's words."
    )
    clinical_status = ChoiceField(
        choices=choices.ClinicalStatus.choices, allow_null=True, help_text="Null once entered in error, and only then."
    )
    verification_status = ChoiceField(
        source="status",
        choices=choices.VerificationStatus.choices,
        required=False,
        help_text="Later moved by transitions.",
    )
    onset = MomentField(help_text="When it began: a partial date, an ISO 8601 age, or an onset term of HPO.")
    abated = MomentField(help_text="When it ended, likewise.")

    class Meta:
        model = Diagnosis
        example: ClassVar = {
            "patient": "01890a5d-ac96-774b-bcce-b302099a8057",
            "codings": [{"system": "MONDO", "code": "MONDO:0016054"}],
            "clinical_status": "active",
            "verification_status": "confirmed",
        }
        fields: ClassVar = [
            "id", "patient", "consultation", "codings", "display", "clinical_status", "verification_status", "severity", "onset",
            "abated", *RECORD_FIELDS[1:],
        ]  # fmt: skip
        read_only_fields = ("id", *RECORD_FIELDS[1:])

    @property
    def removable(self) -> dict[str, str]:
        """Null does not move verification_status either."""
        return {name: source for name, source in super().removable.items() if name != "verification_status"}

    def validate_codings(self, codings: list[dict[str, str]]) -> list[dict[str, str]]:
        if len({(coding["system"], coding["code"]) for coding in codings}) != len(codings):
            raise serializers.ValidationError("Names a code twice.", code="repeated")
        return codings

    def validate_verification_status(self, status: str) -> str:
        if self.current and status != self.current["verification_status"]:
            raise serializers.ValidationError("Changes by a transition alone.", code="read-only")
        if not self.current and status == "entered-in-error":
            raise serializers.ValidationError("No diagnosis begins as an error.", code="invalid-choice")
        return status


class GenomicLinkSerializer(EntrySerializer):
    analysis_id = UUIDField(help_text="An analysis of the genomics service.")
    snapshot = Computed(
        F("snapshot"),
        serializers.DictField(allow_null=True),
        help_text="The analysis as it was when the link was verified.",
    )

    class Meta:
        model = GenomicLink
        example: ClassVar = {"analysis_id": "019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d12", "relation": "reviewed"}
        checked: ClassVar = ["verification", "snapshot", "checked_at"]
        fields: ClassVar = ["id", "consultation", "analysis_id", "relation", *checked, *RECORD_FIELDS]
        read_only_fields = ("id", "verification", "checked_at", *RECORD_FIELDS)
