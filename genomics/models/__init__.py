"""The tables of this service, and the invariants that the database holds for it."""

from .analysis import Analysis
from .finding import CriteriaAreDistinct, Finding
from .report import Report
from .sample import Sample
from .variant import Variant

__all__ = ["Analysis", "CriteriaAreDistinct", "Finding", "Report", "Sample", "Variant"]
