"""The words of the domain, each with the standard it comes from, and how states follow each other."""

from django.db.models import TextChoices

from chassis.transitions import Machine


class Sex(TextChoices):
    """HL7 FHIR R4 AdministrativeGender (Patient.gender, required binding)."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class PatientStatus(TextChoices):
    """Ours: FHIR R4 has Patient.active, and says a merge by Patient.link of type replaced-by."""

    REGISTERED = "registered"
    MERGED = "merged"
    ENTERED_IN_ERROR = "entered-in-error"


PATIENT_MACHINE = Machine(
    initial="registered",
    asked={"registered": ["merged", "entered-in-error"]},
    reasoned=frozenset({"entered-in-error"}),
    editable=frozenset({"registered"}),
)


class ConsultationKind(TextChoices):
    """HL7 v3 ActCode, ActEncounterCode: the class of an encounter."""

    AMBULATORY = "AMB"
    VIRTUAL = "VR"
    INPATIENT = "IMP"
    EMERGENCY = "EMER"
    HOME_HEALTH = "HH"


class ConsultationStatus(TextChoices):
    """HL7 FHIR R5 Encounter.status; its R4 words are in the FHIR view."""

    PLANNED = "planned"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


OPEN = ["planned", "in-progress", "on-hold"]
"""The statuses in which a consultation is still written; afterwards it takes addenda alone."""

STARTED = ["in-progress", "on-hold", "completed", "discontinued"]
ENDED = ["completed", "discontinued"]

CONSULTATION_MACHINE = Machine(
    initial="planned",
    asked={
        "planned": ["in-progress", "cancelled", "entered-in-error"],
        "in-progress": ["on-hold", "completed", "discontinued", "entered-in-error"],
        "on-hold": ["in-progress", "discontinued", "entered-in-error"],
        "completed": ["entered-in-error"],
        "discontinued": ["entered-in-error"],
        "cancelled": ["entered-in-error"],
    },
    reasoned=frozenset({"discontinued", "entered-in-error"}),
    editable=frozenset(OPEN),
)


class EntryStatus(TextChoices):
    """What is written below a consultation; HL7 FHIR R4 Observation.status calls it final and entered-in-error."""

    RECORDED = "recorded"
    ENTERED_IN_ERROR = "entered-in-error"


ENTRY_MACHINE = Machine(
    initial="recorded",
    asked={"recorded": ["entered-in-error"]},
    reasoned=frozenset({"entered-in-error"}),
    editable=frozenset({"recorded"}),
)

ADDENDUM_MACHINE = Machine(
    initial="recorded",
    asked={"recorded": ["entered-in-error"]},
    reasoned=frozenset({"entered-in-error"}),
)


class CodeSystem(TextChoices):
    """Terminologies of diagnoses; `rules.CODES` has the pattern of each."""

    SNOMED_CT = "SNOMED CT", "SNOMED CT"
    ICD_10 = "ICD-10", "ICD-10"
    ICD_10_CM = "ICD-10-CM", "ICD-10-CM"
    MONDO = "MONDO", "MONDO"
    OMIM = "OMIM", "OMIM"
    ORPHA = "ORPHA", "ORPHA"


class ClinicalStatus(TextChoices):
    """HL7 FHIR R4 condition-clinical (required binding)."""

    ACTIVE = "active"
    RECURRENCE = "recurrence"
    RELAPSE = "relapse"
    INACTIVE = "inactive"
    REMISSION = "remission"
    RESOLVED = "resolved"


ACTIVE = ["active", "recurrence", "relapse"]
ABATED = ["inactive", "remission", "resolved"]
"""What a condition that has abated may be (FHIR R4 con-4)."""


class VerificationStatus(TextChoices):
    """HL7 FHIR R4 condition-ver-status (required binding): the states of a diagnosis."""

    UNCONFIRMED = "unconfirmed"
    PROVISIONAL = "provisional"
    DIFFERENTIAL = "differential"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    ENTERED_IN_ERROR = "entered-in-error"


DIAGNOSIS_MACHINE = Machine(
    initial="unconfirmed",
    asked={
        "unconfirmed": ["provisional", "differential", "confirmed", "refuted", "entered-in-error"],
        "provisional": ["unconfirmed", "differential", "confirmed", "refuted", "entered-in-error"],
        "differential": ["unconfirmed", "provisional", "confirmed", "refuted", "entered-in-error"],
        "confirmed": ["refuted", "entered-in-error"],
        "refuted": ["entered-in-error"],
    },
    reasoned=frozenset({"entered-in-error"}),
    editable=frozenset({"unconfirmed", "provisional", "differential", "confirmed", "refuted"}),
    begins=frozenset({"provisional", "differential", "confirmed", "refuted"}),
)


class Severity(TextChoices):
    """HL7 FHIR R4 condition-severity (preferred), coded in SNOMED CT."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Relation(TextChoices):
    """What a consultation did with an analysis."""

    ORDERED = "ordered"
    REVIEWED = "reviewed"
    DISCUSSED = "discussed"


class Verification(TextChoices):
    """Whether the other service confirmed that the analysis is this patient's."""

    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"
    GONE = "gone"


SETTLED = ["verified", "rejected", "gone"]
"""What a pending link becomes, once; see docs/adr/0010."""
