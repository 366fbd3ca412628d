"""chassis/insertion.py"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from chassis.insertion import insert
from chassis.representation import Computed, json_of
from tests.api import Api
from tests.example.models import Specimen
from tests.example.serializers import SpecimenSerializer

pytestmark = pytest.mark.django_db


def specimen(**values: Any) -> Specimen:
    return Specimen(
        **{
            "organization": "o",
            "created_by": "x",
            "updated_by": "x",
            "accession": "S-1-1",
            "patient_id": uuid.uuid4(),
            "kind": "blood",
            "origin": "germline",
            **values,
        }
    )


class OfItsParent(SpecimenSerializer):
    """Follows a foreign key."""

    accession = Computed(models.F("parent__accession"), serializers.CharField())  # type: ignore[assignment]


class TestInsert:
    def test_it_writes_what_save_would(self) -> None:
        values = {"labels": ["a", "b"], "received_at": datetime(2026, 1, 1, tzinfo=UTC), "comment": "100 % 'so'"}
        mine, djangos = specimen(**values), specimen(accession="S-1-2", **values)
        insert(mine)
        djangos.save(force_insert=True)
        other = {"id", "accession", "patient_id", "created_at", "updated_at"}
        written = [Specimen.objects.values().get(pk=each.pk) for each in (mine, djangos)]
        assert len({json.dumps({k: v for k, v in row.items() if k not in other}, default=str) for row in written}) == 1

    def test_the_record_is_then_complete(self) -> None:
        record = specimen()
        insert(record)
        kept = Specimen.objects.get(pk=record.pk)
        assert {field.attname: getattr(record, field.attname) for field in Specimen._meta.fields} == {
            field.attname: getattr(kept, field.attname) for field in Specimen._meta.fields
        }
        record.kind = "dna"
        record.save()  # as one that is there
        assert Specimen.objects.get(pk=record.pk).kind == "dna"

    def test_an_id_that_is_given_is_kept(self) -> None:
        chosen = uuid.uuid4()
        insert(specimen())
        insert(specimen(id=chosen, accession="S-1-2"))
        assert Specimen.objects.get(accession="S-1-2").pk == chosen

    def test_what_the_database_refuses_is_an_integrity_error(self) -> None:
        insert(specimen())
        with pytest.raises(IntegrityError), transaction.atomic():
            insert(specimen())

    def test_it_answers_the_row_as_a_question_would(self, api: Api) -> None:
        record = specimen(organization=api.organization, comment='\u00e9 " \\ \n')
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answered = insert(record, json_of(SpecimenSerializer))
        assert len(asked) == 1
        assert answered == api.get(f"samples/{record.pk}").content.decode()

    def test_of_other_rows_it_answers_nothing(self) -> None:
        assert insert(specimen(), json_of(OfItsParent)) is None
        assert Specimen.objects.count() == 1

    def test_one_kind_does_not_answer_for_another(self) -> None:
        assert insert(specimen()) is None
        assert insert(specimen(accession="S-1-2"), json_of(SpecimenSerializer)) is not None
        assert insert(specimen(accession="S-1-3"), json_of(OfItsParent)) is None
        assert insert(specimen(accession="S-1-4")) is None
