"""The documents say what the code does: codes, settings, state machines, filters, links and verbs.

What is a service's own is read from `docs/<service>.md`, and compared with what its routes serve.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from chassis.problems import CATALOGUE
from tests.routes import operations

ROOT = Path(__file__).resolve().parent.parent
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
CODE = re.compile(r"`([^`]+)`")
FENCES = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
SERVICES = pytest.mark.parametrize("service", settings.SERVICES)
# The heading in a service's document of the files that it has beside those of every service.
ADDED = "Files of its own"


def document_of(service: str) -> str:
    return (ROOT / "docs" / f"{service}.md").read_text(encoding="utf-8")


def lists_of(service: str) -> dict[str, Any]:
    """The views of a service's paged lists, by the plural that their routes end with."""
    return {
        operation.route.rsplit("/", 1)[1]: operation.view
        for operation in operations()
        if operation.service == service and operation.action == "list" and hasattr(operation.view, "orderings")
    }


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert match, f"there is no heading {title}"
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without their heads."""
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# --- Problems ---------------------------------------------------------------------------------------------------------


def test_every_problem_has_its_heading_and_status() -> None:
    documented = re.findall(r"^### ([a-z-]+)\n\n(\d{3})\. ", section(API, "Problems"), re.MULTILINE)
    assert {code: int(status) for code, status in documented} == {code: kind.status for code, kind in CATALOGUE.items()}


def test_the_served_catalogue_has_the_same_problems() -> None:
    served = Client().get("/problems").json()
    assert {code: kind["status"] for code, kind in served.items()} == {
        code: kind.status for code, kind in CATALOGUE.items()
    }


# --- Resources --------------------------------------------------------------------------------------------------------


@SERVICES
def test_the_contract_leads_to_the_document_of_each_service(service: str) -> None:
    assert f"]({service}.md)" in section(API, "Resources")
    assert "](api.md)" in document_of(service)


@SERVICES
def test_the_state_machines_are_those_documented(service: str) -> None:
    models = [view.queryset.model for view in lists_of(service).values() if hasattr(view.queryset.model, "machine")]
    assert models
    for model in models:
        documented = {
            (old, new)
            for left, right in rows(section(document_of(service), model._meta.verbose_name.capitalize()))
            for old in CODE.findall(left)
            for new in CODE.findall(re.sub(r"\([^)]*\)", "", right))
        }
        moves = [*model.machine.asked.items(), *model.machine.made.items()]
        assert documented == {(old, new) for old, targets in moves for new in targets}, model


@SERVICES
def test_the_filters_are_those_documented(service: str) -> None:
    documented = {row[0]: set(CODE.findall(row[1])) for row in rows(section(document_of(service), "Filters"))}
    filtersets = {name: getattr(view, "filterset_class", None) for name, view in lists_of(service).items()}
    assert documented == {name: set(found.base_filters) for name, found in filtersets.items() if found}


@SERVICES
def test_the_orderings_are_those_documented(service: str) -> None:
    table = rows(section(document_of(service), "Lists"))
    documented = {name: CODE.findall(row[1]) for row in table for name in row[0].split(", ")}
    assert documented == {name: list(view.orderings) for name, view in lists_of(service).items()}


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_the_tables_are_those_that_the_code_writes() -> None:
    call_command("document_settings", check=True)


def test_every_setting_says_what_it_is_for() -> None:
    assert [each.name for each in settings.DOCUMENTED_SETTINGS if not each.meaning.strip()] == []


def test_a_variable_stands_in_one_table() -> None:
    names = [each.name for each in settings.DOCUMENTED_SETTINGS]
    assert len(names) > 20
    assert len(names) == len(set(names))


# --- The map of the house ---------------------------------------------------------------------------------------------


def named_in(text: str) -> list[str]:
    """The files and folders in the first column of a text's tables."""
    return [name for row in rows(text) for name in CODE.findall(row[0])]


def files_of(room: str) -> list[str]:
    unnamed = {"__init__.py", "__pycache__"}
    return [path.name + "/" * path.is_dir() for path in (ROOT / room).iterdir() if path.name not in unnamed]


def module(name: str) -> str:
    return name.removesuffix("/").removesuffix(".py")


@pytest.mark.parametrize(("title", "room"), [("The chassis", "chassis"), ("The wiring", "config")])
def test_the_map_names_every_file_and_no_other(title: str, room: str) -> None:
    assert sorted(named_in(section(ARCHITECTURE, title))) == sorted(files_of(room))


@SERVICES
def test_the_map_names_every_file_of_a_service_and_no_other(service: str) -> None:
    """Those of every service, then those that its own document adds, each with a reason."""
    own = document_of(service)
    added = rows(section(own, ADDED)) if f"\n## {ADDED}\n" in own else []
    assert [row for row in added if not all(row)] == []
    named = [*named_in(section(ARCHITECTURE, "A service")), *(name for row in added for name in CODE.findall(row[0]))]
    # A service of one table has a file where others have a folder.
    assert sorted(map(module, named)) == sorted(map(module, files_of(service)))


# --- Links and verbs --------------------------------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCES.sub("", document.read_text(encoding="utf-8")))
    for target in [target for target in targets if "://" not in target]:
        path, _, fragment = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not fragment or fragment in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_verb_of_make_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    code = FENCES.findall(text) + CODE.findall(FENCES.sub("", text))
    named = {verb for part in code for verb in re.findall(r"\bmake (?:-s )?([a-z.][a-z.-]*)", part)}
    targets = re.findall(r"^([a-z.][a-z.-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named <= set(targets)
