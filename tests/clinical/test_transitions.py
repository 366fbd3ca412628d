"""The state machines in the database: every pair of states, by raw SQL."""

from itertools import product
from typing import Any

import pytest

from chassis.models import Record
from chassis.transitions import Machine
from clinical.models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype
from tests.api import Api
from tests.database import refused, update

from . import factories

MODELS: list[Any] = [Patient, Consultation, Phenotype, Addendum, Diagnosis, GenomicLink]
FACTORIES: dict[Any, Any] = {
    Patient: factories.patient,
    Phenotype: factories.phenotype,
    Addendum: factories.addendum,
    Diagnosis: factories.diagnosis,
    GenomicLink: factories.link,
}
# What a CHECK wants of a row that is entered in error.
CLEARED: dict[Any, dict[str, Any]] = {Patient: {"active": False}, Diagnosis: {"clinical_status": None}}


def states(machine: Machine) -> list[str]:
    return list(dict.fromkeys([machine.initial, *machine.targets]))


def row_in(api: Api, model: type[Record], status: str) -> str:
    """A row in that state, reached as clients reach it."""
    if model is Consultation:
        return str(factories.consultation_that_is(api, status)["id"])
    if status == "merged":
        return str(factories.merged_patient(api)["id"])
    made = str(FACTORIES[model](api)["id"])
    if status != model.machine.initial:
        update(model, made, status=status, **CLEARED.get(model, {}) if status == "entered-in-error" else {})
    return made


def values_for(api: Api, model: type[Record], to: str) -> dict[str, Any]:
    """What the other columns must be in that state, so that it is the edge alone that is judged."""
    values: dict[str, Any] = {"status": to}
    if to == "entered-in-error":
        values |= CLEARED.get(model, {})
    if to == "merged":
        values |= {"active": False, "merged_into_id": factories.patient(api)["id"]}
    if model is Consultation and to in {"in-progress", "on-hold", "completed", "discontinued"}:
        values["started_at"] = "2026-11-18T08:30:00Z"
    if to in {"completed", "discontinued"}:
        values["ended_at"] = "2026-11-18T09:00:00Z"
    return values


EDGES = [
    (model, old, new)
    for model in MODELS
    for old, new in product(states(model.machine), states(model.machine))
    if old != new
]


@pytest.mark.parametrize(("model", "old", "new"), EDGES)
def test_a_row_moves_along_the_edges_alone(api: Api, model: Any, old: str, new: str) -> None:
    row = row_in(api, model, old)
    if new in model.machine.asked.get(old, ()):
        update(model, row, **values_for(api, model, new))
    else:
        with refused("pgtrigger_transitions"):
            update(model, row, status=new)


@pytest.mark.parametrize("model", MODELS)
def test_no_row_has_a_state_of_its_own(api: Api, model: Any) -> None:
    row = row_in(api, model, model.machine.initial)
    for status in ("nonsense", "", "Entered-In-Error"):
        with refused("pgtrigger_transitions"):
            update(model, row, status=status)
