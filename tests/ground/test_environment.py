"""An environment by its name, and the program that is asked about it."""

from __future__ import annotations

import pytest

from terraform.environment import BUILD, ENVIRONMENTS, Environment
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


@pytest.mark.usefixtures("terraform")
def test_nothing_is_applied_that_was_not_planned() -> None:
    with pytest.raises(SystemExit, match=r"There is no plan: `make plan ENV=dev` first, and read it."):
        main(["apply", "dev"])


@pytest.mark.usefixtures("terraform")
def test_what_terraform_refuses_ends_the_verb(capfd: pytest.CaptureFixture[str]) -> None:
    gone = Environment("nowhere")
    with pytest.raises(SystemExit, match=r"terraform init of nowhere failed: see above."):
        gone.plan()
    assert "nowhere" in capfd.readouterr().err
    assert not (BUILD / "nowhere.tfplan").exists()
