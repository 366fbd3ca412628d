"""The tables of this service, and the invariants that the database holds for it."""

from .addendum import Addendum
from .consultation import Consultation
from .diagnosis import CodingsAreValid, Diagnosis
from .genomic_link import GenomicLink
from .patient import Patient
from .phenotype import Phenotype

__all__ = ["Addendum", "CodingsAreValid", "Consultation", "Diagnosis", "GenomicLink", "Patient", "Phenotype"]
