"""chassis/problems.py"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core import exceptions as django
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.http import Http404
from django.test import Client, RequestFactory
from opentelemetry import trace
from rest_framework import exceptions as framework

from chassis import records
from chassis.problems import CATALOGUE, Problem, faults_in, invalid, problem_of, respond
from tests.api import Answer, Api
from tests.database import execute
from tests.example.models import Specimen

CANARY = "canary-c.3140A>G"
ROOT = Path(__file__).resolve().parents[2]


def is_problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert (answer.status, answer.json["code"]) == (status, code), answer.content
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Cache-Control") == "no-store"
    return dict(answer.json)


class TestTheCatalogue:
    @pytest.mark.parametrize("code", CATALOGUE)
    def test_every_kind_has_a_status_a_title_and_advice(self, code: str) -> None:
        kind = CATALOGUE[code]
        assert 400 <= kind.status <= 599
        assert kind.title[0].isupper()
        assert not kind.title.endswith(".")
        assert kind.advice.endswith(".")

    @pytest.mark.parametrize("code", CATALOGUE)
    def test_every_code_is_a_word_for_urls(self, code: str) -> None:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)

    def test_no_code_is_raised_that_it_does_not_hold(self) -> None:
        raised = set()
        for folder in ("chassis", *settings.SERVICES):
            for source in (ROOT / folder).rglob("*.py"):
                raised |= set(re.findall(r'\bProblem\(\s*"([a-z-]+)"', source.read_text()))
        assert raised <= set(CATALOGUE)
        assert len(raised) > 15


class TestProblem:
    def test_an_unknown_code_is_a_mistake_of_ours(self) -> None:
        with pytest.raises(KeyError):
            Problem("no-such-code")

    def test_invalid_places_its_fault(self) -> None:
        assert invalid("/a", "c", "M.").errors == [{"pointer": "/a", "code": "c", "message": "M."}]
        assert invalid("limit", "c", "M.", place="parameter").errors[0]["parameter"] == "limit"


class TestRespond:
    def test_it_has_the_members_of_rfc_9457_and_ours(self, api: Api) -> None:
        answer = api.get("samples?limit=0")
        body = is_problem(answer, 400, "invalid")
        assert list(body) == ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"]
        assert (body["type"], body["status"]) == ("/problems#invalid", 400)
        assert body["instance"] == f"urn:uuid:{body['request_id']}"
        assert body["request_id"] == answer.header("X-Request-Id")

    def test_without_a_detail_it_gives_the_advice(self, api: Api) -> None:
        body = api.get("/nowhere").json
        assert body["detail"] == CATALOGUE["not-found"].advice

    def test_it_names_the_trace(self) -> None:
        context = trace.SpanContext(0xABC, 0x1, is_remote=True, trace_flags=trace.TraceFlags(1))
        with trace.use_span(trace.NonRecordingSpan(context)):
            response = respond(Problem("not-found"), RequestFactory().get("/"))
        assert f'"trace_id":"{0xABC:032x}"' in response.content.decode()

    def test_members_and_headers_of_the_problem_are_passed_on(self) -> None:
        response = respond(Problem("illegal-transition", allowed=["a"], headers={"Retry-After": "1"}), None)
        assert b'"allowed":["a"]' in response.content
        assert response["Retry-After"] == "1"

    def test_text_is_utf_8(self) -> None:
        assert "é😀".encode() in respond(Problem("conflict", "é😀"), None).content


class TestWhatNeverReachesAView:
    @pytest.mark.parametrize("url", ["/nowhere", "/example", "/example/v1", "/example/v1/", "/example/v2/samples",
                                     "/example/v1/samples/", "/EXAMPLE/v1/samples", "/admin", "/%00", "/example/v1/samples/%00",
                                     "/%ff", "/..", "/example/v1/../v1/samples"])  # fmt: skip
    def test_an_unknown_url_is_404(self, api: Api, url: str) -> None:
        is_problem(api.get(url), 404, "not-found")

    @pytest.mark.parametrize(
        "pk", ["x", "1", "01890a5dac96774bbcceb302099a8057", "01890a5d-ac96-774b-bcce-b302099a805g", "null"]
    )
    def test_a_malformed_id_is_404(self, api: Api, pk: str) -> None:
        for below in ("", "/history"):
            is_problem(api.get(f"samples/{pk}{below}"), 404, "not-found")

    def test_a_foreign_host_is_400(self, api: Api) -> None:
        is_problem(api.get("samples", Host="evil.example"), 400, "bad-request")

    def test_a_crash_outside_a_view_is_a_bare_500(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(*args: Any) -> None:
            raise RuntimeError(CANARY)

        monkeypatch.setattr("chassis.documents.json_response", crash)
        response = Client(raise_request_exception=False).get("/problems")
        answer = Answer(response.status_code, dict(response.headers), response.content)
        is_problem(answer, 500, "internal")
        assert CANARY.encode() not in response.content


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "below", "allowed"),
        [
            ("DELETE", "samples", "GET, HEAD, POST"),
            ("PUT", "samples", "GET, HEAD, POST"),
            ("OPTIONS", "samples", "GET, HEAD, POST"),
            ("FOO", "samples", "GET, HEAD, POST"),
            ("TRACE", "samples", "GET, HEAD, POST"),
            ("POST", "samples/01890a5d-ac96-774b-bcce-b302099a8057", "GET, HEAD, PUT, PATCH, DELETE"),
            ("POST", "samples/01890a5d-ac96-774b-bcce-b302099a8057/history", "GET, HEAD"),
            ("GET", "samples/01890a5d-ac96-774b-bcce-b302099a8057/transitions", "POST"),
        ],
    )
    def test_another_one_is_405_with_allow(self, api: Api, method: str, below: str, allowed: str) -> None:
        answer = api.call(method, below)
        is_problem(answer, 405, "method-not-allowed")
        assert answer.header("Allow") == allowed

    @pytest.mark.parametrize(
        "url", ["/", "/problems", "/livez", "/readyz", "/example/v1/openapi.json", "/example/v1/docs"]
    )
    def test_public_routes_are_read_only_too(self, api: Api, url: str) -> None:
        answer = api.call("POST", url)
        is_problem(answer, 405, "method-not-allowed")
        assert answer.header("Allow") == "GET, HEAD"


class TestNegotiation:
    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "text/csv", "image/*"])
    def test_what_we_cannot_make_is_406(self, api: Api, accept: str) -> None:
        is_problem(api.get("samples", Accept=accept), 406, "not-acceptable")

    @pytest.mark.parametrize(
        "accept", ["*/*", "application/*", "application/json", "application/problem+json", "text/html, */*;q=0.1"]
    )
    def test_json_is_made(self, api: Api, accept: str) -> None:
        answer = api.get("samples", Accept=accept)
        assert (answer.status, answer.header("Content-Type")) == (200, "application/json")

    def test_errors_ask_for_no_accept(self, api: Api) -> None:
        is_problem(api.get(f"samples/{'x' * 8}", Accept="text/html"), 404, "not-found")
        is_problem(api.get("samples", Accept="text/html"), 406, "not-acceptable")


class TestProblemOf:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (Problem("in-use"), "in-use"),
            (Http404(CANARY), "not-found"),
            (Specimen.DoesNotExist(CANARY), "not-found"),
            (framework.NotFound(CANARY), "not-found"),
            (framework.ParseError(CANARY), "malformed-body"),
            (framework.NotAuthenticated(CANARY), "unauthenticated"),
            (framework.AuthenticationFailed(CANARY), "unauthenticated"),
            (framework.PermissionDenied(CANARY), "forbidden"),
            (framework.MethodNotAllowed(CANARY), "method-not-allowed"),
            (framework.NotAcceptable(CANARY), "not-acceptable"),
            (framework.UnsupportedMediaType(CANARY), "unsupported-media-type"),
            (framework.APIException(CANARY), "bad-request"),
            (django.RequestDataTooBig(CANARY), "too-large"),
            (django.SuspiciousOperation(CANARY), "bad-request"),
            (django.PermissionDenied(CANARY), "forbidden"),
            (InterfaceError(CANARY), "unavailable"),
            (OperationalError(CANARY), "unavailable"),
            (DatabaseError(CANARY), "internal"),
            (RuntimeError(CANARY), "internal"),
            (RecursionError(CANARY), "internal"),
            (KeyError(CANARY), "internal"),
        ],
    )
    def test_it_words_every_exception_without_its_message(
        self, error: Exception, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        problem = problem_of(error)
        assert problem.code == code
        assert CANARY.encode() not in respond(problem, None).content
        assert CANARY not in caplog.text + "".join(str(line.__dict__) for line in caplog.records)

    def test_who_is_unknown_is_challenged(self) -> None:
        assert problem_of(framework.NotAuthenticated()).headers == {"WWW-Authenticate": "Bearer"}

    def test_an_outage_says_when_to_come_back(self) -> None:
        assert problem_of(OperationalError()).headers == {"Retry-After": "2"}

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            (psycopg.errors.AdminShutdown, "unavailable"),
            (psycopg.errors.CannotConnectNow, "unavailable"),
            (psycopg.errors.TooManyConnections, "unavailable"),
            (psycopg.errors.ConnectionFailure, "unavailable"),
            (psycopg.errors.DiskFull, "unavailable"),
            (psycopg.errors.LockNotAvailable, "unavailable"),
            (psycopg.errors.DeadlockDetected, "unavailable"),
            (psycopg.errors.SerializationFailure, "unavailable"),
            (psycopg.errors.ReadOnlySqlTransaction, "unavailable"),
            (psycopg.errors.QueryCanceled, "unavailable"),
            (psycopg.errors.RaiseException, "conflict"),
            (psycopg.errors.CheckViolation, "conflict"),
            (psycopg.errors.UndefinedTable, "internal"),
            (psycopg.errors.SyntaxError, "internal"),
            (psycopg.errors.DivisionByZero, "internal"),
        ],
    )
    def test_it_judges_a_database_error_by_its_sqlstate(self, state: type[psycopg.Error], code: str) -> None:
        error = DatabaseError()
        error.__cause__ = state(CANARY)
        assert problem_of(error).code == code

    def test_a_statement_that_takes_too_long_is_503(self, db: None) -> None:
        execute("SET LOCAL statement_timeout = 5")
        with pytest.raises(DatabaseError) as late, transaction.atomic():
            execute("SELECT pg_sleep(5)")
        assert problem_of(late.value).code == "unavailable"

    def test_a_trigger_s_refusal_is_409_and_a_line_for_the_developers(
        self, api: Api, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(DatabaseError) as refused, transaction.atomic():
            execute("UPDATE example_specimen SET status = 'exhausted'")
        with caplog.at_level(logging.ERROR):
            assert problem_of(refused.value).code == "conflict"
        assert caplog.records[0].getMessage() == "a trigger refused a write that no rule had refused"


class TestTheUnforeseen:
    @pytest.fixture
    def answer(self, api: Api, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Answer:
        def crash(*args: Any, **values: Any) -> None:
            raise ZeroDivisionError(CANARY)

        monkeypatch.setattr(records, "change", crash)
        return api.patch(path, {"kind": "dna"}, If_Match='"1"')

    def test_it_is_a_bare_500(self, answer: Answer) -> None:
        body = is_problem(answer, 500, "internal")
        assert CANARY not in str(body)
        assert "ZeroDivision" not in str(body)
        assert "Traceback" not in str(body)

    def test_it_is_logged_with_its_frames_and_not_its_message(
        self, answer: Answer, caplog: pytest.LogCaptureFixture
    ) -> None:
        (line,) = [record for record in caplog.get_records("setup") if record.name == "chassis.problems"]
        assert line.__dict__["error"] == "ZeroDivisionError"
        assert "in crash" in line.__dict__["traceback"]
        assert CANARY not in str(line.__dict__)

    def test_nothing_of_it_is_stored(self, api: Api, path: str, answer: Answer) -> None:
        assert api.get(path).json["version"] == 1


class TestFaultsIn:
    def detail(self, *codes: str) -> list[Any]:
        return [framework.ErrorDetail("Words.", code=code) for code in codes]

    def test_it_points_to_members_and_elements(self) -> None:
        found = faults_in({"a": self.detail("x"), "b": {0: self.detail("y"), 2: {"c": self.detail("z")}}})
        assert [(fault["pointer"], fault["code"]) for fault in found] == [("/a", "x"), ("/b/0", "y"), ("/b/2/c", "z")]

    def test_a_list_of_objects_is_counted(self) -> None:
        found = faults_in({"a": [{}, {"b": self.detail("x")}]})
        assert [fault["pointer"] for fault in found] == ["/a/1/b"]

    def test_several_faults_of_one_member_share_its_pointer(self) -> None:
        found = faults_in({"a": self.detail("x", "y")})
        assert [(fault["pointer"], fault["code"]) for fault in found] == [("/a", "x"), ("/a", "y")]

    def test_it_escapes_names(self) -> None:
        assert faults_in({"a/b~c": self.detail("x")})[0]["pointer"] == "/a~1b~0c"

    def test_what_concerns_the_whole_points_to_the_whole(self) -> None:
        assert faults_in({"non_field_errors": self.detail("x")})[0]["pointer"] == ""

    def test_codes_are_written_with_hyphens(self) -> None:
        assert faults_in({"a": self.detail("max_length")})[0]["code"] == "max-length"
