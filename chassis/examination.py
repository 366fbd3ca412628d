"""What `manage.py doctor` looks at: everything around the process that it needs and cannot mend.

These are Django's own system checks, with the tag "doctor" and for deployments only; they stand in `surroundings.py`, here
and in a service that has needs of its own, which only this file imports: no other command waits for a network. Each is
called what it looks at; it answers what is wrong, with what to do about it, and may take SECONDS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Warning
from django.core.checks.registry import registry
from django.utils.module_loading import module_has_submodule

TAG = "doctor"
SECONDS = 3.0

Examine = Callable[..., Sequence[CheckMessage]]
Outcome = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """What one check came to."""

    check: str
    outcome: Outcome
    message: str = ""
    hint: str = ""


def examine() -> list[Finding]:
    """All checks at once, each in a thread that is left behind when it does not end in time."""
    for app in map(apps.get_app_config, ["chassis", *settings.SERVICES]):
        if module_has_submodule(app.module, "surroundings"):
            import_module(f"{app.name}.surroundings")
    checks: list[Any] = [each for each in registry.get_checks(include_deployment_checks=True) if TAG in each.tags]
    running = [
        _Run(check) for check in sorted(checks, key=lambda each: (each.__module__, each.__code__.co_firstlineno))
    ]
    until = time.monotonic() + SECONDS
    return [finding for run in running for finding in run.findings(until)]


class _Run:
    def __init__(self, check: Examine) -> None:
        self._name = check.__name__.replace("_", " ")
        self._check = check
        self._messages: Sequence[CheckMessage] = [Error(f"No answer within {SECONDS:.0f} s.", hint="Is it reachable?")]
        # A daemon: a resolver that hangs must not keep the command from ending.
        self._thread = threading.Thread(target=self._run, name=f"doctor-{self._name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._messages = self._check(app_configs=None, databases=["default"])
        except psycopg.Error:  # one of them says so itself
            self._messages = [Warning("Not examined: the database does not answer.")]
        except Exception as error:  # whatever it is, the others are examined
            self._messages = [Error(f"The check itself failed: {type(error).__name__}.", hint="Please report it.")]

    def findings(self, until: float) -> list[Finding]:
        self._thread.join(max(0.0, until - time.monotonic()))
        return [
            Finding(self._name, "wrong" if each.level >= ERROR else "warning", str(each.msg), str(each.hint or ""))
            for each in self._messages
        ] or [Finding(self._name, "ok")]
