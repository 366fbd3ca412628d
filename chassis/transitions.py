"""State machines: declared once, asked by operations, enforced by a trigger, shown in OpenAPI."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pgtrigger
from django.db import models

from .problems import Problem, invalid


@dataclass(frozen=True)
class Machine:
    """A resource's states.

    A record begins in `initial`, or in another of `begins`. `asked` maps a state to those a client may ask for; `made`
    to those that only an operation of ours reaches (an analysis becomes ready by ingestion). `reasoned` states need a
    reason. In `editable` states PUT and PATCH work. `scopes` names the scope of a target where it is not the resource's
    writing scope.
    """

    initial: str
    asked: Mapping[str, Sequence[str]]
    made: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reasoned: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()
    begins: frozenset[str] = frozenset()
    scopes: Mapping[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        """Every state a client may ask for, in order of appearance."""
        return list(dict.fromkeys(to for targets in self.asked.values() for to in targets))

    def check(self, status: str, to: str, reason: str) -> None:
        """Raises Problem: illegal-transition naming the legal targets, or invalid for a missing reason."""
        allowed = list(self.asked.get(status, ()))
        if to not in allowed:
            detail = f"From {status} it can become {' or '.join(allowed) or 'nothing else'}."
            raise Problem("illegal-transition", detail, current=status, allowed=allowed)
        if to in self.reasoned and not reason:
            raise invalid("/reason", "required", f"A change to {to} needs a reason.")

    def check_editable(self, status: str) -> None:
        """Raises Problem not-editable."""
        if status not in self.editable:
            raise Problem("not-editable", f"A record that is {status} is not edited.", current=status)

    def triggers(self) -> list[pgtrigger.Trigger]:
        """The same law in the database: rows begin in the initial state, move along the edges, and leave from there alone."""
        edges = [(old, new) for moves in (self.asked, self.made) for old, targets in moves.items() for new in targets]
        return [
            pgtrigger.FSM(name="transitions", field="status", transitions=sorted(edges)),
            pgtrigger.Protect(
                name="beginning",
                operation=pgtrigger.Insert,
                condition=functools.reduce(
                    operator.and_, [~pgtrigger.Q(new__status=status) for status in sorted({self.initial} | self.begins)]
                ),
            ),
            pgtrigger.Protect(
                name="kept", operation=pgtrigger.Delete, condition=~pgtrigger.Q(old__status=self.initial)
            ),
        ]


def status_field(choices: type[models.TextChoices], machine: Machine) -> models.CharField[str, str]:
    """The `status` column of a machine's resource."""
    return models.CharField(max_length=30, choices=choices.choices, default=machine.initial, editable=False)


def frozen(name: str, fields: Sequence[str], *, once: pgtrigger.Q) -> pgtrigger.Trigger:
    """A trigger that refuses changes of the fields once the old row meets a condition."""
    changed = [pgtrigger.Q(**{f"old__{field}__df": pgtrigger.F(f"new__{field}")}) for field in fields]
    return pgtrigger.Protect(
        name=name, operation=pgtrigger.Update, condition=once & functools.reduce(operator.or_, changed)
    )
