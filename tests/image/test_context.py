"""What reaches the builder: .dockerignore, by Docker's rules, against what is here and what could be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from django.conf import settings

from tests.test_house import ROOT, TRACKED, name_of

IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
ROOMS = ("chassis", "config", *settings.AVAILABLE_SERVICES)
FILES = ("LICENSE", "manage.py", "docker/careway.py", "requirements/runtime.txt")


def rules() -> Iterator[tuple[bool, re.Pattern[str]]]:
    """Each line as whether it lets in, and what it matches: from the top of the context, and all below a folder."""
    for line in IGNORE.splitlines():
        if line and not line.startswith("#"):
            parts = re.split(r"(\*\*/|\*|\?)", line.removeprefix("!"))
            of_docker = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
            pattern = "".join(of_docker.get(part, re.escape(part)) for part in parts)
            yield line.startswith("!"), re.compile(rf"{pattern}(?:/.*)?")


def gets_in(path: str) -> bool:
    """The last line that matches decides."""
    return next((allows for allows, pattern in [*rules()][::-1] if pattern.fullmatch(path)), True)


def test_what_git_knows_of_the_product_gets_in() -> None:
    product = {name_of(path) for path in TRACKED if name_of(path).split("/")[0] in ROOMS or name_of(path) in FILES}
    assert len(product) > 80
    assert {path for path in product if not gets_in(path)} == set()
    assert set(FILES) - product == set()


def test_nothing_else_here_gets_in() -> None:
    """Of all that lies in this checkout, whether git knows it or not."""
    found = []
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in {".venv", ".git", "node_modules"}]
        found += [PurePosixPath(folder, file).relative_to(ROOT).as_posix() for file in files]
    inside = {path for path in found if gets_in(path)}
    expected = {path for path in inside if path in FILES or path.split("/")[0] in ROOMS}
    assert len(inside) > 80
    assert inside - expected == set()
    assert not any("/." in f"/{path}" or path.endswith(".pyc") for path in inside)


@pytest.mark.parametrize(
    "path",
    [
        *(".env", ".git/config", ".venv/bin/python", ".careway/development-key.json", "static/page.js"),
        *("pip.conf", "token.pem", "patients.vcf", "chart/values.yaml", "build/sbom.json", "requirements/development.txt"),
        *("tests/conftest.py", "bench/rows.py", "drill/load.py", "docs/api.md", "docker/Dockerfile", "docker/build.py"),
        *("chassis/.env", "config/.settings.py.swp", "chassis/__pycache__/text.cpython-313.pyc", "chassis/text.pyc"),
        *("manage.py.orig", "LICENSE.bak", "chassisx/text.py", "other/chassis/text.py", "other/manage.py"),
    ],
)  # fmt: skip
def test_what_a_checkout_may_hold_stays_out(path: str) -> None:
    assert not gets_in(path)


def test_a_line_more_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are read as Docker reads them: this is how such a fault would look."""
    monkeypatch.setattr(f"{__name__}.IGNORE", f"{IGNORE}\n!tests\n")
    assert gets_in("tests/conftest.py")
    assert not gets_in("docs/api.md")
