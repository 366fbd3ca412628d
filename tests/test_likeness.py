"""The law of likeness: the files of one name have one shape in every service, so a second one is learned by the first."""

from __future__ import annotations

import ast
import inspect
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import django_filters
import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.db.models import Func, QuerySet, TextChoices
from opentelemetry.metrics import Histogram
from rest_framework.serializers import Field

from chassis.instruments import Counter, Gauge
from chassis.models import Record
from chassis.renderers import JSONRenderer
from chassis.transitions import Machine
from chassis.views import ServiceViewSet
from tests.routes import operations
from tests.test_docs import ADDED, document_of, module, named_in, section
from tests.test_house import FILES, ROOT, modules_of
from tests.worlds import world_of

# The example is held to the same law, since copies begin with it.
PACKAGES = {**{service: service for service in settings.SERVICES}, "example": "tests.example"}
EACH = pytest.mark.parametrize("service", PACKAGES)


def twin(service: str, name: str) -> ModuleType:
    return import_module(f"{PACKAGES[service]}.{name}")


def path_of(service: str, name: str) -> Path:
    return ROOT / PACKAGES[service].replace(".", "/") / name


def defined(found: ModuleType, kind: type = object) -> dict[str, Any]:
    """The classes and functions that a module defines itself, of a kind."""
    return {
        name: each
        for name, each in vars(found).items()
        if getattr(each, "__module__", "") == found.__name__ and isinstance(each, kind)
    }


def classes_beside(service: str, name: str, *allowed: type) -> list[str]:
    """The classes of a twin file that are of none of the kinds that it is for."""
    return [each for each, found in defined(twin(service, name), type).items() if not issubclass(found, allowed)]


def functions_of(service: str, name: str) -> dict[str, FunctionType]:
    return {each: found for each, found in defined(twin(service, name), FunctionType).items() if each[0] != "_"}


def stated(service: str, name: str) -> dict[str, Any]:
    """The values that a twin file gives names at its top level."""
    found = twin(service, name)
    tree = ast.parse(path_of(service, f"{name}.py").read_text(encoding="utf-8"))
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id: getattr(found, target.id) for target in assigned if isinstance(target, ast.Name)}


class TestFiles:
    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_they_are_those_of_every_service_and_those_with_a_reason(self, service: str) -> None:
        own = document_of(service)
        added = named_in(section(own, ADDED)) if f"\n## {ADDED}\n" in own else []
        assert modules_of(service) == {*FILES, *map(module, added)} - {"management"}

    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_its_tests_have_a_world_factories_and_fixtures(self, service: str) -> None:
        there = {path.name for path in (ROOT / "tests" / service).iterdir()}
        assert {"__init__.py", "conftest.py", "factories.py", "world.py"} - there == set()

    def test_fixtures_are_identical(self) -> None:
        assert len({(ROOT / "tests" / service / "conftest.py").read_text() for service in PACKAGES}) == 1

    def test_apps_are_identical(self) -> None:
        assert len({path_of(service, "apps.py").read_text() for service in PACKAGES}) == 1


@EACH
class TestTheEdges:
    def test_urls_have_a_name_a_router_and_patterns(self, service: str) -> None:
        urls = twin(service, "urls")
        assert urls.app_name == service
        assert urls.router.registry
        assert functions_of(service, "urls") == {}
        assert len(urls.urlpatterns) > len(urls.router.registry)

    def test_settings_are_read_from_an_environment(self, service: str) -> None:
        assert list(functions_of(service, "settings")) == ["read"]
        assert list(inspect.signature(twin(service, "settings").read).parameters) == ["env", "given"]

    def test_the_demo_is_seeded_by_nobody_s_leave_and_says_what_there_is(self, service: str) -> None:
        signature = inspect.signature(twin(service, "demo").seed)
        assert (list(signature.parameters), signature.return_annotation) == ([], "str")

    def test_metrics_are_instruments_of_the_service_s_meter(self, service: str) -> None:
        instruments = stated(service, "metrics")
        # The meter is a proxy until telemetry starts; its name is what dashboards select by.
        assert instruments.pop("meter")._name == PACKAGES[service]
        assert instruments
        assert [name for name, each in instruments.items() if not isinstance(each, Counter | Gauge | Histogram)] == []


@EACH
class TestViews:
    def test_they_choose_and_hold_nothing_else(self, service: str) -> None:
        assert classes_beside(service, "views", ServiceViewSet, JSONRenderer) == []
        assert functions_of(service, "views") == {}

    def test_each_has_a_queryset_and_a_serializer_and_each_list_its_filters(self, service: str) -> None:
        for name, view in defined(twin(service, "views"), type).items():
            if issubclass(view, ServiceViewSet):
                assert isinstance(view.queryset, QuerySet), name
                assert view.serializer_class, name
                assert not hasattr(view, "orderings") or view.filterset_class, name

    def test_what_they_are_of_is_what_the_service_keeps(self, service: str) -> None:
        shown = {
            view.queryset.model for view in defined(twin(service, "views"), type).values() if hasattr(view, "queryset")
        }
        records = {each for each in apps.get_app_config(service).get_models() if issubclass(each, Record)}
        assert records - shown == set()


@EACH
class TestWhatLiesBetween:
    def test_serializers_are_serializers_and_fields(self, service: str) -> None:
        assert classes_beside(service, "serializers", Field) == []

    def test_filters_are_filter_sets_and_what_they_are_made_of(self, service: str) -> None:
        allowed = (django_filters.FilterSet, django_filters.Filter, forms.Field)
        assert classes_beside(service, "filters", *allowed) == []
        assert functions_of(service, "filters") == {}

    def test_operations_are_functions_on_at_most_one_record_for_a_caller(self, service: str) -> None:
        assert classes_beside(service, "operations") == []
        found = functions_of(service, "operations")
        assert found
        for name, function in found.items():
            parameters = inspect.signature(function).parameters.values()
            positional = [each for each in parameters if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
            assert len(positional) <= 1, f"{name} takes more than its record without a name"
            assert "caller" in {each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}, name


@EACH
class TestTheGround:
    def test_every_model_has_a_file_of_its_name(self, service: str) -> None:
        package = twin(service, "models").__name__
        if path_of(service, "models").is_dir():
            tables = [each for each in apps.get_app_config(service).get_models() if each.__module__.startswith(package)]
            expected = {
                each.__name__: f"{package}.{snake(each.__name__)}" for each in tables if "Event" not in each.__name__
            }
            assert {each.__name__: each.__module__ for each in tables if "Event" not in each.__name__} == expected

    def test_querysets_are_querysets_and_sql_expressions(self, service: str) -> None:
        assert classes_beside(service, "querysets", QuerySet, Func) == []
        assert functions_of(service, "querysets") == {}

    def test_choices_are_words_and_machines(self, service: str) -> None:
        assert classes_beside(service, "choices", TextChoices) == []
        assert functions_of(service, "choices") == {}
        plain = (Machine, list, tuple, dict, frozenset, set, str, int)
        assert [name for name, each in stated(service, "choices").items() if not isinstance(each, plain)] == []

    def test_rules_know_neither_framework_nor_house(self, service: str) -> None:
        tree = ast.parse(path_of(service, "rules.py").read_text(encoding="utf-8"))
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or "."] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            )
        }
        assert imported - set(sys.stdlib_module_names) == set()

    def test_its_world_is_of_its_own_tables(self, service: str) -> None:
        tables = {each._meta.db_table for each in apps.get_app_config(service).get_models()}
        assert world_of(service).table in tables


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def test_every_service_is_walked() -> None:
    assert {operation.service for operation in operations()} - {""} == set(settings.SERVICES)
