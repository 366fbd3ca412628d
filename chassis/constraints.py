"""Constraints and indexes by pattern, and the words for a violated one: the database holds, the model words it kindly.

A CheckConstraint or UniqueConstraint carries its words itself (`violation_error_code`, `violation_error_message`).
What Django cannot declare (a composite foreign key, a constraint trigger) is worded in the model's `database_rules`.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models

CLOCK_SKEW = timedelta(minutes=5)


class Rule(NamedTuple):
    """The words of one constraint. `conflict` tells a 409 (it depends on other rows) from a 400."""

    pointer: str
    code: str
    message: str
    conflict: bool = False


def one_of(field: str, words: type[models.TextChoices]) -> models.CheckConstraint:
    """The column holds one of the published words; serializers say so kindly before the database has to."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": words.values}), name=f"%(app_label)s_%(class)s_{field}"
    )


def rule(name: str, condition: Any, message: str) -> models.CheckConstraint:
    """A CHECK with its words; the violated rule's code is its name."""
    return models.CheckConstraint(
        condition=condition,
        name=f"%(app_label)s_%(class)s_{name}",
        violation_error_code=name.replace("_", "-"),
        violation_error_message=message,
    )


def not_in_future(name: str, field: str) -> models.CheckConstraint:
    """The time is past. Clocks of hospitals and laboratories differ a little; a tomorrow is a mistake."""
    return rule(name, models.Q(**{f"{field}__lte": models.F("updated_at") + CLOCK_SKEW}), "Must not lie in the future.")


def listing(*fields: str, name: str) -> models.Index:
    """The index of a list: the organization, what is filtered by, and the keyset."""
    return models.Index(fields=["organization", *fields, "created_at", "id"], name=f"%(app_label)s_%(class)s_{name}")


def by_name(name: str) -> Rule | None:
    """The rule of the constraint `name`, or None when nobody worded it."""
    return _rules().get(name)


@functools.cache
def _rules() -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for model in apps.get_models():
        found |= getattr(model, "database_rules", {})
        for constraint in model._meta.constraints:
            if constraint.violation_error_code:
                unique = isinstance(constraint, models.UniqueConstraint)
                found[constraint.name] = Rule(
                    pointer=_pointer(model, constraint),
                    code=constraint.violation_error_code,
                    message=str(constraint.violation_error_message),
                    conflict=unique,
                )
    return found


def _pointer(model: type[models.Model], constraint: models.BaseConstraint) -> str:
    """The member a client would look at first: the one a check is named for or names first, a unique rule's last."""
    named = (constraint.violation_error_code or "").replace("-", "_")
    if named in {field.name for field in model._meta.get_fields()}:
        return f"/{named}"
    if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
        return f"/{constraint.fields[-1]}"
    if isinstance(constraint, models.UniqueConstraint):
        return f"/{_columns(constraint.expressions[-1])[-1]}"
    condition: Any = getattr(constraint, "condition", None)
    while isinstance(condition, models.Q):
        first = condition.children[0]
        if isinstance(first, tuple):
            return f"/{first[0].split('__')[0]}"
        condition = first
    columns = _columns(condition)
    return f"/{columns[0]}" if columns else ""


def _columns(expression: Any) -> list[str]:
    found: list[Any] = [part for part in expression.flatten() if isinstance(part, models.F)]
    return [part.name for part in found]
