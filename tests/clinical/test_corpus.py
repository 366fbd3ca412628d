"""Public FHIR resources and phenopackets through the API and back by `/fhir`: without loss, but for what is listed here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import phenopackets  # type: ignore[import-untyped]  # no stubs
import pytest

from clinical import fhir
from tests.api import Answer, Api

from . import corpus
from .corpus import Json, Pair, Taken
from .sources import ACT_CODE, CATEGORY, STRANGE, STRANGE_PACKET

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) if os.environ.get("CAREWAY_CORPUS") else None
FHIR = sorted(CORPUS.glob("fhir/*.json")) if CORPUS else []
PACKETS = sorted(CORPUS.glob("phenopackets/*.json")) if CORPUS else []


class Leaf(NamedTuple):
    """A value, where it stands, and the objects around it, from the resource inwards."""

    path: str
    value: Any
    within: tuple[Json, ...] = ()


def always(leaf: Leaf) -> bool:
    return True


class Unheld(NamedTuple):
    """What the model cannot hold, by a pattern of paths (and all below); `when` narrows it."""

    path: str
    reason: str
    when: Callable[[Leaf], bool] = always
    # Whether it may say the same as what is held: of several names, the others.
    may_repeat: bool = False

    def covers(self, leaf: Leaf) -> bool:
        return bool(re.fullmatch(rf"(?:{self.path})(\..*)?", leaf.path)) and self.when(leaf)


def root(leaf: Leaf) -> Json:
    return leaf.within[0]


def another(choose: Callable[[Json], Json]) -> Callable[[Leaf], bool]:
    """Whether it stands in another one than the chosen."""
    return lambda leaf: len(leaf.within) < 2 or leaf.within[1] is not choose(root(leaf))


def unsaid(name: str) -> Callable[[Leaf], bool]:
    """Whether the moment is none of ours: a period, a range, an age with a comparator, free text."""
    return lambda leaf: corpus.moment_of(root(leaf), name) is None


def value_not_in(*values: Any) -> Callable[[Leaf], bool]:
    return lambda leaf: leaf.value not in values


def longer_than(limit: int) -> Callable[[Leaf], bool]:
    return lambda leaf: len(str(leaf.value)) > limit


def not_begun(leaf: Leaf) -> bool:
    return root(leaf).get("status") in {"planned", "cancelled"}


def undated_death(leaf: Leaf) -> bool:
    return "timestamp" not in root(leaf)["vitalStatus"].get("timeOfDeath", {})


def untimed(name: str) -> Callable[[Leaf], bool]:
    return lambda leaf: corpus.time_of(root(leaf).get(name)) is None


ANY = "(Patient|Encounter|Condition)"
UNHELD = [
    Unheld(rf"{ANY}\.(id|meta|implicitRules|language|text|contained)", "the server's own, or of no consequence here"),
    Unheld(rf"{ANY}(\.\w+)*\.(extension|modifierExtension|_\w+)", "no extension is kept"),
    Unheld(rf"{ANY}(\.\w+)+\.id", "ids of elements"),
    Unheld(rf"{ANY}(\.\w+)+\.(version|userSelected)", "a coding is kept without its terminology's version"),
    Unheld(r"Patient\.identifier", "one number: the record number", another(corpus.record_number), True),
    Unheld(r"Patient\.identifier\.(use|period|assigner)", "a number has its system alone"),
    Unheld(r"Patient\.identifier\.type\.text", "is the code's"),
    Unheld(r"Patient\.identifier\.type\.coding\.code", "every number is a record number", value_not_in("MR")),
    Unheld(r"Patient\.identifier\.type\.coding\.system", "as its code", lambda leaf: "v2-0203" not in leaf.value),
    Unheld(r"Patient\.name", "one name: the one in use", another(corpus.name_in_use), True),
    Unheld(r"Patient\.name\.(use|text|prefix|suffix|period)", "a name is family and given names"),
    Unheld(r"Patient\.deceasedBoolean", "a death has a date, if only a year"),
    Unheld(r"(Patient\.deceasedDateTime|Condition\.(onset|abatement))\.time", "to the day, and often not even that"),
    Unheld(
        r"Patient\.(telecom|address|maritalStatus|multipleBirth(Boolean|Integer)|photo|contact|communication)",
        "demographics are the hospital system's",
    ),
    Unheld(r"Patient\.(generalPractitioner|managingOrganization)", "the organization is the caller's"),
    Unheld(r"Patient\.link", "a merge is a transition, not entered with the patient"),
    Unheld(r"Encounter\.(identifier|statusHistory|classHistory)", "history is recorded, not entered"),
    Unheld(r"Encounter\.status", "no such state", lambda leaf: leaf.value in {"arrived", "triaged", "unknown"}),
    Unheld(r"Encounter\.class\.code", "another kind of meeting", lambda leaf: leaf.value not in corpus.KINDS),
    Unheld(r"Encounter\.class\.system", "as its code", value_not_in(ACT_CODE)),
    Unheld(r"Encounter\.(type|serviceType|priority|length)", "a consultation has a kind and a reason"),
    Unheld(
        r"Encounter\.(episodeOfCare|basedOn|appointment|account|hospitalization|location|partOf)",
        "bookings, places and payment are other systems'",
    ),
    Unheld(r"Encounter\.serviceProvider", "the caller's organization"),
    Unheld(
        r"Encounter\.participant",
        "one practitioner: whom the first participant names",
        lambda leaf: leaf.value != corpus.practitioner_of(root(leaf)) or not leaf.path.endswith(".who"),
    ),
    Unheld(r"Encounter\.reasonCode\.coding\.(system|code)", "a reason is words"),
    Unheld(
        r"Encounter\.reasonCode",
        "at most 500 characters",
        lambda leaf: len(corpus.SEPARATOR.join(corpus.reason_words(root(leaf)))) > 500,
        True,
    ),
    Unheld(r"Encounter\.(reasonReference|diagnosis)", "diagnoses name their consultation"),
    Unheld(r"Encounter\.period\.end", "not begun: it is scheduled for a time, with no end", not_begun),
    Unheld(r"(Encounter|Condition)\.subject\.(display|type|identifier)", "a patient is named by id"),
    Unheld(r"Condition\.(identifier|bodySite|stage|evidence|note|asserter)", "codes and words say it"),
    Unheld(r"Condition\.(recordedDate|recorder)", "when and by whom it was recorded here"),
    Unheld(r"Condition\.(clinicalStatus|verificationStatus|severity|category)\.text", "is the code's"),
    Unheld(r"Condition\.category\.coding\.code", "of a consultation", value_not_in("encounter-diagnosis")),
    Unheld(r"Condition\.category\.coding\.system", "as its code", value_not_in(CATEGORY)),
    Unheld(
        r"Condition\.verificationStatus\.coding\.(code|system)",
        "one status, in HL7's words",
        lambda leaf: not leaf.within[-1].get("system", "").endswith(corpus.VERIFICATION),
    ),
    Unheld(
        r"Condition\.severity\.coding\.(code|system)",
        "mild, moderate or severe",
        lambda leaf: leaf.within[-1].get("code") not in corpus.SEVERITIES,
    ),
    Unheld(r"Condition\.code\.coding", "another terminology", lambda leaf: not corpus.holds_code(leaf.within[-1])),
    Unheld(r"Condition\.code\.text", "at most 255 characters", longer_than(255)),
    Unheld(r"Condition\.code\.coding", "its words, at most 255", lambda leaf: len(leaf.within[-1].get("display", "")) > 255),
    Unheld(r"Condition\.onset\w*", "a date, an age or a term of onset", unsaid("onset")),
    Unheld(r"Condition\.abatement\w*", "a date, an age or a term of onset", unsaid("abatement")),
    Unheld(r"Condition\.encounter\.(display|type|identifier)", "a consultation is named by id"),
    Unheld(r"Condition\.encounter\.reference\.elsewhere", "the encounter is in no file of ours"),
    Unheld(r"subject\.(alternateIds|karyotypicSex|gender|taxonomy)", "a patient has one number and an administrative sex"),
    Unheld(r"subject\.id", "a record number is shorter", longer_than(corpus.LONGEST_NUMBER)),
    Unheld(r"disease\.term\.label", "at most 255 characters", longer_than(255)),
    Unheld(r"subject\.timeAtLastEncounter", "follows from the dates of birth and of the consultation"),
    Unheld(r"subject\.vitalStatus", "a death has a date", undated_death),
    Unheld(r"subject\.vitalStatus\.(causeOfDeath|survivalTimeInDays)", "only when somebody died"),
    Unheld(r"subject\.(dateOfBirth|vitalStatus\.timeOfDeath\.timestamp)\.time", "to the day"),
    Unheld(r"phenotypicFeature\.(description|severity|modifiers|resolution|evidence)", "term, excluded and onset"),
    Unheld(r"phenotypicFeature\.type\.label", "HPO has the words of its terms"),
    Unheld(r"(phenotypicFeature|disease)\.onset", "a date, an age or a term of onset", untimed("onset")),
    Unheld(r"disease\.resolution", "a date, an age or a term of onset", untimed("resolution")),
    Unheld(r"(phenotypicFeature|disease)\.(onset|resolution)\.timestamp\.time", "to the day"),
    Unheld(r"disease\.(diseaseStage|clinicalTnmFinding|primarySite|laterality)", "codes and words say it"),
]  # fmt: skip
# Words that a held code has anyway: neither held nor lost.
REDUNDANT = re.compile(
    r"(?!Encounter\.reasonCode)(Patient|Encounter|Condition)(\.\w+)*\.(coding|class)\.display"
    r"|(phenotypicFeature|disease)\.\w+\.ontologyClass\.label"
)
# What comes back by other names.
HELD = {
    "Patient": {"identifier", "active", "name", "gender", "birthDate", "deceasedDateTime"},
    "Encounter": {"status", "class", "subject", "participant", "period", "reasonCode"},
    "Condition": {
        "clinicalStatus", "verificationStatus", "category", "severity", "code", "subject", "encounter", "onsetDateTime", "onsetAge",
        "onsetString", "abatementDateTime", "abatementAge", "abatementString",
    },
    "subject": {"id", "dateOfBirth", "vitalStatus", "sex"},
    "phenotypicFeature": {"type", "excluded", "onset"},
    "disease": {"term", "excluded", "onset", "resolution"},
}  # fmt: skip


def leaves(value: Any, path: str, within: tuple[Json, ...] = (), known: dict[str, str] | None = None) -> Iterator[Leaf]:
    """Every value with its path; lists of objects have no order, those of words have."""
    if isinstance(value, dict):
        yield from _members(value, path, within, known or {})
    elif isinstance(value, list):
        for number, item in enumerate(value):
            where = path if isinstance(item, dict) else f"{path}.{number}"
            yield from leaves(item, where, within, known)
    else:
        yield _renamed(Leaf(path, value, within))


def _members(value: Json, path: str, within: tuple[Json, ...], known: dict[str, str]) -> Iterator[Leaf]:
    inside = (*within, value)
    if path == "Condition.code.coding":
        # Its three parts belong together.
        yield Leaf(path, tuple(value.get(name) for name in ("system", "code", "display")), inside)
        value = {name: value[name] for name in value.keys() - {"system", "code", "display"}}
    for name, member in value.items():
        where = f"{path}.{name}"
        moment = re.fullmatch(r"Condition\.(onset|abatement)(DateTime|Age|String)", where)
        if moment:
            yield from _moment(member, f"Condition.{moment[1]}", inside)
        elif where.endswith((".deceasedDateTime", ".timestamp", ".dateOfBirth")) and member:
            yield from _moment(member, where, inside)
        elif name == "iso8601duration":
            yield Leaf(where, duration(member), inside)
        elif name == "reference" and not path.endswith(".individual"):
            yield Leaf(where if member in known else f"{where}.elsewhere", known.get(member, member), inside)
        else:
            yield from leaves(member, where, inside, known)


def _moment(value: Any, path: str, within: tuple[Json, ...]) -> Iterator[Leaf]:
    """An age as months and days, a term as its code, a date as the day and what is finer."""
    if isinstance(value, dict):
        unit = corpus.UNITS.get(value.get("code", ""))
        yield Leaf(
            path, duration(f"P{value['value']}{unit}") if unit and "comparator" not in value else str(value), within
        )
    elif found := corpus.TERM.search(value):
        yield Leaf(path, found[1], within)
    elif not value[:1].isdigit():
        yield Leaf(path, duration(value), within)
    else:
        yield Leaf(path, value[:10], within)
        if value[10:] and not value[10:].startswith("T00:00:00"):
            yield Leaf(f"{path}.time", value[10:], within)


def duration(text: str) -> Any:
    """Months and days, or the text itself."""
    found = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?", text)
    years, months, weeks, days = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    return (12 * years + months, 7 * weeks + days) if found else text


def _renamed(leaf: Leaf) -> Leaf:
    """What stands elsewhere in R4 than where a source has it, and times as instants."""
    path, value, within = leaf
    planned = path == "Encounter.extension.valueDateTime" and within[-1]["url"] == fhir.R5_PLANNED_START
    if planned or (path == "Encounter.period.start" and not_begun(leaf)):
        path = "Encounter.plan"
    elif path in {"Encounter.reasonCode.coding.display", "Encounter.reasonCode.text"}:
        path, value = "Encounter.reasonCode.text", frozenset(value.split(corpus.SEPARATOR))
    elif path in {f"Encounter.participant.individual.{name}" for name in ("display", "reference", "identifier.value")}:
        path = "Encounter.participant.individual.who"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", value):
        value = datetime.fromisoformat(value)
    return Leaf(path, value, within)


def held(leaf: Leaf, ours: list[Leaf]) -> bool:
    """Whether it came back; a date of the source is held by a time of that day, words by all the words."""
    for mine in ours:
        if mine.path == leaf.path:
            if isinstance(leaf.value, frozenset) and isinstance(mine.value, frozenset) and leaf.value <= mine.value:
                return True
            if isinstance(mine.value, datetime) and mine.value.isoformat().startswith(str(leaf.value)):
                return True
            if mine.value == leaf.value:
                return True
    return False


def judge(pair: Pair, known: dict[str, str]) -> list[str]:
    """What was lost and is not listed, and what is listed and was held."""
    ours = list(leaves(pair.ours, pair.name, known={url: url for url in known.values()}))
    wrong = []
    for leaf in leaves(pair.source, pair.name, known=known):
        rows = [row for row in UNHELD if row.covers(leaf)]
        listed = bool(rows)
        free = REDUNDANT.fullmatch(leaf.path) or any(row.may_repeat for row in rows)
        if not free and held(leaf, ours) == listed:
            wrong.append(f"{'listed, but held' if listed else 'lost'}: {leaf.path} = {leaf.value}")
    return wrong


def rightly_refused(kind: str, source: Json, answer: Answer | None, taken: Taken) -> bool:
    """What is not R4; what has no code of a terminology we have; a second active diagnosis of one primary code."""
    if answer is not None:
        before = [pair.source for pair in taken.pairs if pair.name == kind and pair.source is not source]
        return answer.json["errors"][0]["code"] == "duplicate" and any(
            primary(one) == primary(source) for one in before
        )
    if "resourceType" in source and not corpus.is_r4(source):
        return True
    return kind == "phenotypicFeature" or primary(source) is None


def primary(source: Json) -> Any:
    """The code that a condition or a disease is known by."""
    if "term" in source:
        return (corpus.disease_code(source) or {}).get("code")
    return next((one["code"] for one in source.get("code", {}).get("coding", []) if corpus.holds_code(one)), None)


def check(taken: Taken) -> None:
    assert {pair.name: judge(pair, taken.known) for pair in taken.pairs if judge(pair, taken.known)} == {}
    assert [refused for refused in taken.refused if not rightly_refused(*refused, taken)] == []


@pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public FHIR resources and phenopackets")
class TestTheCorpus:
    @pytest.mark.parametrize("path", FHIR, ids=lambda path: path.name)
    def test_fhir_comes_back(self, api: Api, path: Path) -> None:
        documents = {other: json.loads(other.read_text()) for other in FHIR}
        check(corpus.take_fhir(api, documents[path], documents.values()))

    @pytest.mark.parametrize("path", PACKETS, ids=lambda path: path.name)
    def test_phenopackets_come_back(self, api: Api, path: Path) -> None:
        check(corpus.take_phenopacket(api, json.loads(path.read_text())))

    def test_there_is_something_of_each_kind(self) -> None:
        found = [one for path in FHIR for _, one in corpus.resources_of(json.loads(path.read_text()))]
        assert {one["resourceType"] for one in found if corpus.is_r4(one)} == corpus.KINDS_TAKEN
        assert PACKETS


class TestStrangeSources:
    def test_fhir_comes_back(self, api: Api) -> None:
        taken = corpus.take_fhir(api, STRANGE, [])
        check(taken)
        assert len(taken.pairs) == 1 + 2 + len(corpus.WAYS) + 8 + 2
        assert [source["id"] for _, source, _ in taken.refused] == ["stu3", "d-1", "d-2"]

    def test_phenopackets_come_back(self, api: Api) -> None:
        taken = corpus.take_phenopacket(api, STRANGE_PACKET)
        check(taken)
        assert len(taken.pairs) == 1 + 10 + 2
        assert len(taken.refused) == 3

    def test_a_loss_is_noticed(self, api: Api) -> None:
        taken = corpus.take_fhir(api, STRANGE, [])
        for pair in taken.pairs:
            for name in (HELD[pair.name] & pair.source.keys()) & pair.ours.keys():
                without = Pair(pair.name, pair.source, {key: value for key, value in pair.ours.items() if key != name})
                words = judge(without, taken.known)
                listed = all(any(row.covers(leaf) for row in UNHELD) for leaf in parts(pair, name, taken))
                assert listed or any(word.startswith("lost") for word in words), name

    def test_what_is_listed_and_held_is_noticed(self) -> None:
        patient = {"resourceType": "Patient", "telecom": [{"value": "555"}]}
        assert judge(Pair("Patient", patient, patient), {}) == ["listed, but held: Patient.telecom.value = 555"]


def parts(pair: Pair, name: str, taken: Taken) -> list[Leaf]:
    """The leaves of one member of the source."""
    return list(leaves({name: pair.source[name]}, pair.name, (pair.source,), taken.known))


class TestTheLists:
    @pytest.mark.parametrize("kind", ["Patient", "Encounter", "Condition"])
    def test_every_element_of_r4_is_held_or_listed(self, kind: str) -> None:
        model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        self.check(kind, model.elements_sequence())

    @pytest.mark.parametrize(
        ("kind", "message"),
        [("subject", "Individual"), ("phenotypicFeature", "PhenotypicFeature"), ("disease", "Disease")],
    )
    def test_every_element_of_phenopackets_is(self, kind: str, message: str) -> None:
        fields = getattr(phenopackets, message).DESCRIPTOR.fields
        self.check(kind, [field.json_name for field in fields])

    @staticmethod
    def check(kind: str, names: list[str]) -> None:
        def listed(name: str) -> bool:
            return any(re.match(rf"(?:{row.path})$", f"{kind}.{name}") for row in UNHELD)

        assert [name for name in names if not listed(name) and name not in HELD[kind]] == []
        assert HELD[kind] <= set(names)
