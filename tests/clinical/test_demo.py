"""The demo data: made once, as the API would have taken them, and in every state worth a look."""

from __future__ import annotations

import pytest

from clinical import demo
from clinical.models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype
from tests.api import Api


@pytest.fixture
def told(db: None) -> str:
    return demo.seed()


def test_it_says_what_there_is(told: str) -> None:
    assert told == "6 patients, 6 consultations, 4 diagnoses, 4 links"


def test_it_is_made_once(told: str) -> None:
    before = {model: model._default_manager.count() for model in (Patient, Consultation, Diagnosis, GenomicLink)}
    assert demo.seed() == "kept (6 patients)"
    assert {model: model._default_manager.count() for model in before} == before


def test_each_hospital_sees_its_own_patients(told: str, api: Api) -> None:
    mine = [row["id"] for row in api.get("patients").json["results"]]
    theirs = [row["id"] for row in api.as_(organization="general-hospital").get("patients").json["results"]]
    assert theirs == [str(demo.PATIENTS[3])]
    assert sorted(mine + theirs) == sorted(map(str, demo.PATIENTS))


def test_the_one_who_was_registered_twice_is_merged(told: str) -> None:
    twice = Patient.objects.get(pk=demo.PATIENTS[5])
    assert (twice.status, twice.merged_into_id) == ("merged", demo.PATIENTS[0])


def test_links_wait_since_nothing_is_served_yet(told: str) -> None:
    links = GenomicLink.objects.values_list("analysis_id", "verification", "snapshot")
    assert sorted(links) == [(analysis, "pending", None) for analysis in sorted(demo.ANALYSES)]


def test_a_consultation_is_in_each_stage_of_care(told: str) -> None:
    assert set(Consultation.objects.values_list("status", flat=True)) == {"planned", "in-progress", "completed"}
    assert Addendum.objects.get().consultation.status == "completed"
    assert set(Phenotype.objects.values_list("excluded", flat=True)) == {True, False}


def test_everything_is_in_the_history_of_who_made_it(told: str, api: Api) -> None:
    events = api.get(f"patients/{demo.PATIENTS[5]}/history").json["results"]
    assert [(event["action"], event["actor"], event["record"]["status"]) for event in events] == [
        ("changed", "development:dr-okafor", "merged"),
        ("created", "development:dr-okafor", "registered"),
    ]


def test_each_consultation_is_shown_as_fhir(told: str, api: Api) -> None:
    for consultation in Consultation.objects.filter(organization="st-elsewhere"):
        assert api.get(f"consultations/{consultation.pk}/fhir").status == 200
