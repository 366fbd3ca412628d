"""chassis/transitions.py"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.apps import apps

from chassis.models import Record
from chassis.problems import Problem
from chassis.transitions import Machine
from tests.api import Api
from tests.database import execute, refusal
from tests.example import choices

RECORDS = [model for model in apps.get_models() if issubclass(model, Record)]
MACHINE = Machine(
    initial="draft",
    asked={"draft": ["sent", "dropped"], "sent": ["wrong"]},
    made={"sent": ["read"]},
    reasoned=frozenset({"dropped", "wrong"}),
    editable=frozenset({"draft"}),
)


def edges(machine: Machine) -> set[tuple[str, str]]:
    return {(old, new) for moves in (machine.asked, machine.made) for old, targets in moves.items() for new in targets}


class TestCheck:
    def test_it_lets_a_legal_move_pass(self) -> None:
        MACHINE.check("draft", "sent", "")
        MACHINE.check("draft", "dropped", "by mistake")

    @pytest.mark.parametrize(
        ("status", "to", "allowed"),
        [
            ("draft", "read", ["sent", "dropped"]),
            ("draft", "draft", ["sent", "dropped"]),
            ("sent", "read", ["wrong"]),
            ("dropped", "draft", []),
            ("draft", "nonsense", ["sent", "dropped"]),
        ],
    )
    def test_it_refuses_another_one_naming_the_legal_ones(self, status: str, to: str, allowed: list[str]) -> None:
        with pytest.raises(Problem) as refused:
            MACHINE.check(status, to, "reason")
        assert refused.value.code == "illegal-transition"
        assert refused.value.members == {"current": status, "allowed": allowed}

    def test_it_words_the_way_out(self) -> None:
        with pytest.raises(Problem, match="illegal-transition") as refused:
            MACHINE.check("draft", "read", "")
        assert refused.value.detail == "From draft it can become sent or dropped."
        with pytest.raises(Problem) as refused:
            MACHINE.check("dropped", "sent", "")
        assert refused.value.detail == "From dropped it can become nothing else."

    def test_it_asks_for_a_reason(self) -> None:
        with pytest.raises(Problem) as refused:
            MACHINE.check("draft", "dropped", "")
        assert refused.value.errors == [
            {"pointer": "/reason", "code": "required", "message": "A change to dropped needs a reason."}
        ]


class TestCheckEditable:
    def test_it_lets_an_editable_state_pass(self) -> None:
        MACHINE.check_editable("draft")

    def test_it_refuses_the_others(self) -> None:
        with pytest.raises(Problem) as refused:
            MACHINE.check_editable("sent")
        assert (refused.value.code, refused.value.members) == ("not-editable", {"current": "sent"})


class TestTargets:
    def test_they_are_what_clients_may_ask_for(self) -> None:
        assert MACHINE.targets == ["sent", "dropped", "wrong"]


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
class TestEveryMachine:
    def test_it_knows_the_published_words_alone(self, model: Any) -> None:
        machine = model.machine
        known = {word for word, _ in model._meta.get_field("status").choices}
        named = {status for edge in edges(machine) for status in edge}
        assert named | {machine.initial} == known
        assert machine.reasoned | machine.editable | set(machine.scopes) <= known

    def test_every_state_can_be_reached(self, model: Any) -> None:
        reached = {model.machine.initial}
        while more := {new for old, new in edges(model.machine) if old in reached} - reached:
            reached |= more
        assert reached == {word for word, _ in model._meta.get_field("status").choices}

    def test_a_record_begins_in_the_first_state(self, model: Any) -> None:
        assert model._meta.get_field("status").default == model.machine.initial

    def test_its_triggers_are_in_the_database(self, model: Any, db: None) -> None:
        there = " ".join(
            name
            for (name,) in execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", model._meta.db_table)
        )
        for trigger in ("transitions", "beginning", "origin"):
            assert f"pgtrigger_{trigger}_" in there


STATES = ["expected", "available", "exhausted", "rejected", "entered-in-error"]


class TestTheTriggers:
    @pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
    def test_they_let_exactly_the_edges_pass(self, api: Api, sample: dict[str, Any], old: str, new: str) -> None:
        execute("SET LOCAL session_replication_role = replica")
        execute("UPDATE example_specimen SET status = %s WHERE id = %s", old, sample["id"])
        execute("SET LOCAL session_replication_role = origin")
        change = "UPDATE example_specimen SET status = %s WHERE id = %s"
        if old == new or (old, new) in edges(choices.MACHINE):
            execute(change, new, sample["id"])
            assert execute("SELECT status FROM example_specimen WHERE id = %s", sample["id"]) == [(new,)]
        else:
            assert "Invalid transition of field" in refusal(change, new, sample["id"])

    @pytest.mark.parametrize("status", ["available", "exhausted", "rejected", "entered-in-error"])
    def test_no_row_begins_in_a_later_state(self, db: None, status: str) -> None:
        refused = refusal(
            "INSERT INTO example_specimen (organization, version, created_by, updated_by, status_reason, labels, comment, accession,"
            " patient_id, kind, origin, status, received_at)"
            " VALUES ('o', 1, 'x', 'x', '', '{}', '', 'PSQL-1', gen_random_uuid(), 'blood', 'germline', %s, now())",
            status,
        )
        assert "Cannot insert rows" in refused

    def test_they_freeze_what_is_settled(self, api: Api, path: str) -> None:
        moved = api.move(path, "available").json
        for change in ("accession = 'OTHER'", "patient_id = gen_random_uuid()", "parent_id = gen_random_uuid()"):
            assert "Cannot update rows" in refusal(f"UPDATE example_specimen SET {change} WHERE id = %s", moved["id"])
        execute("UPDATE example_specimen SET kind = 'dna' WHERE id = %s", moved["id"])


class TestATransition:
    def test_it_moves_the_record_and_answers_it(self, api: Api, path: str) -> None:
        answer = api.post(f"{path}/transitions", {"to": "available"}, If_Match='"1"')
        assert (answer.status, answer.etag, answer.json["status"], answer.json["version"]) == (
            200,
            '"2"',
            "available",
            2,
        )
        assert answer.json == api.get(path).json

    def test_an_illegal_one_is_409_and_names_the_legal_ones(self, api: Api, path: str) -> None:
        answer = api.post(f"{path}/transitions", {"to": "exhausted"}, If_Match='"1"')
        assert (answer.status, answer.json["code"]) == (409, "illegal-transition")
        assert answer.json["current"] == "expected"
        assert answer.json["allowed"] == ["available", "rejected", "entered-in-error"]

    def test_one_to_the_same_state_is_illegal(self, api: Api, path: str) -> None:
        api.move(path, "available")
        assert api.move(path, "available").json["code"] == "illegal-transition"

    @pytest.mark.parametrize("to", ["expected", "lost", "", "AVAILABLE", None, 1, ["available"]])
    def test_a_target_nobody_can_ask_for_is_400(self, api: Api, path: str, to: Any) -> None:
        answer = api.post(f"{path}/transitions", {"to": to}, If_Match='"1"')
        assert answer.status == 400
        assert [fault["pointer"] for fault in answer.json["errors"]] == ["/to"]

    def test_it_needs_a_target(self, api: Api, path: str) -> None:
        answer = api.post(f"{path}/transitions", {"reason": "x"}, If_Match='"1"')
        assert answer.json["errors"] == [{"pointer": "/to", "code": "required", "message": "This field is required."}]

    @pytest.mark.parametrize("reason", [None, "", "   "])
    def test_a_reason_is_more_than_blanks(self, api: Api, path: str, reason: str | None) -> None:
        content = {"to": "rejected"} if reason is None else {"to": "rejected", "reason": reason}
        answer = api.post(f"{path}/transitions", content, If_Match='"1"')
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/reason")

    @pytest.mark.parametrize("reason", [1, True, [], "a\u0000", "x" * 1001])
    def test_a_reason_is_text(self, api: Api, path: str, reason: Any) -> None:
        answer = api.post(f"{path}/transitions", {"to": "rejected", "reason": reason}, If_Match='"1"')
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/reason")

    def test_the_reason_stays_with_the_record(self, api: Api, path: str) -> None:
        assert api.move(path, "rejected", " clotted\nand late ").json["status_reason"] == "clotted\nand late"

    def test_put_and_patch_never_move(self, api: Api, path: str) -> None:
        answer = api.patch(path, {"status": "available"}, If_Match='"1"')
        assert answer.json["errors"][0] == {
            "pointer": "/status",
            "code": "read-only",
            "message": "The server makes this member.",
        }

    def test_an_end_state_is_not_edited(self, api: Api, path: str) -> None:
        api.move(path, "rejected", "clotted")
        answer = api.patch(path, {"kind": "dna"}, If_Match='"2"')
        assert (answer.status, answer.json["code"], answer.json["current"]) == (409, "not-editable", "rejected")

    def test_get_does_not_move(self, api: Api, path: str) -> None:
        assert api.get(f"{path}/transitions").status == 405
