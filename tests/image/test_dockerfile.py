"""The rules of the Dockerfile, as far as they can be read from it; server/test_image.py sees what came of them."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

import pytest
from django.conf import settings

from docker.build import PROJECT
from tests.test_house import ROOT

TEXT = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")


class Instruction(NamedTuple):
    """One of a stage, which is counted from 1; what stands before the first belongs to 0."""

    stage: int
    word: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found: list[Instruction] = []
    stage = 0
    for line in filter(str.strip, lines):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(stage, word, " ".join(rest.split())))
    return found


ALL = instructions(TEXT)
LAST = max(each.stage for each in ALL)


def of(word: str, *, stage: int | None = None) -> list[str]:
    return [each.rest for each in ALL if each.word == word and stage in {None, each.stage}]


class TestTheBase:
    def test_it_is_the_argument_and_no_other_image_is_taken(self) -> None:
        stages = [rest.partition(" AS ") for rest in of("FROM")]
        bases = {base for base, _, _ in stages} - {name for _, _, name in stages}
        assert bases == {"${BASE}"}
        assert of("FROM")[-1] == "${BASE}"

    def test_it_comes_from_a_named_registry(self) -> None:
        (default,) = of("ARG", stage=0)
        assert re.fullmatch(r"BASE=docker\.io/library/python:3\.\d+-slim-\w+", default)


class TestWhatIsInstalled:
    def test_each_package_is_of_the_lock_and_has_the_hash_that_is_written_there(self) -> None:
        installs = [
            part for rest in of("RUN") for part in re.split(r";|&&", rest) if "pip" in part and " install " in part
        ]
        (install,) = installs
        words = shlex.split(install)
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} < set(words)
        assert [word for word in words[words.index("install") + 1 :] if not word.startswith("-")] == [
            "/requirements/runtime.txt"
        ]

    def test_nothing_is_fetched_but_by_pip(self) -> None:
        assert of("ADD") == []
        assert not re.search(r"\b(curl|wget|apt-get|apt install|git|https?:)\b", " ".join(of("RUN")))

    def test_the_image_takes_folders_from_the_stages_before_and_nothing_from_the_checkout(self) -> None:
        copies = of("COPY", stage=LAST)
        assert copies == ["--from=packages /packages /", "--from=code /code /"]


class TestSecrets:
    def test_they_are_mounts_and_may_be_missing(self) -> None:
        mounts = re.findall(r"--mount=(\S+)", " ".join(of("RUN")))
        assert {dict(part.split("=") for part in each.split(","))["id"] for each in mounts} == {"pip", "ca"}
        assert all(each.startswith("type=secret,") and "required" not in each for each in mounts)

    def test_no_argument_and_no_variable_holds_one(self) -> None:
        names = re.findall(r"(?:^|\s)([A-Z][A-Z_]*)(?==|\s|$)", " ".join([*of("ARG"), *of("ENV")]))
        assert {"BASE", "VERSION", "PATH", "HOME"} < set(names)
        assert [name for name in names if re.search(r"TOKEN|PASS|SECRET|CREDENTIAL|KEY|INDEX|URL", name)] == []


class TestHowItRuns:
    def test_as_a_number_that_is_not_root(self) -> None:
        assert of("USER", stage=LAST) == ["10001:10001"]

    def test_by_one_command_without_a_shell(self) -> None:
        assert (of("ENTRYPOINT"), of("CMD")) == (['["careway"]'], ['["serve"]'])
        assert of("SHELL") == []

    def test_sigterm_ends_it(self) -> None:
        assert of("STOPSIGNAL") == ["SIGTERM"]

    def test_its_labels_are_those_of_the_specification(self) -> None:
        names = re.findall(r"org\.opencontainers\.image\.([\w.]+)=", " ".join(of("LABEL")))
        wanted = {"title", "description", "licenses", "base.name", "version", "revision", "created", "source"}
        assert set(names) == wanted
        assert f'licenses="{PROJECT["license"]}"' in " ".join(of("LABEL"))


class TestBothBuilders:
    @pytest.mark.parametrize("of_one_alone", ["<<EOF", "# syntax=", "--link", "--parents", "--exclude=", "--security="])
    def test_it_uses_nothing_that_one_of_them_does_not_know(self, of_one_alone: str) -> None:
        assert of_one_alone not in TEXT

    def test_what_changes_with_each_commit_comes_last(self) -> None:
        """So that an unchanged lock is an unchanged layer, and a new version a small pull."""
        last = [each for each in ALL if each.stage == LAST]
        changing = [place for place, each in enumerate(last) if re.match(r"VERSION|REVISION|CREATED", each.rest)]
        assert min(changing) > max(place for place, each in enumerate(last) if each.word in {"RUN", "COPY"})
        assert not any("SOURCE_DATE_EPOCH" in each.rest for each in ALL if each.stage in {1, LAST})


def test_the_code_and_the_project_are_of_one_version() -> None:
    """`make image` reads the one, a process without CAREWAY_VERSION the other."""
    assert PROJECT["version"] == settings.VERSION
