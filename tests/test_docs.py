"""The documents say what the code does: codes, settings, state machines, filters, links and verbs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chassis.problems import CATALOGUE
from genomics import choices, views

ROOT = Path(__file__).resolve().parent.parent
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
SERVICE = "genomics"
CODE = re.compile(r"`([^`]+)`")
MACHINES = {
    "Sample": choices.SAMPLE_MACHINE,
    "Analysis": choices.ANALYSIS_MACHINE,
    "Finding": choices.FINDING_MACHINE,
    "Report": choices.REPORT_MACHINE,
}
LISTS: dict[str, Any] = {
    "samples": views.SampleViewSet,
    "analyses": views.AnalysisViewSet,
    "findings": views.FindingViewSet,
    "reports": views.ReportViewSet,
    "variants": views.VariantViewSet,
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


# --- The reader of VCF ------------------------------------------------------------------------------------------------

# Where the code stands among the arguments of what makes a fault or a warning.
MAKERS = {"Fault", "RowFault", "_refused", "add"}
COLUMNS = {"file", "header", "sample"}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def emitted(folder: Path) -> set[str]:
    """The codes of faults and warnings: literals in the calls that make them, and in what is assigned to `code`."""
    nodes = [node for path in folder.glob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    sources: list[ast.AST] = []
    for node in nodes:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            sources += node.args if name in MAKERS else []
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "code" for target in node.targets):
            sources.append(node.value)
    constants = {inner.value for source in sources for inner in ast.walk(source) if isinstance(inner, ast.Constant)}
    return {text for text in constants if isinstance(text, str) and KEBAB.fullmatch(text)} - COLUMNS


def test_every_fault_and_warning_of_the_reader_is_documented() -> None:
    documented = [CODE.findall(row[0])[0] for title in ("Faults", "Warnings") for row in rows(section(API, title))]
    assert len(documented) == len(set(documented))
    assert set(documented) == emitted(ROOT / "genomics" / "vcf")


# --- Resources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", MACHINES)
def test_the_state_machine_is_the_one_documented(resource: str) -> None:
    documented = {
        (old, new)
        for left, right in rows(section(API, resource))
        for old in CODE.findall(left)
        for new in CODE.findall(re.sub(r"\([^)]*\)", "", right))
    }
    machine = MACHINES[resource]
    moves = [*machine.asked.items(), *machine.made.items()]
    assert documented == {(old, new) for old, targets in moves for new in targets}


def test_the_filters_are_those_documented() -> None:
    documented = {row[0]: set(CODE.findall(row[1])) for row in rows(section(API, "Filters"))}
    assert documented == {name: set(view.filterset_class.base_filters) for name, view in LISTS.items()}


def test_the_orderings_are_those_documented() -> None:
    documented = {name: CODE.findall(row[1]) for row in rows(section(API, "Lists")) for name in row[0].split(", ")}
    assert documented.pop("history") == ["-at", "at"]
    assert documented == {name: list(view.orderings) for name, view in LISTS.items()}


# --- Settings ---------------------------------------------------------------------------------------------------------


def read_settings() -> dict[str, dict[str, Any]]:
    """Every variable that config/settings.py reads, with the options that are written out there."""
    tree = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if getattr(node.func.value, "id", "") == "env" and node.func.attr not in {"fault", "finish"}:
            name = node.args[0]
            assert isinstance(name, ast.Constant)
            found[str(name.value)] = {str(keyword.arg): ast.unparse(keyword.value) for keyword in node.keywords} | {
                "kind": node.func.attr
            }
    return found


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    documented = [CODE.findall(row[0])[0] for row in rows(section(OPERATING, "Settings"))]
    assert len(documented) >= 20
    assert sorted(documented) == sorted(read_settings())


def test_numbers_have_the_documented_defaults_and_bounds() -> None:
    documented = {CODE.findall(row[0])[0]: tuple(row[2:]) for row in rows(section(OPERATING, "Settings"))}
    names = {"THREADS": "`CAREWAY_THREADS`"}
    integers = {name: options for name, options in read_settings().items() if options["kind"] == "integer"}
    assert integers
    for name, options in integers.items():
        default, low, high = (eval(options[key], names) for key in ("default", "minimum", "maximum"))
        assert documented[name] == (str(default), f"{low} to {high}"), name


# --- The map of the house ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "room"), [("The chassis", "chassis"), ("A service", SERVICE), ("The wiring", "config")]
)
def test_the_map_names_every_file_and_no_other(title: str, room: str) -> None:
    named = [name for row in rows(section(ARCHITECTURE, title)) for name in CODE.findall(row[0])]
    there = [
        path.name + "/" * path.is_dir()
        for path in (ROOT / room).iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    ]
    assert sorted(named) == sorted(there)


# --- Links and verbs --------------------------------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    for target in [target for target in targets if "://" not in target]:
        path, _, fragment = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not fragment or fragment in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_verb_of_make_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    fences = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    code = fences.findall(text) + CODE.findall(fences.sub("", text))
    named = {verb for part in code for verb in re.findall(r"\bmake (?:-s )?([a-z.][a-z.-]*)", part)}
    targets = re.findall(r"^([a-z.][a-z.-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named <= set(targets)
