"""Pure rules of the domain: patterns and the like. No database, no HTTP."""

from __future__ import annotations

ACCESSION = r"^[A-Z0-9][A-Z0-9-]{2,31}$"
"""A laboratory's accession number, upper-cased."""

UNFIT = ["rejected", "entered-in-error"]
"""The statuses of a specimen that no other is taken from."""
