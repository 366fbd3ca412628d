"""What `make publish` refuses before it asks anybody: all at once, each with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from docker import publish
from docker.build import Commit
from docker.builders import BUILDERS
from tests.publish.publisher import BASE, COMMIT, POSTGRES, VERSION

LABELS = {"version": VERSION, "revision": COMMIT, "base.name": BASE}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout whose work is committed, and a builder."""
    monkeypatch.setattr(publish, "commit", lambda: Commit(COMMIT, 0))
    monkeypatch.setattr(publish, "builder", lambda: BUILDERS[0])


def refused(*words: str) -> list[str]:
    with pytest.raises(SystemExit) as raised:
        publish.main(words)
    return str(raised.value).splitlines()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = refused("--tag", "1.2", "--authority", str(tmp_path / "ca.pem"), "--sign", "cosign sign")
    assert [line.split()[0] for line in said] == [
        "REGISTRY",
        "1.2",
        "CAREWAY_REGISTRY_CA",
        "CAREWAY_SIGN",
        "The",
        "POSTGRES",
    ]


def test_a_tag_is_no_base_of_a_release() -> None:
    (said,) = refused(
        "--registry", "registry.example", "--postgres", POSTGRES, "--base", "registry.example/python:3.13"
    )
    assert said.startswith("The image needs a base by digest, BASE=")
    assert "TRIAL=yes" in said


def test_what_is_in_no_commit_is_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "commit", lambda: Commit(f"{COMMIT}-dirty", 0))
    (said,) = refused("--registry", "registry.example", "--postgres", POSTGRES, "--base", BASE)
    assert said.startswith("The image is of no commit")


def test_a_trial_may_be_all_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "commit", lambda: Commit(f"{COMMIT}-dirty", 0))
    (said,) = refused("--registry", "registry.invalid", "--trial", "yes")
    assert said.startswith("registry.invalid does not answer: ")


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3+build", "latest", "1.2.3-"])
def test_a_version_has_to_be_one_of_both(version: str) -> None:
    said = refused("--registry", "registry.example", "--postgres", POSTGRES, "--base", BASE, "--tag", version)
    assert said == [f"{version} is no version of both an image and a chart: make it like 1.2.3 or 1.2.3-rc.1."]


@pytest.mark.parametrize(
    ("label", "text", "said"),
    [
        ("version", "9.9.9", "says that it is version 9.9.9"),
        ("revision", f"{COMMIT}-dirty", "is of no commit"),
        ("revision", "", "is of no commit"),
        ("base.name", "registry.example/python:3.13", "needs a base by digest"),
    ],
)
def test_an_image_that_is_given_has_to_say_what_it_is(label: str, text: str, said: str) -> None:
    labels = {f"org.opencontainers.image.{name}": word for name, word in {**LABELS, label: text}.items()}
    asked = publish._asked(["--image", "hello:1", "--tag", VERSION, "--postgres", POSTGRES])
    (fault,) = publish._faults_of_a_release(asked, labels)
    assert fault.startswith(f"hello:1 {said}")
