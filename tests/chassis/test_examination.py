"""chassis/examination.py: every check has its say, in time, whatever the others do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Info, Warning
from django.core.checks.registry import CheckRegistry, registry

from chassis import examination
from chassis.examination import TAG, Finding, examine

Register = Callable[[Callable[..., list[CheckMessage]]], object]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """A doctor with no checks but those of the test."""
    empty = CheckRegistry()
    monkeypatch.setattr(examination, "registry", empty)
    return lambda check: empty.register(check, TAG, deploy=True)


def well(**kwargs: Any) -> list[CheckMessage]:
    return []


def ill(**kwargs: Any) -> list[CheckMessage]:
    return [Error("It is broken.", hint="Mend it."), Warning("And old.")]


def failing(**kwargs: Any) -> list[CheckMessage]:
    raise RuntimeError("a patient's name")


def endless(**kwargs: Any) -> list[CheckMessage]:
    time.sleep(60)
    return []


def test_each_is_said_to_be_well_or_what_is_wrong_and_what_to_do(register: Register) -> None:
    register(well)
    register(ill)
    assert examine() == [
        Finding("well", "ok"),
        Finding("ill", "wrong", "It is broken.", "Mend it."),
        Finding("ill", "warning", "And old."),
    ]


def test_one_that_fails_is_said_to_and_the_others_are_examined(register: Register) -> None:
    register(failing)
    register(well)
    found = {each.check: each for each in examine()}
    assert found["well"].outcome == "ok"
    assert (found["failing"].outcome, found["failing"].message) == ("wrong", "The check itself failed: RuntimeError.")


def test_one_that_does_not_end_is_left_behind(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "SECONDS", 0.3)
    register(endless)
    register(well)
    started = time.monotonic()
    found = {each.check: each.outcome for each in examine()}
    assert time.monotonic() - started < 10
    assert found == {"endless": "wrong", "well": "ok"}


def test_what_is_only_worth_knowing_is_no_fault(register: Register) -> None:
    def curious(**kwargs: Any) -> list[CheckMessage]:
        return [Info("So it is.")]

    register(curious)
    assert [each.outcome for each in examine()] == ["warning"]


def test_no_other_command_runs_them() -> None:
    """They wait for a network; `check` and `migrate` must not."""
    usual = registry.get_checks(include_deployment_checks=False)
    assert [check for check in usual if TAG in getattr(check, "tags", ())] == []
