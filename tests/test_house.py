"""The law of the house, as far as it can be read from its files."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from tests.routes import operations

ROOT = Path(__file__).resolve().parent.parent
SERVICES = settings.AVAILABLE_SERVICES

# What every service has, so that a second one is learned by learning the first.
FILES = [
    "__init__", "apps", "choices", "demo", "filters", "metrics", "models", "operations", "querysets", "rules", "serializers", "settings",
    "urls", "views",
]  # fmt: skip
# The smallest of them, which only the tests serve.
EXAMPLE = "tests/example"
DRAWERS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "core",
    "shared",
    "tools",
    "lib",
    "base",
    "functions",
}
LINES_A_FILE = 320
LINES_A_FUNCTION = 45
TEST_LINES_A_FILE = 480


def tracked() -> list[Path]:
    """What git tracks, or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).is_file()]


TRACKED = tracked()
PYTHON = [path for path in TRACKED if path.suffix == ".py" and "migrations" not in path.parts]
# What is never in the image has rules of its own.
TRIES = ("tests/", "bench/", "drill/", "terraform/tests/")
OURS = [path for path in PYTHON if not path.relative_to(ROOT).as_posix().startswith(TRIES)]
TREES = {path: ast.parse(path.read_text()) for path in PYTHON}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules_of(room: str) -> set[str]:
    """Its modules; a package counts as one."""
    inside = (path.relative_to(ROOT / room).parts for path in PYTHON if path.is_relative_to(ROOT / room))
    return {parts[0].removesuffix(".py") for parts in inside} - {"management"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(TREES[path]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that only document."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(id(statement.value))
    return found


class TestSettings:
    def test_the_environment_is_read_in_one_place(self) -> None:
        # The chart's tests run alone in a pod, without the rest of the house.
        allowed = {"config/settings.py", "config/wsgi.py", "manage.py", "chart/files/prove.py"}
        readers = {
            name_of(path)
            for path in OURS
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.Attribute | ast.alias)
            and (node.attr if isinstance(node, ast.Attribute) else node.name)
            in {"environ", "environb", "getenv", "putenv"}
            # A WSGI environ, and the package django-environ, have the same name.
            and not (isinstance(node, ast.alias) and name_of(path) == "chassis/environment.py")
        }
        assert readers - allowed == set()


class TestFiles:
    @pytest.mark.parametrize("service", [*SERVICES, EXAMPLE])
    def test_every_service_has_the_same_files(self, service: str) -> None:
        assert set(FILES) - modules_of(service) == set()

    def test_the_example_has_no_others(self) -> None:
        of_the_tests = {"canaries", "factories", "world", "conftest"}
        others = {name for name in modules_of(EXAMPLE) if not name.startswith("test_")}
        assert others == {*FILES, *of_the_tests}

    def test_there_is_no_drawer_for_odds_and_ends(self) -> None:
        named = {"chassis/postgresql/base.py"}  # by Django, which looks for a module of that name in an ENGINE
        drawers = [path for path in PYTHON if {path.stem, *path.relative_to(ROOT).parts[:-1]} & DRAWERS]
        assert [name_of(path) for path in drawers if name_of(path) not in named] == []

    def test_no_file_has_to_be_scrolled_for_long(self) -> None:
        lengths = {name_of(path): path.read_text().count("\n") for path in PYTHON}
        limits = {name: TEST_LINES_A_FILE if name.startswith(TRIES) else LINES_A_FILE for name in lengths}
        assert {name: lines for name, lines in lengths.items() if lines > limits[name]} == {}

    def test_no_function_has_to_be_scrolled(self) -> None:
        assert [
            (name_of(path), node.name)
            for path in PYTHON
            for node in functions(path)
            if (node.end_lineno or 0) - node.lineno + 1 > LINES_A_FUNCTION
        ] == []

    def test_every_module_says_what_it_is_for(self) -> None:
        assert [name_of(path) for path in OURS if not ast.get_docstring(TREES[path]) and path.read_text()] == []

    def test_nothing_is_left_for_later(self) -> None:
        later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
        texts = [
            path for path in TRACKED if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".html", ".sh", ""}
        ]
        assert [name_of(path) for path in texts if later.search(path.read_text(errors="replace"))] == []

    def test_nothing_is_printed(self) -> None:
        calls = {
            name_of(path)
            for path in OURS
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"print", "breakpoint"}
        }
        assert calls == set()


