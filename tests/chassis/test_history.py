"""chassis/history.py"""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from opentelemetry import trace

from chassis.history import recorded
from chassis.issuers import Caller
from chassis.models import Record
from tests.api import Api
from tests.database import execute, refusal
from tests.example import factories
from tests.worlds import world_of

TRACKED = [model for model in apps.get_models() if issubclass(model, Record)]
CALLER = Caller("development:dr-okafor", "dr-okafor", "st-elsewhere", frozenset())


def history(api: Api, path: str, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"{path}/history{query}")
    assert answer.status == 200, answer.content
    return list(answer.json["results"])


class TestAnEvent:
    def test_creation_is_recorded(self, api: Api, body: dict[str, Any]) -> None:
        made = api.post("samples", body)
        (event,) = history(api, f"samples/{made.json['id']}")
        assert event["action"] == "created"
        assert event["actor"] == "development:dr-okafor"
        assert event["request_id"] == made.header("X-Request-Id")
        assert event["version"] == 1
        assert event["record"] == made.json
        assert event["at"].endswith("Z")

    def test_every_change_is_recorded_with_who_made_it(self, api: Api, path: str) -> None:
        other = api.as_(subject="dr-lindqvist")
        patched = other.patch(path, {"kind": "dna"}, If_Match='"1"')
        moved = api.move(path, "rejected", "clotted")
        newest, middle, oldest = history(api, path)
        assert [event["action"] for event in (newest, middle, oldest)] == ["changed", "changed", "created"]
        assert [event["version"] for event in (newest, middle, oldest)] == [3, 2, 1]
        assert (middle["actor"], middle["record"]) == ("development:dr-lindqvist", patched.json)
        assert middle["request_id"] == patched.header("X-Request-Id")
        assert (newest["actor"], newest["record"]) == ("development:dr-okafor", moved.json)
        assert (newest["record"]["status"], newest["record"]["status_reason"]) == ("rejected", "clotted")

    def test_deletion_is_recorded_and_outlives_the_record(self, api: Api, sample: dict[str, Any], path: str) -> None:
        deleted = api.delete(path, If_Match='"1"')
        newest, _ = history(api, path)
        assert newest["action"] == "deleted"
        assert newest["request_id"] == deleted.header("X-Request-Id")
        assert newest["record"] == sample
        assert api.get(path).status == 404

    def test_it_carries_the_trace(self, api: Api, body: dict[str, Any]) -> None:
        context = trace.SpanContext(0xABCDEF, 0x123, is_remote=True, trace_flags=trace.TraceFlags(1))
        with trace.use_span(trace.NonRecordingSpan(context)):
            made = api.post("samples", body).json
        (event,) = history(api, f"samples/{made['id']}")
        assert event["trace_id"] == f"{0xABCDEF:032x}"

    def test_without_a_trace_it_has_none(self, api: Api, path: str) -> None:
        assert history(api, path)[0]["trace_id"] is None

    def test_a_refused_change_leaves_none(self, api: Api, path: str) -> None:
        api.patch(path, {"received_at": "2026-11-01T00:00:00Z"}, If_Match='"1"')
        api.patch(path, {"kind": "bone"}, If_Match='"1"')
        api.patch(path, {"kind": "dna"}, If_Match='"7"')
        assert len(history(api, path)) == 1

    def test_its_members_are_those_the_documentation_names(self, api: Api, path: str) -> None:
        assert list(history(api, path)[0]) == ["at", "action", "actor", "request_id", "trace_id", "version", "record"]


class TestChangesBySql:
    def test_they_are_recorded_without_an_actor(self, api: Api, sample: dict[str, Any], path: str) -> None:
        execute(
            "SELECT set_config('pghistory.context_metadata', '', true)"
        )  # as a new transaction of a used session has it
        execute("UPDATE example_specimen SET kind = 'dna', version = version + 1 WHERE id = %s", sample["id"])
        newest = history(api, path)[0]
        assert (newest["actor"], newest["request_id"]) == (None, None)
        assert (newest["action"], newest["version"], newest["record"]["kind"]) == ("changed", 2, "dna")

    def test_also_in_a_session_that_knows_nothing_of_us(self, db: None) -> None:
        parameters = connection.get_connection_params()
        known = {
            name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters
        }
        with psycopg.connect(**known) as session:
            session.execute(
                "INSERT INTO example_specimen (organization, version, created_by, updated_by, status_reason, labels, comment, accession,"
                " patient_id, kind, origin, status)"
                " VALUES ('psql', 1, 'x', 'x', '', '{}', '', 'PSQL-1', gen_random_uuid(), 'blood', 'germline', 'expected')"
            )
            events = session.execute(
                "SELECT pgh_label, pgh_context FROM example_specimenevent WHERE organization = 'psql'"
            ).fetchall()
            session.rollback()
        assert events == [("created", None)]

    def test_deletion_too(self, api: Api, sample: dict[str, Any], path: str) -> None:
        execute("DELETE FROM example_specimen WHERE id = %s", sample["id"])
        assert history(api, path)[0]["action"] == "deleted"


