"""Pure rules of the domain: patterns, regions, digests of what was signed. No database, no HTTP."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

ACCESSION = r"^[A-Z0-9][A-Z0-9-]{2,31}$"
"""A laboratory's accession number, upper-cased."""

CRITERION = r"(PVS1|PS[1-4]|PM[1-6]|PP[1-5]|BA1|BS[1-4]|BP[1-7])(_(Supporting|Moderate|Strong|VeryStrong))?"
"""A criterion of ACMG/AMP 2015 with the strength modifier of ClinGen's sequence variant interpretation group."""

CONDITION = r"^(MONDO:[0-9]{7}|OMIM:[0-9]{6}|ORPHA:[0-9]{1,6})$"
"""A disease as a CURIE."""

REGION = re.compile(
    r"(?:chr)?(?P<chrom>[1-9]|1[0-9]|2[0-2]|X|Y|MT|M):(?P<start>[1-9][0-9]{0,9})-(?P<end>[1-9][0-9]{0,9})", re.ASCII
)

LOOK_BACK = 1000
"""Bases before a region in which a variant's start is looked for by position; longer ones have an index of their own."""


class Region(NamedTuple):
    """1-based and inclusive; `chrom` is the stored code 1 to 25."""

    chrom: int
    start: int
    end: int


def parse_region(text: str) -> Region:
    """`7:117559590-117606000`, `chr` optional. Raises ValueError with words for the client."""
    match = REGION.fullmatch(text)
    if not match:
        raise ValueError("Must look like 7:117559590-117606000 (1-based, inclusive; chromosomes 1 to 22, X, Y, MT).")
    start, end = int(match["start"]), int(match["end"])
    if end < start:
        raise ValueError("The end lies before the start.")
    if end > 300_000_000:
        raise ValueError("The end lies beyond every chromosome.")
    return Region(chromosome_code(match["chrom"]), start, end)


def chromosome_code(name: str) -> int:
    """1 to 22, X 23, Y 24, MT (or M) 25."""
    return {"X": 23, "Y": 24, "MT": 25, "M": 25}.get(name) or int(name)


def repeated_criterion(criteria: list[str]) -> str | None:
    """The first code that is used with two strengths, or twice."""
    seen: set[str] = set()
    for criterion in criteria:
        code = criterion.split("_")[0]
        if code in seen:
            return code
        seen.add(code)
    return None


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256, in hex, of the content's canonical JSON: sorted members, no blanks, UTF-8, no fractions (RFC 8785)."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
