"""Rules with one mistake each, as a hand makes them: promtool has to see every one."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import yaml

COMPARISON = re.compile(r"(==|>=|<=|>|<) ([0-9.]+)")
RANGE = re.compile(r"\[(\d+)([smhd])\]")

Rule = dict[str, Any]


def only(rules: str, alert: str) -> dict[str, Any]:
    """Those that record for this alert, and its own."""
    whole: dict[str, Any] = yaml.safe_load(rules)
    for group in whole["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert", alert) == alert]
    whole["groups"] = [group for group in whole["groups"] if any("alert" in rule for rule in group["rules"])]
    return whole


def mutants(rules: str, alert: str) -> Iterator[tuple[str, str]]:
    """What is wrong, and the rules: those that record, and those of this alert with one mistake."""
    whole = only(rules, alert)
    for place, group in enumerate(whole["groups"]):
        for number, rule in enumerate(group["rules"]):
            for what, wrong in _wrong(rule) if "alert" in rule else ():
                changed = copy.deepcopy(whole)
                changed["groups"][place]["rules"][number] = wrong
                yield f"{rule['labels']['severity']}: {what}", yaml.safe_dump(changed, sort_keys=False)


def _wrong(rule: Rule) -> Iterator[tuple[str, Rule]]:
    expression = rule["expr"]
    for found in COMPARISON.finditer(expression):
        sign, bound = found[1], float(found[2])
        # Nothing is ten times as much as zero.
        for another in (bound * 10 or 10, bound / 10 or -1):
            changed = f"{expression[: found.start()]}{sign} {another:.6g}{expression[found.end() :]}"
            yield f"{found[0]!r} at {found.start()} is {another:.6g}", rule | {"expr": changed}
    if not COMPARISON.search(expression):
        for part in (Fraction(3), Fraction(1, 3)):
            other = RANGE.sub(lambda found, part=part: f"[{max(int(int(found[1]) * part), 1)}{found[2]}]", expression)  # type: ignore[misc]
            yield f"{expression!r} is {other!r}", rule | {"expr": other}
    if re.search(r"\band\b", expression):
        yield "and is or", rule | {"expr": re.sub(r"\band\b", "or", expression)}
    if re.search(r"\bor\b", expression):
        yield "or is and", rule | {"expr": re.sub(r"\bor\b", "and", expression)}
    if "for" in rule:
        yield "it does not wait", {name: value for name, value in rule.items() if name != "for"}
    if "keep_firing_for" in rule:
        yield "it does not last", {name: value for name, value in rule.items() if name != "keep_firing_for"}
    for label in rule["labels"]:
        yield f"another {label}", rule | {"labels": rule["labels"] | {label: "another"}}
    for annotation in rule["annotations"]:
        yield f"another {annotation}", rule | {"annotations": rule["annotations"] | {annotation: "another"}}
