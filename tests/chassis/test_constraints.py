"""chassis/constraints.py"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, models, transaction

from chassis.constraints import by_name
from chassis.problems import problem_of
from tests.api import Api
from tests.database import execute
from tests.example import factories
from tests.worlds import world_of

SERVICES = ["example", *settings.SERVICES]


def constraints() -> Iterator[tuple[type[models.Model], models.BaseConstraint]]:
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if model._meta.app_label not in {"auth", "contenttypes", "pghistory"}:
                yield model, constraint


def is_list_of_words(model: type[models.Model], constraint: models.BaseConstraint) -> bool:
    """Made by one_of: the serializer's ChoiceField says it first."""
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    field = constraint.name.removeprefix(prefix)
    return field in {each.name for each in model._meta.get_fields() if getattr(each, "choices", None)}


def is_target_of_keys(constraint: models.BaseConstraint) -> bool:
    """The id with what a composite foreign key carries along: the id alone is unique already."""
    return isinstance(constraint, models.UniqueConstraint) and constraint.fields[0] == "id"


class TestEveryConstraint:
    @pytest.mark.parametrize("service", SERVICES)
    def test_it_has_words_or_a_reason_to_have_none(self, service: str) -> None:
        silent = {
            constraint.name
            for model, constraint in constraints()
            if model._meta.app_label == service
            and not constraint.violation_error_code
            and not is_list_of_words(model, constraint)
            and not is_target_of_keys(constraint)
        }
        assert silent == set(world_of(service).without_words)

    def test_it_is_found_by_its_name(self) -> None:
        for _, constraint in constraints():
            assert (by_name(constraint.name) is not None) == bool(constraint.violation_error_code), constraint.name

    def test_its_name_says_service_and_resource(self) -> None:
        for model, constraint in constraints():
            assert constraint.name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")

    def test_its_pointer_names_a_member(self) -> None:
        for model, constraint in constraints():
            rule = by_name(constraint.name)
            if rule:
                member = rule.pointer.removeprefix("/")
                assert member in {field.name for field in model._meta.get_fields()}, constraint.name

    def test_its_message_is_a_sentence(self) -> None:
        for model, constraint in constraints():
            if rule := by_name(constraint.name):
                # It may begin with the name of a member.
                members = {field.name for field in model._meta.get_fields()}
                assert rule.message[0].isupper() or rule.message.split()[0] in members, constraint.name
                assert rule.message.endswith("."), constraint.name

    def test_it_exists_in_the_database(self, db: None) -> None:
        ours = {constraint.name for _, constraint in constraints()}
        there = {
            name for (name,) in execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        }
        assert ours <= there


class TestDatabaseRules:
    def test_each_words_a_constraint_or_a_trigger_that_exists(self, db: None) -> None:
        there = {name for (name,) in execute("SELECT conname FROM pg_constraint")}
        bodies = " ".join(
            body for (body,) in execute("SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        )
        for model in apps.get_models():
            for name in getattr(model, "database_rules", {}):
                assert name in there or f"CONSTRAINT = '{name}'" in bodies, name

    def test_each_named_foreign_key_of_ours_has_words(self, db: None) -> None:
        """Those that Django names end in a digest, and point to rows that operations have locked."""
        keys = {
            name
            for service in SERVICES
            for (name,) in execute(
                "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE %s"
                " AND conname NOT LIKE '%%\\_fk\\_%%'",
                f"{service}\\_%",
            )
        }
        assert "specimen_parent" in keys
        assert [name for name in sorted(keys) if by_name(name) is None] == []


class TestByName:
    def test_an_unknown_name_has_no_words(self) -> None:
        assert by_name("") is None
        assert by_name("pg_no_such") is None

    def test_a_unique_rule_is_a_conflict_and_a_check_is_not(self) -> None:
        unique, check = (
            by_name("example_specimen_unique_accession"),
            by_name("example_specimen_received_before_collected"),
        )
        assert unique is not None
        assert check is not None
        assert (unique.conflict, unique.pointer, unique.code) == (True, "/accession", "duplicate")
        assert (check.conflict, check.pointer, check.code) == (False, "/received_at", "received-before-collected")

    def test_a_check_named_for_a_member_points_to_it(self) -> None:
        rule = by_name("example_specimen_accession")
        assert rule is not None
        assert rule.pointer == "/accession"


class TestAViolationOverTheApi:
    def test_a_check_is_400_with_its_pointer_and_code(self, api: Api, body: dict[str, Any]) -> None:
        answer = api.post("samples", {**body, "received_at": "2026-11-01T00:00:00Z"})
        assert (answer.status, answer.json["code"]) == (400, "invalid")
        assert answer.json["errors"] == [
            {
                "pointer": "/received_at",
                "code": "received-before-collected",
                "message": "Must not lie before collected_at.",
            }
        ]

    def test_a_unique_rule_is_409(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", body)
        answer = api.post("samples", body)
        assert (answer.status, answer.json["code"]) == (409, "duplicate")
        assert answer.json["errors"][0]["pointer"] == "/accession"
        assert body["accession"] not in answer.content.decode()

    def test_a_composite_foreign_key_is_worded_too(
        self, api: Api, sample: dict[str, Any], body: dict[str, Any]
    ) -> None:
        answer = api.post("samples", {**body, "patient_id": sample["id"], "parent": sample["id"]})
        assert answer.status == 409
        assert answer.json["errors"][0]["pointer"] == "/parent"

    def test_the_transaction_goes_on_for_the_next_request(self, api: Api, body: dict[str, Any]) -> None:
        api.post("samples", {**body, "received_at": "2026-11-01T00:00:00Z"})
        assert api.post("samples", body).status == 201


class TestAConstraintWithoutWords:
    def test_it_is_a_bare_409_and_a_line_for_the_developers(self, api: Api, caplog: pytest.LogCaptureFixture) -> None:
        made = factories.sample(api)
        with pytest.raises(IntegrityError) as violated, transaction.atomic():
            execute("UPDATE example_specimen SET kind = 'bone' WHERE id = %s", made["id"])
        with caplog.at_level(logging.ERROR, logger="chassis.problems"):
            problem = problem_of(violated.value)
        assert (problem.code, problem.errors, problem.detail) == ("conflict", [], "")
        (line,) = caplog.records
        assert line.getMessage() == "a constraint without words was violated"
        assert "bone" not in str(line.__dict__)