class TestMirror:
    # Wiring without behaviour of its own; the walk of all routes tries it.
    WIRING = frozenset({"__init__", "apps", "urls"})
    # What a client meets as a resource is tested resource by resource.
    BY_RESOURCE = frozenset({"choices", "filters", "metrics", "operations", "serializers", "views"})

    def test_every_module_of_the_chassis_is_tested_by_a_file_of_its_name(self) -> None:
        tests = {path.stem for path in PYTHON if path.is_relative_to(ROOT / "tests" / "chassis")}
        modules = modules_of("chassis") - self.WIRING
        assert sorted(name for name in modules if f"test_{name}" not in tests) == []

    @pytest.mark.parametrize("service", SERVICES)
    def test_every_module_of_a_service_is_too_or_by_its_resources(self, service: str) -> None:
        tests = {path.stem for path in PYTHON if path.is_relative_to(ROOT / "tests" / service)}
        # A package's tests may be a folder of its name.
        folders = {path.name for path in (ROOT / "tests" / service).iterdir() if path.is_dir()}
        modules = modules_of(service) - self.WIRING - self.BY_RESOURCE - folders
        assert sorted(name for name in modules if f"test_{name}" not in tests) == []
        resources = {
            operation.route.split("/")[-1].split(".")[0]
            for operation in operations()
            # What is streamed whole or in another standard's form is tested with what it shows.
            if operation.service == service and operation.action == "list" and hasattr(operation.view, "orderings")
        }
        assert resources
        assert sorted(name for name in resources if f"test_{name.replace('-', '_')}" not in tests) == []


class TestServices:
    @pytest.mark.parametrize("service", SERVICES)
    def test_nothing_in_a_service_spells_its_own_name(self, service: str) -> None:
        models = apps.get_app_config(service).get_models()
        # A member may begin with the same word: the standard that names it knows nothing of our service.
        members = "|".join({field.name for model in models for field in model._meta.get_fields()})
        # A service with the name of one of its resources says that word for it; there the law is silent.
        own = {service} - {
            part for each in operations() if each.service == service for part in each.route.split("/")[2:]
        }
        spelled = []
        for path in OURS:
            if path.is_relative_to(ROOT / service):
                documenting = docstrings(TREES[path])
                for node in ast.walk(TREES[path]):
                    texts = [re.sub(rf"\b({members})(?=__|\b)", "", word) for word in words(node)]
                    if id(node) not in documenting and any(
                        re.search(rf"(?<![\w-]){name}(?![A-Za-z])|{name}_", text) for text in texts for name in own
                    ):
                        spelled.append((name_of(path), getattr(node, "lineno", 0)))
        assert spelled == []

    def test_no_name_of_an_index_is_cut_off(self) -> None:
        """PostgreSQL would cut it at 63 characters, silently; the system check that says so at 30 is off."""
        names = [index.name for model in apps.get_models() for index in model._meta.indexes]
        assert len(names) > 10
        assert [name for name in names if len(name) > 63] == []


