"""What FHIR R4 asks beyond structure: required codes, invariants by their R4 keys, references, forms of primitives.

`fhir.resources` judges the structure and lets all of this pass; so the tests of each service ask both. A rule whose key
is a word and not an R4 key stands in the text of the specification, not among its constraints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

Json = dict[str, Any]


class Element(NamedTuple):
    """A JSON value with its path from the resource it stands in: `Observation.component.code`."""

    path: str
    value: Any
    resource: Json


class Fault(NamedTuple):
    """The rule that is broken, and where."""

    key: str
    where: str


Rule = Callable[[Json], Iterator[str]]
RULES: dict[str, Rule] = {}


def faults(bundle: Json) -> list[Fault]:
    """All that is wrong with a bundle, whose resources may refer to each other."""
    return [Fault(key, where) for key, broken in RULES.items() for where in broken(bundle)]


def keys(bundle: Json) -> set[str]:
    return {fault.key for fault in faults(bundle)}


def rule(key: str) -> Callable[[Rule], Rule]:
    def add(broken: Rule) -> Rule:
        RULES[key] = broken
        return broken

    return add


def elements(value: Any, path: str = "", resource: Json | None = None) -> Iterator[Element]:
    """Every value in a resource, and in the resources within it, whose paths begin anew."""
    if isinstance(value, dict) and "resourceType" in value:
        path, resource = value["resourceType"], value
    assert resource is not None
    yield Element(path, value, resource)
    if isinstance(value, dict):
        for name, member in value.items():
            for item in member if isinstance(member, list) else [member]:
                yield from elements(item, f"{path}.{name}", resource)


def objects(bundle: Json) -> Iterator[Element]:
    return (element for element in elements(bundle) if isinstance(element.value, dict))


def entries(bundle: Json) -> list[Json]:
    return list(bundle.get("entry", []))


def resources(bundle: Json, kind: str) -> Iterator[Json]:
    return (found.value for found in objects(bundle) if found.value.get("resourceType") == kind)


def codes(concept: Json | None) -> set[tuple[str | None, str | None]]:
    return {(coding.get("system"), coding.get("code")) for coding in (concept or {}).get("coding", [])}


def choice(element: Json, name: str) -> Any:
    """The value of `name[x]`, whatever its type."""
    return next((element[key] for key in element if re.fullmatch(f"{name}[A-Z]\\w*", key)), None)


# Required bindings of codes (R4), by the end of the element's path.
CODES = {
    "Bundle.type": "document message transaction transaction-response batch batch-response history searchset collection",
    "DiagnosticReport.status": (
        "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
    ),
    "Observation.status": "registered preliminary final amended corrected cancelled entered-in-error unknown",
    "Specimen.status": "available unavailable unsatisfactory entered-in-error",
    "Encounter.status": (
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    "Patient.gender": "male female other unknown",
    "Patient.link.type": "replaced-by replaces refer seealso",
    "Condition.onsetAge.comparator": "< <= >= >",
    "identifier.use": "usual official temp secondary old",
    "name.use": "usual official temp nickname anonymous old maiden",
    "text.status": "generated extensions additional empty",
    "Quantity.comparator": "< <= >= >",
}  # fmt: skip
# Required bindings of concepts: the one system, and its codes.
CONCEPTS = {
    "Condition.clinicalStatus": (
        "http://terminology.hl7.org/CodeSystem/condition-clinical",
        "active recurrence relapse inactive remission resolved",
    ),
    "Condition.verificationStatus": (
        "http://terminology.hl7.org/CodeSystem/condition-ver-status",
        "unconfirmed provisional differential confirmed refuted entered-in-error",
    ),
}
# What an element may refer to (R4), where our services refer at all.
TARGETS = {
    "DiagnosticReport.subject": "Patient Group Device Location",
    "DiagnosticReport.basedOn": "CarePlan ImmunizationRecommendation MedicationRequest NutritionOrder ServiceRequest",
    "DiagnosticReport.performer": "Practitioner PractitionerRole Organization CareTeam",
    "DiagnosticReport.resultsInterpreter": "Practitioner PractitionerRole Organization CareTeam",
    "DiagnosticReport.specimen": "Specimen",
    "DiagnosticReport.result": "Observation",
    "Observation.subject": "Patient Group Device Location",
    "Observation.encounter": "Encounter",
    "Observation.performer": "Practitioner PractitionerRole Organization CareTeam Patient RelatedPerson",
    "Observation.specimen": "Specimen",
    "Specimen.subject": "Patient Group Device Substance Location",
    "Specimen.parent": "Specimen",
    "Encounter.subject": "Patient Group",
    "Encounter.participant.individual": "Practitioner PractitionerRole RelatedPerson",
    "Encounter.diagnosis.condition": "Condition Procedure",
    "Condition.subject": "Patient Group",
    "Condition.encounter": "Encounter",
    "Condition.asserter": "Practitioner PractitionerRole Patient RelatedPerson",
    "Patient.link.other": "Patient RelatedPerson",
}
ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
DATE = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
TIME = r"T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
INSTANT = rf"\d{{4}}-\d\d-\d\d{TIME}{ZONE}"
DATETIME = rf"{DATE}|{INSTANT}"
# Forms of primitive types, by the end of the path; a list of words where many elements have the type.
FORMS = {
    "instant": (("issued", "lastUpdated", "timestamp"), INSTANT),
    "dateTime": (("DateTime", "receivedTime", "start", "end", "recordedDate", "deceasedDateTime"), DATETIME),
    "date": (("birthDate",), DATE),
    "id": (("id", "versionId"), r"[A-Za-z0-9\-.]{1,64}"),
    "uri": (("system", "fullUrl", "reference", "profile"), r"\S+"),
    "code": (("code.coding.code", "status", "gender"), r"\S+( \S+)*"),
}
COUNT = re.compile(r"[0-9]+")


@rule("binding")
def binding(bundle: Json) -> Iterator[str]:
    for path, value, _ in elements(bundle):
        for end, words in CODES.items():
            if (path == end or path.endswith(f".{end}")) and value not in words.split():
                yield path
        if path in CONCEPTS:
            system, words = CONCEPTS[path]
            if not codes(value) & {(system, word) for word in words.split()}:
                yield path


@rule("form")
def form(bundle: Json) -> Iterator[str]:
    for path, value, _ in elements(bundle):
        for ends, pattern in FORMS.values():
            # `end` and `id` are whole names; `DateTime` is the end of one.
            if any(path.endswith(end if end[0].isupper() else f".{end}") for end in ends) and isinstance(value, str):
                if not re.fullmatch(pattern, value, re.ASCII):
                    yield path
                break


@rule("check-digit")
def check_digit(bundle: Json) -> Iterator[str]:
    """A code of LOINC or SNOMED CT that was typed wrong."""
    digits = {"http://loinc.org": luhn, "http://snomed.info/sct": verhoeff}
    for path, value, _ in objects(bundle):
        sound = digits.get(value.get("system", ""))
        if sound and "code" in value and not sound(str(value["code"])):
            yield path


def luhn(code: str) -> bool:
    """LOINC: a number and its check digit by modulus 10. The letters of an answer (`LA…`) count, by the place they are at."""
    found = re.fullmatch(r"(LA)?(\d+)-(\d)", code)
    if not found:
        return False
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(found[2]))]
    letters = (5, 8)[len(doubled) % 2] if found[1] else 0
    return (letters + sum(total // 10 + total % 10 for total in doubled) + int(found[3])) % 10 == 0


def verhoeff(code: str) -> bool:
    """SNOMED CT: the last digit, by the dihedral group of order ten."""
    if not COUNT.fullmatch(code):
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[value]
        check = _dihedral(check, value)
    return check == 0


def _dihedral(one: int, other: int) -> int:
    turned = (one + other if one < 5 else one - other) % 5
    return turned + 5 * ((one < 5) != (other < 5))


@rule("ele-1")
def has_value_or_children(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        yield from (f"{path}.{name}" for name, member in value.items() if member is None or member in ("", [], {}))


@rule("ext-1")
def extension_or_value(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        if path.endswith("xtension") and ("extension" in value) == (choice(value, "value") is not None):
            yield path


@rule("dom-2")
def contained_contains_nothing(bundle: Json) -> Iterator[str]:
    yield from ("contained" for inner in contained(bundle) if "contained" in inner)


@rule("dom-3")
def contained_is_referred_to(bundle: Json) -> Iterator[str]:
    named = {found.value.get("reference") for found in objects(bundle)}
    yield from ("contained" for inner in contained(bundle) if f"#{inner.get('id')}" not in named)


@rule("dom-4")
def contained_has_no_version(bundle: Json) -> Iterator[str]:
    yield from (
        "contained" for inner in contained(bundle) if {"versionId", "lastUpdated"} & inner.get("meta", {}).keys()
    )


@rule("dom-5")
def contained_has_no_label(bundle: Json) -> Iterator[str]:
    yield from ("contained" for inner in contained(bundle) if "security" in inner.get("meta", {}))


def contained(bundle: Json) -> Iterator[Json]:
    return (inner for found in objects(bundle) for inner in found.value.get("contained", []))


def of_bundle(key: str, broken: Callable[[Json], bool]) -> None:
    RULES[key] = lambda bundle: iter(["Bundle"] if broken(bundle) else [])


def of_entries(key: str, broken: Callable[[Json, str], bool]) -> None:
    RULES[key] = lambda bundle: (
        f"Bundle.entry[{number}]"
        for number, entry in enumerate(entries(bundle))
        if broken(entry, str(bundle.get("type")))
    )


def _first_is(bundle: Json, kind: str) -> bool:
    return bool(entries(bundle)) and entries(bundle)[0].get("resource", {}).get("resourceType") == kind


REQUESTS = {"batch", "transaction", "history"}
RESPONSES = {"batch-response", "transaction-response", "history"}

of_bundle("bdl-1", lambda bundle: "total" in bundle and bundle.get("type") not in {"searchset", "history"})
of_entries("bdl-2", lambda entry, kind: "search" in entry and kind != "searchset")
of_entries("bdl-3", lambda entry, kind: ("request" in entry) != (kind in REQUESTS))
of_entries("bdl-4", lambda entry, kind: ("response" in entry) != (kind in RESPONSES))
of_entries("bdl-5", lambda entry, kind: not {"resource", "request", "response"} & entry.keys())
of_entries("bdl-8", lambda entry, kind: "/_history/" in entry.get("fullUrl", ""))
of_bundle(
    "bdl-9",
    lambda bundle: bundle.get("type") == "document" and not {"system", "value"} <= bundle.get("identifier", {}).keys(),
)
of_bundle("bdl-10", lambda bundle: bundle.get("type") == "document" and "timestamp" not in bundle)
of_bundle("bdl-11", lambda bundle: bundle.get("type") == "document" and not _first_is(bundle, "Composition"))
of_bundle("bdl-12", lambda bundle: bundle.get("type") == "message" and not _first_is(bundle, "MessageHeader"))


@rule("bdl-7")
def full_urls_differ(bundle: Json) -> Iterator[str]:
    seen = [
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId"))
        for entry in entries(bundle)
        if "fullUrl" in entry
    ]
    if bundle.get("type") != "history" and len(set(seen)) != len(seen):
        yield "Bundle.entry.fullUrl"


@rule("full-url")
def full_url_names_the_resource(bundle: Json) -> Iterator[str]:
    for number, entry in enumerate(entries(bundle)):
        id_ = entry.get("resource", {}).get("id")
        if "resource" in entry and ("fullUrl" not in entry or (id_ and not entry["fullUrl"].endswith(id_))):
            yield f"Bundle.entry[{number}].fullUrl"


def references(bundle: Json) -> Iterator[Element]:
    """Every Reference: by its members, or by standing where one stands."""
    for found in objects(bundle):
        only = found.value.keys() <= {"reference", "type", "identifier", "display", "extension", "id"}
        if found.path in TARGETS or (only and "reference" in found.value):
            yield found


def target(bundle: Json, found: Element) -> Json | None:
    """The resource that a literal reference names."""
    named = str(found.value["reference"])
    if named.startswith("#"):
        inner: list[Json] = found.resource.get("contained", [])
        return next((one for one in inner if one.get("id") == named[1:]), None)
    for entry in entries(bundle):
        held: Json = entry.get("resource", {})
        if named in {entry.get("fullUrl"), f"{held.get('resourceType')}/{held.get('id')}"}:
            return held
    return None


@rule("resolves")
def resolves(bundle: Json) -> Iterator[str]:
    """A literal reference names an entry; what is elsewhere is named by its identifier (a transaction may search it)."""
    for found in references(bundle):
        if "reference" not in found.value:
            if "identifier" not in found.value:
                yield found.path
            continue
        searched = bundle.get("type") == "transaction" and "?" in found.value["reference"]
        if not (searched or found.value["reference"].startswith("#") or target(bundle, found)):
            yield found.path


@rule("ref-1")
def contained_target_is_there(bundle: Json) -> Iterator[str]:
    for found in references(bundle):
        if str(found.value.get("reference", "")).startswith("#") and not target(bundle, found):
            yield found.path


@rule("target")
def target_has_the_right_type(bundle: Json) -> Iterator[str]:
    for found in references(bundle):
        named = target(bundle, found) if "reference" in found.value else None
        kinds = {named["resourceType"] if named else None, found.value.get("type")} - {None}
        if found.path in TARGETS and not kinds <= set(TARGETS[found.path].split()):
            yield found.path


@rule("per-1")
def period_begins_before_its_end(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        if (
            path.lower().endswith("period")
            and {"start", "end"} <= value.keys()
            and _after(value["start"], value["end"])
        ):
            yield path


def _after(start: str, end: str) -> bool:
    if re.fullmatch(INSTANT, start) and re.fullmatch(INSTANT, end):
        return datetime.fromisoformat(start) > datetime.fromisoformat(end)
    # Dates may be partial, and are compared as far as both go.
    days = [text.partition("T")[0] for text in (start, end)]
    shortest = min(map(len, days))
    return days[0][:shortest] > days[1][:shortest]


@rule("rng-2")
def range_rises(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        low, high = (value.get(name) for name in ("low", "high"))
        if isinstance(low, dict) and isinstance(high, dict) and low.get("value", 0) > high.get("value", 0):
            yield path


@rule("qty-3")
def code_of_a_unit_has_a_system(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        if path.endswith(("Quantity", "Age", ".low", ".high")) and "code" in value and "system" not in value:
            yield path


@rule("age-1")
def age_is_a_time(bundle: Json) -> Iterator[str]:
    for path, value, _ in objects(bundle):
        if path.endswith("Age") and "value" in value:
            unit = value.get("system", "http://unitsofmeasure.org") == "http://unitsofmeasure.org"
            if not (unit and value.get("code") in {"a", "mo", "wk", "d", "h", "min"} and value["value"] > 0):
                yield path


@rule("obs-3")
def range_of_reference_says_something(bundle: Json) -> Iterator[str]:
    for found in objects(bundle):
        if found.path.endswith(".referenceRange") and not {"low", "high", "text"} & found.value.keys():
            yield found.path


@rule("obs-6")
def absent_has_no_value(bundle: Json) -> Iterator[str]:
    for found in resources(bundle, "Observation"):
        if "dataAbsentReason" in found and choice(found, "value") is not None:
            yield "Observation.dataAbsentReason"


@rule("obs-7")
def component_does_not_repeat_the_code(bundle: Json) -> Iterator[str]:
    for found in resources(bundle, "Observation"):
        again = any(codes(part.get("code")) & codes(found.get("code")) for part in found.get("component", []))
        if again and choice(found, "value") is not None:
            yield "Observation.component.code"


@rule("con-1")
def stage_says_something(bundle: Json) -> Iterator[str]:
    for found in objects(bundle):
        if found.path == "Condition.stage" and not {"summary", "assessment"} & found.value.keys():
            yield found.path


@rule("con-2")
def evidence_says_something(bundle: Json) -> Iterator[str]:
    for found in objects(bundle):
        if found.path == "Condition.evidence" and not {"code", "detail"} & found.value.keys():
            yield found.path


def _status(condition: Json, name: str) -> set[str | None]:
    return {code for _, code in codes(condition.get(name))}


@rule("con-3")
def problem_has_a_clinical_status(bundle: Json) -> Iterator[str]:
    for found in resources(bundle, "Condition"):
        problem = any("problem-list-item" in {code for _, code in codes(one)} for one in found.get("category", []))
        wrong = "entered-in-error" in _status(found, "verificationStatus")
        if problem and not wrong and "clinicalStatus" not in found:
            yield "Condition.clinicalStatus"


@rule("con-4")
def what_has_abated_is_not_active(bundle: Json) -> Iterator[str]:
    for found in resources(bundle, "Condition"):
        over = _status(found, "clinicalStatus") & {"inactive", "resolved", "remission"}
        if choice(found, "abatement") is not None and not over:
            yield "Condition.abatement"


@rule("con-5")
def error_has_no_clinical_status(bundle: Json) -> Iterator[str]:
    for found in resources(bundle, "Condition"):
        if "entered-in-error" in _status(found, "verificationStatus") and "clinicalStatus" in found:
            yield "Condition.clinicalStatus"


@rule("pat-1")
def contact_says_something(bundle: Json) -> Iterator[str]:
    for found in objects(bundle):
        if found.path == "Patient.contact" and not {"name", "telecom", "address", "organization"} & found.value.keys():
            yield found.path
