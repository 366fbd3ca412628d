"""Data types of HL7 FHIR R4 as plain dictionaries, ready for JSON; nothing of a domain.

FHIR JSON knows no null and no empty array or object (https://hl7.org/fhir/R4/json.html). Whatever is made here passes
through `present`, which leaves such members out, so that a service maps a value without asking whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Element = dict[str, Any]

MEDIA_TYPE = "application/fhir+json"
# The system of an identifier that is itself a URI (R4, Identifier.system).
URI = "urn:ietf:rfc:3986"
# The URIs by which HL7 names code systems that more than one service may use.
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
HPO = "http://human-phenotype-ontology.org"
MONDO = "http://purl.obolibrary.org/obo/mondo.owl"
OMIM = "http://www.omim.org"
ORPHANET = "http://www.orpha.net"
# What HL7 has asked LOINC for and not got yet.
TO_BE_DETERMINED = "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SERVICE_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"

# By the prefix of a CURIE: the code system, and whether its codes carry the prefix.
_CURIES = {"HP": (HPO, True), "MONDO": (MONDO, True), "OMIM": (OMIM, False), "ORPHA": (ORPHANET, False)}


def present(**members: Any) -> Element:
    """The members that say something, in the order given; false and 0 do. `**{"class": …}` names one as Python cannot."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}


def instant(moment: datetime) -> str:
    """A FHIR instant: RFC 3339 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def coding(system: str, code: str, display: str | None = None) -> Element:
    return present(system=system, code=code, display=display)


def curie_coding(curie: str, display: str | None = None) -> Element:
    """A term of HPO, MONDO, OMIM or Orphanet, as its code system writes it."""
    prefix, _, number = curie.partition(":")
    system, prefixed = _CURIES[prefix]
    return coding(system, curie if prefixed else number, display)


def concept(*codings: Element, text: str | None = None) -> Element:
    """A CodeableConcept; text alone where no code system has the concept."""
    return present(coding=list(codings), text=text)


def identifier(value: str, *, system: str | None = None, assigner: str | None = None) -> Element:
    """A business identifier. `assigner` names the organization within which it is unique, where no URI does."""
    return present(system=system, value=value, assigner=present(display=assigner))


def uuid_identifier(id: Any) -> Element:
    """A UUID as a business identifier, which is what a record of another service is known by."""
    return identifier(f"urn:uuid:{id}", system=URI)


def resource(kind: str, id: Any, **members: Any) -> Element:
    return present(resourceType=kind, id=str(id), **members)


def reference(target: Element) -> Element:
    """A reference to a resource of the same bundle."""
    return {"reference": full_url(target)}


def logical_reference(kind: str, known_as: Element) -> Element:
    """A reference to what is not in the bundle, by its business identifier."""
    return {"type": kind, "identifier": known_as}


def full_url(target: Element) -> str:
    """Resources are rendered, not served one by one, so they have no URL to be read at."""
    return f"urn:uuid:{target['id']}"


def bundle(kind: str, resources: Iterable[Element], *, timestamp: str | None = None) -> Element:
    """A Bundle whose entries can refer to each other by `reference`."""
    entries = [{"fullUrl": full_url(entry), "resource": entry} for entry in resources]
    return present(resourceType="Bundle", type=kind, timestamp=timestamp, entry=entries)
