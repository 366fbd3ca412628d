"""chassis/records.py"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from chassis import records
from chassis.issuers import Caller
from chassis.problems import Problem
from tests.api import Api
from tests.example import factories
from tests.example.models import Specimen

CALLER = Caller("development:dr-okafor", "dr-okafor", "st-elsewhere", frozenset())
OTHER = Caller("development:dr-lindqvist", "dr-lindqvist", "st-elsewhere", frozenset())

pytestmark = pytest.mark.django_db


@pytest.fixture
def record() -> Specimen:
    return records.create(Specimen, caller=CALLER, **values())


def values(**changes: Any) -> dict[str, Any]:
    return {"accession": "S-1-1", "patient_id": uuid.uuid4(), "kind": "blood", "origin": "germline", **changes}


def fresh(record: Specimen) -> Specimen:
    return Specimen.objects.get(pk=record.pk)


class TestCreate:
    def test_it_is_the_caller_s_and_of_their_organization(self, record: Specimen) -> None:
        kept = fresh(record)
        assert (kept.organization, kept.created_by, kept.updated_by) == ("st-elsewhere", CALLER.actor, CALLER.actor)
        assert (kept.version, kept.status) == (1, "expected")

    def test_its_id_is_a_uuid_of_version_7_made_by_the_database(self, record: Specimen) -> None:
        assert fresh(record).pk.version == 7

    def test_what_the_database_refuses_is_an_integrity_error(self, record: Specimen) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            records.create(Specimen, caller=CALLER, **values())


class TestChange:
    def test_it_writes_the_next_version(self, record: Specimen) -> None:
        before = fresh(record)
        records.change(before, caller=OTHER, kind="dna")
        after = fresh(record)
        assert (after.kind, after.version) == ("dna", 2)
        assert (after.created_by, after.updated_by) == (CALLER.actor, OTHER.actor)
        assert after.updated_at > record_time(record)

    def test_it_leaves_other_columns_alone(self, record: Specimen) -> None:
        mine, theirs = fresh(record), fresh(record)
        records.change(theirs, caller=OTHER, kind="dna")
        records.change(mine, caller=CALLER, origin="somatic")
        assert (fresh(record).kind, fresh(record).origin) == ("dna", "somatic")


def record_time(record: Specimen) -> Any:
    return fresh(record).created_at


class TestEdit:
    def test_it_asks_the_machine_first(self, record: Specimen) -> None:
        records.move(record, caller=CALLER, to="rejected", reason="clotted")
        with pytest.raises(Problem) as refused:
            records.edit(record, caller=CALLER, kind="dna")
        assert refused.value.code == "not-editable"
        assert fresh(record).kind == "blood"


class TestMove:
    def test_it_keeps_the_reason(self, record: Specimen) -> None:
        records.move(record, caller=OTHER, to="rejected", reason="clotted")
        kept = fresh(record)
        assert (kept.status, kept.status_reason, kept.version, kept.updated_by) == (
            "rejected",
            "clotted",
            2,
            OTHER.actor,
        )

    def test_the_next_move_forgets_it(self, record: Specimen) -> None:
        records.change(record, caller=CALLER, received_at="2026-01-01T00:00:00Z", status_reason="old")
        records.move(record, caller=CALLER, to="available")
        assert fresh(record).status_reason == ""

    def test_an_illegal_one_changes_nothing(self, record: Specimen) -> None:
        with pytest.raises(Problem) as refused:
            records.move(record, caller=CALLER, to="exhausted")
        assert (refused.value.code, fresh(record).version) == ("illegal-transition", 1)


class TestDelete:
    def test_a_new_record_goes(self, record: Specimen) -> None:
        records.delete(record, caller=CALLER)
        assert not Specimen.objects.filter(accession="S-1-1").exists()

    def test_one_that_has_moved_on_stays(self, record: Specimen) -> None:
        records.move(record, caller=CALLER, to="rejected", reason="x")
        with pytest.raises(Problem) as refused:
            records.delete(record, caller=CALLER)
        assert refused.value.code == "not-deletable"
        assert refused.value.members == {"current": "rejected"}

    def test_one_that_others_depend_on_stays(self, record: Specimen) -> None:
        records.create(
            Specimen, caller=CALLER, **values(accession="S-1-2", patient_id=record.patient_id, parent_id=record.pk)
        )
        with pytest.raises(Problem) as refused:
            records.delete(record, caller=CALLER)
        assert (refused.value.code, refused.value.detail) == ("not-deletable", "Other records depend on this one.")


class TestLocked:
    def test_it_finds_the_row(self, record: Specimen) -> None:
        assert records.locked(Specimen.objects.all(), pk=record.pk) == record

    def test_it_raises_what_becomes_404(self) -> None:
        with pytest.raises(Specimen.DoesNotExist):
            records.locked(Specimen.objects.all(), pk=uuid.uuid4())


class TestReference:
    def test_it_finds_what_the_caller_may_see(self, record: Specimen) -> None:
        found = records.reference(Specimen.objects.for_caller(CALLER), pointer="/sample", id=record.pk)
        assert found == record

    def test_what_is_elsewhere_or_nowhere_is_the_same_400(self, record: Specimen) -> None:
        stranger = Caller("x", "x", "st-nowhere", frozenset())
        for queryset, pk in [
            (Specimen.objects.for_caller(stranger), record.pk),
            (Specimen.objects.for_caller(CALLER), uuid.uuid4()),
        ]:
            with pytest.raises(Problem) as refused:
                records.reference(queryset, pointer="/sample", id=pk)
            assert refused.value.errors == [
                {"pointer": "/sample", "code": "unknown-reference", "message": "There is no such record."}
            ]

    def test_over_the_api_too(self, api: Api) -> None:
        body = {"accession": "S-1-2", "patient_id": factories.PATIENT, "kind": "dna", "origin": "germline"}
        foreign = factories.available_sample(api.as_(organization="st-nowhere"))
        answers = [api.post("samples", {**body, "parent": parent}) for parent in (foreign["id"], factories.PATIENT)]
        assert [answer.status for answer in answers] == [400, 400]
        assert answers[0].json["errors"] == answers[1].json["errors"]