def words(node: ast.AST) -> Iterator[str]:
    """The names and texts that a node holds itself."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, str):
            yield value


class TestImportLaw:
    @pytest.fixture
    def contracts(self) -> list[dict[str, Any]]:
        law = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
        assert set(law["root_packages"]) == {"config", "chassis", *SERVICES}
        return list(law["contracts"])

    def test_every_service_is_built_in_floors_and_leaves_no_module_out(self, contracts: list[dict[str, Any]]) -> None:
        (floors,) = (contract for contract in contracts if contract["type"] == "layers")
        assert set(floors["containers"]) == set(SERVICES)
        assert floors["exhaustive"] is True

    def test_services_do_not_know_each_other(self, contracts: list[dict[str, Any]]) -> None:
        independent = [set(contract["modules"]) for contract in contracts if contract["type"] == "independence"]
        assert len(SERVICES) == 1 or set(SERVICES) in independent

    @pytest.mark.parametrize(("room", "strangers"), [("chassis", {"config", *SERVICES}), ("config", set(SERVICES))])
    def test_the_lower_rooms_know_no_service(
        self, contracts: list[dict[str, Any]], room: str, strangers: set[str]
    ) -> None:
        forbidden = [contract for contract in contracts if contract["type"] == "forbidden"]
        assert any(
            contract["source_modules"] == [room] and set(contract["forbidden_modules"]) >= strangers
            for contract in forbidden
        )


class TestDecisions:
    def test_each_has_a_number_of_its_own(self) -> None:
        """There may be gaps: a copy drops the decisions about what it drops."""
        numbers = [path.name[:4] for path in (ROOT / "docs/adr").glob("[0-9]*.md")]
        assert numbers
        assert len(numbers) == len(set(numbers))

    def test_each_that_code_names_exists(self) -> None:
        named = {match for path in PYTHON for match in re.findall(r"docs/adr/(\d{4})", path.read_text())}
        assert [number for number in sorted(named) if not list((ROOT / "docs/adr").glob(f"{number}-*.md"))] == []


class TestSupply:
    LOCKS = tuple(path for path in TRACKED if path.parent == ROOT / "requirements")

    def test_no_tracked_file_names_an_index_or_a_machine(self) -> None:
        hosts = r"https?://[^\s/\"']*(?:py" + r"pi|pythonhosted|artifactory|nexus|devpi|piwheels)[^\s\"']*"
        folders = r"(?<![\w./])/(?:ro" + r"ot|ho" + r"me|Us" + r"ers|wo" + r"rk)/"
        pattern = re.compile(f"{hosts}|{folders}|(?m:^--(?:extra-)?index-url|^--find-links)")
        found = {
            name_of(path): match[0]
            for path in TRACKED
            if path.stat().st_size < 3_000_000 and (match := pattern.search(path.read_text(errors="replace")))
        }
        assert found == {}

    @pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
    def test_every_locked_package_is_pinned_and_hashed(self, lock: Path) -> None:
        requirements = [
            part for part in re.split(r"\n(?=\S)", lock.read_text()) if part.strip() and not part.startswith("#")
        ]
        assert len(requirements) > 20
        loose = [
            part.split()[0] for part in requirements if "==" not in part.split("\n")[0] or "--hash=sha256:" not in part
        ]
        assert loose == []

    def test_the_runtime_lock_is_part_of_the_development_lock(self) -> None:
        runtime, development = (
            set(re.findall(r"^([\w.-]+==\S+)", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))
            for name in ("runtime", "development")
        )
        assert runtime - development == set()

    def test_the_image_holds_nothing_of_the_other_groups(self) -> None:
        """What tests and measurements stand beside the product is locked for development alone."""
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
        groups = pyproject["dependency-groups"]
        others = {re.split(r"[\[<>=~]", name)[0] for group in groups.values() for name in group}
        locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE))
        assert len(others) > 20
        assert others & locked == set()

    def test_tests_and_development_tools_are_never_imported_by_the_product(self) -> None:
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
        groups = pyproject["dependency-groups"]
        tools = {re.split(r"[\[<>=~]", name)[0].replace("-", "_") for group in groups.values() for name in group}
        tools |= {"tests", "bench", "drill"}
        imported = {
            (name_of(path), module)
            for path in OURS
            for node in TREES[path].body  # at the top: what a process imports when it starts
            if isinstance(node, ast.Import | ast.ImportFrom)
            for module in [getattr(node, "module", None) or node.names[0].name]
            if module.split(".")[0] in tools
        }
        assert imported == set()
