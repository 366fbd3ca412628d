"""An environment by its name, and the program that is asked about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from terraform.environment import ENVIRONMENTS, Environment
from terraform.plan import main


class TestNamed:
    @pytest.mark.parametrize("name", ["", "prod", "../dev", "dev/", "DEV"])
    def test_one_that_is_not_there_is_refused_with_those_that_are(self, name: str) -> None:
        with pytest.raises(SystemExit, match=r"ENV is .*: it has to be one of dev, production, staging\."):
            Environment.named(name)

    def test_without_terraform_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(SystemExit, match=r"There is no terraform here: install it, 1.11 or later."):
            Environment.named("dev")

    @pytest.mark.usefixtures("terraform")
    def test_its_folder_is_one_of_the_repository(self) -> None:
        assert Environment.named("staging").folder == ENVIRONMENTS / "staging"


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where plans are written. Not the checkout's: a plan that its developer has made is not the tests' to apply."""
    monkeypatch.setattr("terraform.environment.BUILD", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("terraform", "plans")
def test_nothing_is_applied_that_was_not_planned() -> None:
    with pytest.raises(SystemExit, match=r"There is no plan: `make plan ENV=dev` first, and read it."):
        main(["apply", "dev"])


@pytest.mark.usefixtures("terraform")
def test_what_terraform_refuses_ends_the_verb(plans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"terraform init of nowhere failed: see above."):
        Environment("nowhere").plan()
    assert "nowhere" in capfd.readouterr().err
    assert list(plans.iterdir()) == []


@pytest.mark.usefixtures("terraform")
class TestPlans:
    """Of an environment without a cloud: Terraform's own data, and its state in a file."""

    @pytest.fixture
    def environment(self, plans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
        folder = tmp_path / "environments" / "dev"
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text('resource "terraform_data" "this" { input = "one" }\n', encoding="utf-8")
        monkeypatch.setattr("terraform.environment.ENVIRONMENTS", folder.parent)
        return Environment("dev")

    def test_what_is_applied_is_the_plan_that_was_read(self, environment: Environment) -> None:
        assert environment.plan()["applyable"]
        environment.apply()
        assert not environment.look()["applyable"]
        assert not environment.plan_file.exists()

    def test_a_look_leaves_nothing_to_apply(self, environment: Environment) -> None:
        assert environment.look()["applyable"]
        with pytest.raises(SystemExit, match=r"There is no plan"):
            environment.apply()