def peopled(api: Api, model: Any) -> None:
    """At least one record of the model, whichever service it belongs to."""
    service = model._meta.app_label
    world_of(service).build(api.as_(service=service))


class TestAppendOnly:
    @pytest.mark.parametrize("model", TRACKED, ids=lambda model: model.__name__)
    def test_no_event_can_be_changed_or_removed(self, api: Api, model: Any) -> None:
        peopled(api, model)
        table = model._meta.get_field("events").related_model._meta.db_table
        assert execute(f"SELECT count(*) FROM {table}") != [(0,)]
        for sql in (
            f"UPDATE {table} SET pgh_label = 'created'",
            f"UPDATE {table} SET pgh_context = NULL, updated_by = 'x'",
            f"DELETE FROM {table}",
        ):
            assert f"Cannot update or delete rows from {table} table" in refusal(sql)

    @pytest.mark.parametrize("model", TRACKED, ids=lambda model: model.__name__)
    @pytest.mark.parametrize(
        "column", ["id = gen_random_uuid()", "organization = 'x'", "created_at = now()", "created_by = 'x'"]
    )
    def test_the_origin_of_a_record_never_changes(self, api: Api, model: Any, column: str) -> None:
        peopled(api, model)
        table = model._meta.db_table
        assert f"Cannot update rows from {table} table" in refusal(f"UPDATE {table} SET {column}")


class TestTheRoute:
    def test_it_is_paged_newest_first_and_can_be_turned(self, api: Api, path: str) -> None:
        for version, kind in enumerate(["dna", "rna", "tissue"], start=1):
            api.patch(path, {"kind": kind}, If_Match=f'"{version}"')
        assert [event["version"] for event in history(api, path)] == [4, 3, 2, 1]
        assert [event["version"] for event in history(api, path, "?ordering=at")] == [1, 2, 3, 4]
        first = api.get(f"{path}/history?limit=3").json
        second = api.get(first["next"].removeprefix("http://testserver")).json
        assert [event["version"] for event in second["results"]] == [1]
        assert second["next"] is None
        back = api.get(second["previous"].removeprefix("http://testserver")).json
        assert back["results"] == first["results"]

    def test_it_needs_its_own_scope(self, api: Api, path: str) -> None:
        answer = api.as_(scopes=("example:read", "example:write")).get(f"{path}/history")
        assert (answer.status, answer.json["scope"]) == (403, "history:read")

    def test_it_is_not_found_for_another_organization(self, api: Api, path: str) -> None:
        assert api.as_(organization="st-nowhere").get(f"{path}/history").status == 404
        api.delete(path, If_Match='"1"')
        assert api.as_(organization="st-nowhere").get(f"{path}/history").status == 404

    def test_it_is_not_found_for_what_never_was(self, api: Api) -> None:
        assert api.get(f"samples/{factories.PATIENT}/history").status == 404

    def test_it_is_one_query(self, api: Api, path: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            api.get(f"{path}/history")

    def test_it_reads_by_the_index_of_its_record(self, api: Api, path: str) -> None:
        indexes = dict(execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'example_specimenevent'"))
        assert "(pgh_obj_id, pgh_id)" in indexes["example_specimen_history"]


class TestRecorded:
    def context(self) -> Any:
        ((text,),) = execute("SELECT current_setting('pghistory.context_metadata', true)")
        return json.loads(text) if text else None

    def test_it_tells_the_triggers_who_and_in_which_request(self, db: None) -> None:
        with recorded(CALLER, "r-1"):
            assert self.context() == {
                "actor": "development:dr-okafor",
                "organization": "st-elsewhere",
                "request_id": "r-1",
            }

    def test_a_hostile_name_stays_data(self, db: None) -> None:
        name = "x'; DROP TABLE example_specimen; --\"\\"
        with recorded(Caller(name, name, "o", frozenset()), "r-1"):
            assert self.context()["actor"] == name

    def test_an_exception_undoes_everything_within(self, api: Api, sample: dict[str, Any]) -> None:
        def fail() -> None:
            with recorded(CALLER):
                execute("DELETE FROM example_specimen")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert api.get(f"samples/{sample['id']}").status == 200


@pytest.mark.django_db(transaction=True)
class TestTheContext:
    def test_it_ends_with_its_transaction(self) -> None:
        with recorded(CALLER, "r-1"):
            pass
        assert execute("SELECT coalesce(current_setting('pghistory.context_metadata', true), '')") == [("",)]
