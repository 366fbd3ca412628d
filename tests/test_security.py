"""SECURITY.md points to tests that exist, and `make audit` fails when it should."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in DOCUMENT.splitlines() if line.startswith("|")][2:]
RISKS = {f"API{number}" for number in range(1, 11)}


class TestTheThreats:
    def test_each_names_an_asset_a_threat_what_stops_it_and_tests(self) -> None:
        assert len(ROWS) > 10
        assert [row for row in ROWS if len(row) != 4 or not all(row)] == []

    def test_each_test_is_there_and_has_tests(self) -> None:
        for row in ROWS:
            paths = re.findall(r"`(\S+\.py)`", row[3])
            assert paths, row
            for path in paths:
                assert "def test_" in (ROOT / path).read_text(encoding="utf-8"), path

    def test_what_is_not_ours_comes_first(self) -> None:
        assert re.findall(r"^## (.*)$", DOCUMENT, re.MULTILINE)[0] == "What is not ours"


class TestTheTopTen:
    def test_each_risk_has_a_class_with_assertions_of_its_own(self) -> None:
        module = ast.parse((ROOT / "tests/test_owasp.py").read_text(encoding="utf-8"))
        classes = {
            found[1]: node
            for node in module.body
            if isinstance(node, ast.ClassDef) and (found := re.match(r"Test(API\d+)[A-Z]", node.name))
        }
        assert classes.keys() == RISKS
        for name, node in classes.items():
            assert any(isinstance(inner, ast.Assert) for inner in ast.walk(node)), name


class TestAudit:
    """The verb itself, in a repository of its own."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "detect-secrets-hook").symlink_to(ROOT / ".venv/bin/detect-secrets-hook")
        self.pip_audit(tmp_path, "exit 0")
        return tmp_path

    def pip_audit(self, repository: Path, script: str) -> None:
        stand_in = repository / "bin" / "pip-audit"
        stand_in.unlink(missing_ok=True)
        stand_in.write_text(f"#!/bin/sh\n{script}\n")
        stand_in.chmod(0o755)

    def audit(self, repository: Path, content: str = "nothing = 1\n", **variables: str) -> tuple[int, str]:
        (repository / "planted.py").write_text(content)
        subprocess.run(["git", "add", "planted.py"], cwd=repository, check=True)
        # The environment counts as made: the verb is tried, not the installation.
        make = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile")]
        command = [*make, "-o", ".venv", "audit", f"BIN={repository / 'bin'}"]
        environment = {**os.environ, **variables}
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_it_passes_where_there_is_nothing(self, repository: Path) -> None:
        assert self.audit(repository) == (0, "")

    @pytest.mark.parametrize(
        ("kind", "content"),
        [
            # Put together here, or this file would be found itself.
            ("AWS Access Key", 'key = "AKIA' + 'QYLPMN5HFIQR7XYA"\n'),
            ("Private Key", "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow\n"),
            ("Basic Auth Credentials", 'url = "postgresql://careway:' + 'Zk83hJd02@db/careway"\n'),
            ("Secret Keyword", "pass" + 'word = "Zk83hJd02kk"\n'),
            ("GitHub Token", 'x = "ghp_' + '0123456789abcdefghijABCDEFGHIJ012345"\n'),
        ],
    )
    def test_it_finds_a_secret(self, repository: Path, kind: str, content: str) -> None:
        status, output = self.audit(repository, content)
        assert status != 0
        assert f"Secret Type: {kind}" in output

    def test_it_passes_what_is_made_up(self, repository: Path) -> None:
        made_up = "pass" + 'word = "made-up-for-a-test"\nurl = "postgresql://user:' + 'password@db/x"\n'
        assert self.audit(repository, made_up) == (0, "")

    def test_it_fails_when_the_lock_has_a_known_vulnerability(self, repository: Path) -> None:
        self.pip_audit(repository, "echo PYSEC-1; exit 1")
        status, output = self.audit(repository)
        assert (status != 0, "PYSEC-1" in output) == (True, True)

    def test_it_fails_and_says_so_when_the_lock_could_not_be_audited(self, repository: Path) -> None:
        """The true pip-audit, with nobody at the end of the line."""
        stand_in = repository / "bin" / "pip-audit"
        stand_in.unlink()
        stand_in.symlink_to(ROOT / ".venv/bin/pip-audit")
        (repository / "requirements").mkdir()
        lock = f"django==5.2.19 --hash=sha256:{'0' * 64}\n"
        (repository / "requirements" / "runtime.txt").write_text(lock)
        nowhere = "http://127.0.0.1:9"
        status, output = self.audit(repository, HTTPS_PROXY=nowhere, https_proxy=nowhere, HTTP_PROXY=nowhere)
        assert status != 0
        assert "could not be audited: see above" in output
