"""`make image`: which builder is taken, and what it is told. The builders are stand-ins that write down their words."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from docker import build, builders
from tests.test_house import ROOT

STAND_IN = """#!{python}
import json, sys
if sys.argv[1] in {refuses}:
    sys.exit("It cannot.")
if sys.argv[1] == "build":
    json.dump(sys.argv[1:], open("{folder}/words.json", "w"))
"""


class Machine:
    """A machine with these builders and no others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "git").symlink_to(str(shutil.which("git")))

    def has(self, name: str, *, refuses: tuple[str, ...] = ()) -> None:
        program = self.folder / name
        program.write_text(STAND_IN.format(python=sys.executable, refuses=refuses, folder=self.folder))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "docker.build", *words],
            cwd=ROOT, env={**os.environ, "PATH": str(self.folder)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def told(self) -> list[str]:
        return list(json.loads((self.folder / "words.json").read_text()))

    @property
    def told_arguments(self) -> dict[str, str]:
        words = self.told
        return dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "--build-arg")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestTheBuilder:
    def test_it_is_docker_where_its_daemon_answers(self, machine: Machine) -> None:
        machine.has("docker")
        machine.has("buildah", refuses=("build",))
        done = machine.make()
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"careway:{build.PROJECT['version']} is built, with docker\n"

    def test_it_is_buildah_where_docker_has_no_daemon(self, machine: Machine) -> None:
        machine.has("docker", refuses=("version", "build"))
        machine.has("buildah")
        assert machine.make().stdout.endswith("with buildah\n")

    def test_without_any_it_says_what_to_do(self, machine: Machine) -> None:
        done = machine.make()
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "There is no builder here: start Docker, or install buildah.\n"

    def test_a_build_that_fails_is_no_success(self, machine: Machine) -> None:
        machine.has("docker", refuses=("build",))
        done = machine.make()
        assert (done.returncode, done.stdout) == (1, "")


class TestWhatItIsTold:
    def test_the_version_and_the_commit(self, machine: Machine) -> None:
        machine.has("docker")
        machine.make()
        told = machine.told_arguments
        head = subprocess.run(
            ["git", "log", "-1", "--format=%H %ct"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        revision, seconds = head.stdout.split()
        assert told["VERSION"] == build.PROJECT["version"]
        assert told["REVISION"].removesuffix("-dirty") == revision
        assert told["SOURCE_DATE_EPOCH"] == seconds
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["CREATED"])
        assert "BASE" not in told

    def test_a_registry_a_tag_a_base_and_flags(self, machine: Machine) -> None:
        machine.has("docker")
        words = ["--registry", "registry.example/team/", "--tag", "7", "--base", "registry.example/python@sha256:0"]
        machine.make(*words, "--", "--secret", "id=pip,src=pip.conf")
        told = machine.told
        assert told[:5] == ["build", "--file", "docker/Dockerfile", "--tag", "registry.example/team/careway:7"]
        assert told[-3:] == ["--secret", "id=pip,src=pip.conf", "."]
        assert machine.told_arguments["BASE"] == "registry.example/python@sha256:0"


class TestTheCommit:
    def test_of_an_archive_nothing_is_known(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build, "ROOT", tmp_path)
        assert build.commit() == build.Commit("", 0)

    def test_a_change_that_is_not_committed_shows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        for words in (("init", "-q"), (*identity, "commit", "-q", "--allow-empty", "-m", "First")):
            subprocess.run(["git", *words], cwd=tmp_path, check=True)
        monkeypatch.setattr(build, "ROOT", tmp_path)
        assert re.fullmatch(r"[0-9a-f]{40}", build.commit().revision)
        (tmp_path / "new.py").write_text("")
        assert build.commit().revision.endswith("-dirty")


def test_a_builder_that_hangs_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("docker version", 30)

    monkeypatch.setattr("docker.builders.subprocess.run", hang)
    assert not builders.BUILDERS[0].is_there()
