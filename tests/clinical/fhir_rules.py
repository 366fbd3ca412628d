"""Rows for tests/fhir_r4.py of the resources that this service alone shows, and what a test asks of a bundle."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from tests import fhir_r4
from tests.fhir_r4 import Fault, Rule, objects

Json = dict[str, Any]

CODES = {
    "DocumentReference.status": "current superseded entered-in-error",
    "DocumentReference.docStatus": "preliminary final amended entered-in-error",
    "DocumentReference.relatesTo.code": "replaces transforms signs appends",
    "Procedure.status": (
        "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
    ),
    # Of R5, in the cross-version extension.
    "Encounter._status.extension.valueCode": (
        "planned in-progress on-hold discharged completed cancelled discontinued entered-in-error unknown"
    ),
}  # fmt: skip
TARGETS = {
    "DocumentReference.subject": "Patient Practitioner Group Device",
    "DocumentReference.author": "Practitioner PractitionerRole Organization Device Patient RelatedPerson",
    "DocumentReference.relatesTo.target": "DocumentReference",
    "DocumentReference.context.encounter": "Encounter EpisodeOfCare",
    "Procedure.subject": "Patient Group",
    "Procedure.encounter": "Encounter",
    "Encounter.serviceProvider": "Organization",
    "Condition.recorder": "Practitioner PractitionerRole Patient RelatedPerson",
}
RULES: dict[str, Rule] = {}

fhir_r4.CODES.update(CODES)
fhir_r4.TARGETS.update(TARGETS)


def faults(bundle: Json) -> list[Fault]:
    """What breaks the rules of all services, and these."""
    own = [Fault(key, where) for key, broken in RULES.items() for where in broken(bundle)]
    return [*fhir_r4.faults(bundle), *own]


def data_has_a_type(bundle: Json) -> Iterator[str]:
    yield from (path for path, value, _ in objects(bundle) if "data" in value and "contentType" not in value)


def data_is_base64(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        if "data" in value:
            try:
                base64.b64decode(value["data"], validate=True)
            except binascii.Error:
                yield path


def extension_stands_where_it_may(bundle: Json) -> Iterator[str]:
    """A reason of cancellation is one of an encounter that was cancelled."""
    for path, value, resource in objects(bundle):
        here = (path, resource.get("status")) == ("Encounter.extension", "cancelled")
        if str(value.get("url", "")).endswith("/encounter-reasonCancelled") and not here:
            yield path


RULES["att-1"] = data_has_a_type
RULES["base64"] = data_is_base64
RULES["context"] = extension_stands_where_it_may


def judged(bundle: Json) -> Json:
    """The bundle, which both judges pass."""
    Bundle.model_validate(bundle)
    assert faults(bundle) == []
    return bundle


def all_of(bundle: Json, kind: str) -> list[Json]:
    return list(fhir_r4.resources(bundle, kind))


def one_of(bundle: Json, kind: str) -> Json:
    (found,) = all_of(bundle, kind)
    return found


def code_of(concept: Json) -> str:
    return str(concept["coding"][0]["code"])
