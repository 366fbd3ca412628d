"""The words of the domain, each with the standard it comes from, and how states follow each other."""

from django.db.models import TextChoices

from chassis.transitions import Machine


class Kind(TextChoices):
    """What the specimen is (HL7 FHIR R4 Specimen.type, coded in SNOMED CT)."""

    BLOOD = "blood"
    SALIVA = "saliva"
    TISSUE = "tissue"
    DNA = "dna"
    RNA = "rna"
    OTHER = "other"


class Origin(TextChoices):
    """Genomic source class (LOINC 48002-0, answer list LL378-1)."""

    GERMLINE = "germline"
    SOMATIC = "somatic"
    UNKNOWN = "unknown"


class Preservation(TextChoices):
    """How it is kept (SPREC, the pre-analytical code of ISBER); null where nobody wrote it down."""

    FRESH = "fresh"
    FROZEN = "frozen"
    PARAFFIN = "paraffin"


class Status(TextChoices):
    """After FHIR R4 Specimen.status: available, unavailable (exhausted), unsatisfactory (rejected), entered-in-error."""

    EXPECTED = "expected"
    AVAILABLE = "available"
    EXHAUSTED = "exhausted"
    REJECTED = "rejected"
    ENTERED_IN_ERROR = "entered-in-error"


MACHINE = Machine(
    initial="expected",
    asked={
        "expected": ["available", "rejected", "entered-in-error"],
        "available": ["exhausted", "rejected", "entered-in-error"],
        "exhausted": ["entered-in-error"],
        "rejected": ["entered-in-error"],
    },
    reasoned=frozenset({"rejected", "entered-in-error"}),
    editable=frozenset({"expected", "available"}),
    # What is discarded cannot be drawn again from everybody: that takes a right of its own.
    scopes={"exhausted": "discard"},
)
