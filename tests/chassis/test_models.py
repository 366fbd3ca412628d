"""chassis/models.py"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.apps import apps

from chassis.issuers import Caller
from chassis.models import IdempotentAnswer, Record
from tests.api import Api
from tests.database import execute
from tests.example import factories
from tests.example.models import Specimen
from tests.routes import operations

# Of a resource that stands below another one, the list is read by that one too.
PARENTS = {
    operation.view.queryset.model: [operation.view.parent]
    for operation in operations()
    if operation.action == "create" and operation.view.parent
}
RECORDS = [model for model in apps.get_models() if issubclass(model, Record)]


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
class TestEveryRecord:
    def test_its_id_is_made_by_the_database(self, model: Any, db: None) -> None:
        table = model._meta.db_table
        defaults = dict(
            execute("SELECT column_name, column_default FROM information_schema.columns WHERE table_name = %s", table)
        )
        assert defaults["id"] == "uuidv7()"
        assert defaults["created_at"] == "statement_timestamp()"

    def test_its_own_columns_are_no_client_s(self, model: Any) -> None:
        for field in Record._meta.get_fields():
            assert not model._meta.get_field(field.name).editable, field.name

    def test_its_list_has_an_index_that_leads_with_the_organization(self, model: Any) -> None:
        above = PARENTS.get(model, [])
        assert ["organization", *above, "created_at", "id"] in [index.fields for index in model._meta.indexes]

    def test_it_has_the_events_and_the_machine_of_a_record(self, model: Any) -> None:
        assert model.events.rel.related_model._meta.db_table == f"{model._meta.db_table}event"
        assert model.machine.initial == model._meta.get_field("status").default

    def test_it_is_written_without_a_model_s_text(self, model: Any) -> None:
        assert str(model(id=UUID(factories.PATIENT))) == factories.PATIENT


class TestIds:
    def test_they_are_uuids_of_version_7_in_order_of_time(self, api: Api) -> None:
        ids = [UUID(factories.sample(api)["id"]) for _ in range(5)]
        assert {each.version for each in ids} == {7}
        assert ids == sorted(ids)


class TestForCaller:
    def test_it_holds_one_organization_alone(self, api: Api, sample: dict[str, Any]) -> None:
        factories.sample(api.as_(organization="st-nowhere"))
        caller = Caller("a", "a", "st-elsewhere", frozenset())
        assert [str(found.pk) for found in Specimen.objects.for_caller(caller)] == [sample["id"]]
        assert not Specimen.objects.for_caller(Caller("a", "a", "", frozenset())).exists()


class TestIdempotentAnswer:
    def test_one_key_of_one_caller_on_one_route_is_one_row(self, db: None) -> None:
        ((definition,),) = execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'chassis_idempotentanswer'::regclass AND contype = 'p'"
        )
        assert definition == "PRIMARY KEY (caller, route, key)"

    def test_it_is_written_without_its_key_or_body(self) -> None:
        assert str(IdempotentAnswer(route="/x", status=201, key="secret", body="secret")) == "/x 201"
