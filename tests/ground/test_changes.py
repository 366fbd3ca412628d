"""What is told of a plan: what it does, where, and never what anything holds."""

from __future__ import annotations

from typing import Any

import pytest

from terraform import drift
from terraform.changes import WORDS, Change, changes, table


def changed(address: str, actions: list[str], before: Any = None, after: Any = None, **unknown: Any) -> dict[str, Any]:
    """As `terraform show -json` has it."""
    change = {"actions": actions, "before": before, "after": after, "after_unknown": unknown}
    return {"address": address, "mode": "managed", "change": change}


def told(*held: dict[str, Any]) -> list[Change]:
    return list(changes({"resource_changes": list(held)}, drift.WORDS))


class TestDrift:
    def test_what_was_changed_by_hand_is_named_with_its_attributes(self) -> None:
        before, after = {"port": 5432, "tags": {}, "name": "x"}, {"port": 5432, "tags": {"a": "b"}, "name": "y"}
        assert told(changed("aws_x.y", ["update"], before, after)) == [Change("aws_x.y", "changed", ("name", "tags"))]

    def test_what_was_taken_away_is_missing(self) -> None:
        assert told(changed("aws_x.y", ["create"], None, {"name": "x"})) == [Change("aws_x.y", "missing", ())]

    @pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
    def test_what_would_be_replaced_is_told_so(self, actions: list[str]) -> None:
        (found,) = told(changed("aws_x.y", actions, {"name": "x", "id": "1"}, {"name": "y"}, id=True))
        assert found == Change("aws_x.y", "changed, would be replaced", ("id", "name"))

    def test_what_is_known_after_an_apply_alone_differs_only_where_it_is_unknown(self) -> None:
        (found,) = told(changed("aws_x.y", ["update"], {"arn": "x", "etag": "1"}, {"arn": "x"}, etag=True, arn=False))
        assert found.attributes == ("etag",)

    @pytest.mark.parametrize("actions", [["no-op"], ["read"]])
    def test_what_stays_and_what_is_only_read_is_no_drift(self, actions: list[str]) -> None:
        assert told(changed("aws_x.y", actions, {"name": "x"}, {"name": "x"})) == []

    def test_every_action_that_changes_something_has_words(self) -> None:
        every = {("create",), ("update",), ("delete",), ("delete", "create"), ("create", "delete"), ("forget",)}
        assert set(WORDS) == set(drift.WORDS) == every

    def test_a_plan_without_resources_is_no_drift(self) -> None:
        assert list(changes({})) == []


class TestTable:
    FOUND = (Change("aws_short.a", "changed", ("name", "tags")), Change("aws_much_longer.b", "missing", ()))

    def test_it_lines_up(self) -> None:
        assert table(self.FOUND).splitlines() == [
            "resource           what     attributes",
            "aws_short.a        changed  name, tags",
            "aws_much_longer.b  missing",
        ]

    def test_no_value_is_in_it(self) -> None:
        found = told(changed("aws_x.y", ["update"], {"name": "hush-before"}, {"name": "hush-after"}))
        assert "hush" not in table(found)
