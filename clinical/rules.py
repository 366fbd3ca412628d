"""Pure rules of the domain: partial dates, ages, the codes of diagnoses. No database, no HTTP."""

from __future__ import annotations

import calendar
import re
import unicodedata

PARTIAL_DATE = r"(18|19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
"""YYYY, YYYY-MM or YYYY-MM-DD (HL7 FHIR R4 `date`), as medicine often knows no more."""

AGE = r"P([0-9]{1,3}W|(?=[0-9])([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,4}D)?)"
"""An age as an ISO 8601 duration, such as P1Y3M (Phenopackets v2 Age)."""

ONSET_TERMS = {
    "HP:0030674": "antenatal",
    "HP:0011460": "embryonal",
    "HP:0011461": "fetal",
    "HP:0034199": "late first trimester",
    "HP:0034198": "second trimester",
    "HP:0034197": "third trimester",
    "HP:0003577": "congenital",
    "HP:0003623": "neonatal",
    "HP:0410280": "pediatric",
    "HP:0003593": "infantile",
    "HP:0011463": "childhood",
    "HP:0003621": "juvenile",
    "HP:0003581": "adult",
    "HP:0011462": "young adult",
    "HP:0025708": "early young adult",
    "HP:0025709": "intermediate young adult",
    "HP:0025710": "late young adult",
    "HP:0003596": "middle age",
    "HP:0003584": "late",
    "HP:4000040": "puerperal",
    "HP:6000314": "perimenopausal",
    "HP:6000315": "postmenopausal",
}
"""Human Phenotype Ontology: the terms below HP:0003674 (Onset)."""

ONSET = rf"^({PARTIAL_DATE}|{AGE}|{'|'.join(ONSET_TERMS)})$"
"""When something began or ended: a partial date, an age, or a term. (That the calendar has the date is not in it.)"""

MRN_SYSTEM = r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$"
"""A URI that names who gave a number (RFC 3986 §3), such as urn:oid:2.16.840.1.113883.19.5."""

PHENOTYPE = r"^HP:[0-9]{7}$"
"""A term of the Human Phenotype Ontology."""

CODES = {
    # An identifier of a concept: its partition is 00, or 10 after a namespace; its last digit checks the others (SCTID).
    "SNOMED CT": r"([1-9][0-9]{2,14}00|[1-9][0-9]{7,14}10)[0-9]",
    "ICD-10": r"[A-Z][0-9]{2}(\.[0-9]{1,2})?",
    "ICD-10-CM": r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?",
    "MONDO": r"MONDO:[0-9]{7}",
    "OMIM": r"OMIM:[0-9]{6}",
    "ORPHA": r"ORPHA:[0-9]{1,6}",
}

# Verhoeff's check digit: the multiplication of the dihedral group D5, and the permutation of each position.
DIHEDRAL = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
            "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def is_record_number(text: str) -> bool:
    """Whether the number looks like itself: no compatibility form (NFKC), nothing invisible, no blank but the common one."""
    hidden = any(unicodedata.category(character) in {"Cf", "Zs"} for character in text.replace(" ", ""))
    return not hidden and unicodedata.is_normalized("NFKC", text)


def is_partial_date(text: str) -> bool:
    """Whether the text is a partial date that the calendar has."""
    if not re.fullmatch(PARTIAL_DATE, text, re.ASCII):
        return False
    year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
    return day <= calendar.monthrange(year, month)[1]


def is_onset(text: str) -> bool:
    """Whether the text is a partial date, an age, or a term of onset."""
    return is_partial_date(text) or bool(re.fullmatch(AGE, text, re.ASCII)) or text in ONSET_TERMS


def has_check_digit(number: str) -> bool:
    """Whether the last digit is Verhoeff's of the others."""
    check = 0
    for position, digit in enumerate(reversed(number)):
        check = int(DIHEDRAL[check][int(PERMUTED[position % 8][int(digit)])])
    return check == 0


def is_code(system: str, code: str) -> bool:
    """Whether the code has the form of its system's codes. Nothing says that the system holds it."""
    pattern = CODES[system]
    return bool(re.fullmatch(pattern, code, re.ASCII)) and (system != "SNOMED CT" or has_check_digit(code))
