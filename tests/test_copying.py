"""docs/copying.md, run as it stands: the template claim.

A copy of the house becomes another service by the page's commands and edits; then its own lint and its own tests pass,
and a later chassis reaches it. The copies lie in temporary folders, with the environment of this checkout and a
PostgreSQL of their own.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.test_docs import section
from tests.test_house import ROOT, TRACKED

PAGE = (ROOT / "docs" / "copying.md").read_text(encoding="utf-8")
SERVICE = "pharmacy"
# What a copier writes anew, whole: the product's own words about itself.
OWN_WORDS = {"README.md", "CHANGELOG.md"}
MOST_LINES, MOST_FILES = 28, 8
# What a copier changes, and what looks at it. That the chassis' own tests pass in the copy is drilled (drill/test_copying.py).
TESTS = [
    *("tests/example", "tests/pharmacy", "tests/test_house.py", "tests/test_likeness.py", "tests/test_docs.py"),
    *("tests/test_routes.py", "tests/test_tables.py", "tests/test_plans.py", "tests/server/test_bodies.py"),
    *("tests/observability", "tests/test_runbooks.py"),
]


def edit(edits: str) -> None:
    """Makes the edits of a block: in a file, `-` lines that stand there once are replaced by the `+` lines below."""
    for part in re.split(r"^--- ", edits, flags=re.MULTILINE)[1:]:
        name, _, changes = part.partition("\n")
        text = Path(name).read_text(encoding="utf-8")
        for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", changes, re.MULTILINE):
            before, after = (re.sub(r"^[-+]", "", lines, flags=re.MULTILINE) for lines in (old, new))
            assert f"\n{text}".count(f"\n{before}") == 1, f"{name} has not exactly one line {before}"
            text = f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:]
        Path(name).write_text(text, encoding="utf-8")


# As a command for the shell of the page, whose variables live from one block to the next. The copy has no such file.
_PROGRAM = f"import re, sys\nfrom pathlib import Path\n\n{inspect.getsource(edit)}\nedit(sys.stdin.read())"
EDIT = f"{shlex.quote(sys.executable)} -c {shlex.quote(_PROGRAM)}"


@dataclass
class Copy:
    """A git checkout of the house in a folder of its own."""

    root: Path
    database: str

    def run(self, *command: str, **variables: str) -> str:
        """What a command prints; a failing one fails the test with its words."""
        of_make = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS"}
        environment = {name: text for name, text in os.environ.items() if name not in of_make}
        environment = {name: text for name, text in environment.items() if not name.startswith("PYTEST_XDIST")}
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**environment, "DATABASE_URL": self.database, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)[:200]}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def follow(self, *titles: str, **variables: str) -> None:
        """Runs the commands and makes the edits that stand under headings of the page, in their order, in one shell."""
        script = "".join(
            text if kind == "bash" else f"{EDIT} <<'EDITS'\n{text}EDITS\n"
            for title in titles
            for kind, text in blocks(title)
        )
        assert script
        self.run("bash", "-euo", "pipefail", "-c", script, **variables)

    def lint(self) -> None:
        """`make lint` in the copy, with the tools of this checkout and what mypy knows already."""
        self.run("make", "lint", f"BIN={Path(sys.executable).parent}")

    def test(self, *arguments: str) -> int:
        """How many tests passed; none failed."""
        told = self.run(sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments)
        passed = re.search(r"(\d+) passed", told)
        assert passed, told
        return int(passed[1])

    def edited(self) -> dict[str, int]:
        """Lines added and removed by file, of files that were there before and are there now."""
        self.run("git", "add", "--all")
        listed = self.run("git", "diff", "--cached", "--numstat", "--no-renames", "--diff-filter=M")
        rows = [line.split("\t") for line in listed.splitlines()]
        return {name: int(added) + int(removed) for added, removed, name in rows}

    def gone(self) -> list[str]:
        """Files that were deleted or moved away."""
        return self.run("git", "diff", "--cached", "--name-only", "--no-renames", "--diff-filter=D").splitlines()


def blocks(title: str) -> list[tuple[str, str]]:
    """The blocks of commands and of edits under a heading of the page."""
    return re.findall(r"^```(bash|diff)\n(.*?)^```$", section(PAGE, title), re.MULTILINE | re.DOTALL)


# Ends, and the server with it, when nobody writes to it any more.
POSTGRESQL = """
import sys
from pathlib import Path
from chassis.postgres import start_embedded
print(start_embedded(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Of a server of its own: other tests of this run make and drop databases of the same names."""
    # Not in pytest's folder, whose permissions the next session takes back.
    with tempfile.TemporaryDirectory(prefix="careway-copying-") as folder:
        command = [sys.executable, "-c", POSTGRESQL, f"{folder}/postgres"]
        with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as server:
            assert server.stdout
            yield server.stdout.readline().strip()
            server.communicate(timeout=60)


def fresh(folder: Path, database: str) -> Copy:
    """A clone of what is checked out here, the changes that are not committed yet included."""
    mark, lock = ROOT / ".venv" / "made-from-lock", ROOT / "requirements" / "development.txt"
    # The page calls `make`, which would make a stale environment anew, over the network.
    assert mark.exists(), "run `make .venv` first"
    assert mark.stat().st_mtime >= lock.stat().st_mtime, "the lock has changed: run `make .venv` first"
    for path in TRACKED:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    copy = Copy(folder, database)
    identity = ("-c", "user.name=A copier", "-c", "user.email=copier@example.org", "-c", "commit.gpgsign=false")
    copy.run("git", "init", "--quiet")
    copy.run("git", "add", "--all")
    copy.run("git", *identity, "commit", "--quiet", "--no-verify", "--message", "The house")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache", ignore_dangling_symlinks=True)
    return copy


@pytest.fixture(scope="module")
def pharmacy(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Copy]:
    """The house after the page's seven steps."""
    copy = fresh(tmp_path_factory.mktemp("pharmacy"), database)
    copy.follow(*(title for title in re.findall(r"^### (\d\. .*)$", PAGE, re.MULTILINE)))
    yield copy
    (copy.root / ".venv").unlink()


class TestTheCopy:
    def test_it_takes_few_edits_outside_the_new_service(self, pharmacy: Copy) -> None:
        own = (f"{SERVICE}/", f"tests/{SERVICE}/", f"docs/{SERVICE}.md")
        edited = {name: lines for name, lines in pharmacy.edited().items() if not name.startswith(own)}
        assert {name for name in OWN_WORDS if edited.pop(name)} == OWN_WORDS
        rooms = Counter(re.sub(r"^((?:tests|docs)/[^/]*|[^/]*)/.*", r"\1/", name) for name in pharmacy.gone())
        print(f"Deleted or moved: {dict(rooms)}\nWritten anew: {sorted(OWN_WORDS)}")
        print(f"Edited: {edited}, {sum(edited.values())} lines in {len(edited)} files")
        assert sum(edited.values()) <= MOST_LINES
        assert len(edited) <= MOST_FILES

    def test_nothing_that_runs_names_the_old_services(self, pharmacy: Copy) -> None:
        rooms = ("chassis", "config", SERVICE, "manage.py", "pyproject.toml", "Makefile", "tests/" + SERVICE)
        # As a name, and not as the word that it also is; that a floor may have a module for the other service is no harm.
        pattern = r"\b(genomics|clinical)([:/]|_(?!client\)))|[\"'](genomics|clinical)[\"']|import (genomics|clinical)"
        files = pharmacy.run("git", "ls-files", *rooms).splitlines()
        assert len(files) > 60
        assert [name for name in files if re.search(pattern, (pharmacy.root / name).read_text())] == []

    def test_its_own_lint_passes(self, pharmacy: Copy) -> None:
        pharmacy.lint()

    def test_its_own_tests_pass(self, pharmacy: Copy) -> None:
        assert pharmacy.test(*TESTS) > 200


class TestALaterChassis:
    OLD = "The record has changed since it was read"
    NEW = "The record has changed since you read it"

    def test_it_reaches_the_copy_by_replacing_the_folders(self, pharmacy: Copy, database: str, tmp_path: Path) -> None:
        later = fresh(tmp_path / "careway", database)
        for name in ("chassis/problems.py", "tests/chassis/test_documents.py"):
            text = (later.root / name).read_text()
            assert text.count(self.OLD) == 1, name
            (later.root / name).write_text(text.replace(self.OLD, self.NEW))
        before = pharmacy.edited()
        pharmacy.follow("A fix of the chassis", CAREWAY=str(later.root))
        assert pharmacy.edited().keys() - before.keys() == {"chassis/problems.py", "tests/chassis/test_documents.py"}
        assert self.NEW in (pharmacy.root / "chassis" / "problems.py").read_text()
        pharmacy.lint()
        pharmacy.test("tests/chassis/test_documents.py", "tests/chassis/test_problems.py", f"tests/{SERVICE}")
