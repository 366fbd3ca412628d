"""VCF 4.x: read from a stream into alleles, checked strictly; written from them again.

Standard library only, and nothing of the house: this is floor 1.
"""

from .alleles import Allele, Mate, allele_id, mate
from .faults import Fault, TooLarge, UnsupportedMedia, VCFError, Warning
from .framing import Limits
from .reader import Line, Reader
from .window import Window
from .writer import vcf_lines

__all__ = [
    "Allele",
    "Fault",
    "Limits",
    "Line",
    "Mate",
    "Reader",
    "TooLarge",
    "UnsupportedMedia",
    "VCFError",
    "Warning",
    "Window",
    "allele_id",
    "mate",
    "vcf_lines",
]
