"""The walk of all routes: what every one of them owes, whoever wrote it. A new service adds its world, and no line here."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any

import pytest
from django.conf import settings

from chassis.views import ServiceViewSet
from tests.api import ALL, Answer, Api, shared_client
from tests.forging import BAD_AUTHORIZATION, minted
from tests.routes import PARAMETER, Operation, documents, operations
from tests.worlds import Records, World, world_of

OPERATIONS = operations()
OPEN = [operation for operation in OPERATIONS if operation.is_open]
CLOSED = [operation for operation in OPERATIONS if not operation.is_open]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
PROBLEM = "application/problem+json"
UNKNOWN = "01890a5d-ac96-774b-bcce-000000000000"
# Whatever a route calls its parameters: an id that nobody gave.
NOBODY: Records = {"": defaultdict(lambda: UNKNOWN)}


def assert_problem(operation: Operation, answer: Answer, status: int, code: str) -> None:
    """A whole problem of that kind, of a status that is documented, with nothing of our insides in it."""
    told = f"{operation}: {answer.status} {answer.content[:300]!r}"
    assert answer.status == status, told
    assert answer.header("Content-Type") == PROBLEM, told
    problem = answer.json
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= problem.keys(), told
    assert (problem["code"], problem["status"], problem["type"]) == (code, status, f"/problems#{code}"), told
    assert problem["request_id"] == answer.header("X-Request-Id"), told
    assert not any(word in answer.content for word in (b"Traceback", b"SELECT", b"psycopg", b"django")), told
    if status != 405:
        assert str(status) in operation.documented()["responses"], told


@pytest.fixture(params=settings.SERVICES)
def service(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def own(db: None, service: str) -> Api:
    return Api(service=service)


@pytest.fixture
def world(own: Api, service: str) -> Records:
    return world_of(service).build(own)


def of(service: str) -> list[Operation]:
    return [operation for operation in CLOSED if operation.service == service]


def streams(operation: Operation) -> bool:
    return not operation.is_open and operation.action in operation.view.streaming_actions


def streamed(operation: Operation) -> tuple[str, bytes]:
    """Media type and body of a route that reads its body itself."""
    found = world_of(operation.service).streamed
    assert found, f"{operation} streams, and the world of {operation.service} has no body for it"
    return found


def body_of(operation: Operation) -> bytes | None:
    """A body of the right form: what is wrong with a request is then something else."""
    if streams(operation):
        return streamed(operation)[1]
    return b"{}" if operation.takes_json else None


def version_of(own: Api, operation: Operation, world: Records) -> dict[str, str]:
    return {"If_Match": own.get(operation.record_path(world)).etag} if operation.needs_version else {}


def send(api: Api, operation: Operation, path: str, body: bytes | None = None, **headers: str) -> Answer:
    media_type = streamed(operation)[0] if streams(operation) else "application/json"
    return api.call(operation.method, path, body, content_type=media_type, **headers)


class TestTheWalk:
    def test_it_knows_every_service(self) -> None:
        assert {operation.service for operation in CLOSED} == set(settings.SERVICES)

    def test_every_service_has_a_whole_world(self, service: str) -> None:
        names = {name for name in {*World.__annotations__, *vars(World)} if not name.startswith("_")}
        assert names > {"build", "plain", "streamed"}
        assert [name for name in sorted(names) if not hasattr(world_of(service), name)] == []

    def test_its_world_has_something_of_every_route(self, service: str, world: Records) -> None:
        for operation in of(service):
            assert "<" not in operation.path(world)

    def test_only_a_few_routes_are_open(self) -> None:
        documents = [f"GET /{service}/v1/{name}" for service in settings.SERVICES for name in ("openapi.json", "docs")]
        assert sorted(map(str, OPEN)) == sorted(["GET /", "GET /problems", "GET /livez", "GET /readyz", *documents])

    def test_every_other_one_stands_on_the_chassis(self) -> None:
        assert [str(operation) for operation in CLOSED if not issubclass(operation.view, ServiceViewSet)] == []


class TestOpenRoutes:
    @pytest.mark.parametrize("operation", OPEN, ids=str)
    def test_they_need_no_token(self, db: None, operation: Operation) -> None:
        for path in {f"/{operation.route}", f"/{operation.route}?x=1"}:
            assert shared_client().get(path).status_code == 200
            assert shared_client().get(path, headers={"Authorization": "Bearer nonsense"}).status_code == 200

    @pytest.mark.parametrize("operation", OPEN, ids=str)
    def test_they_are_read_alone(self, db: None, operation: Operation) -> None:
        for method in set(METHODS) - {"GET", "HEAD"}:
            answer = Api().call(method, f"/{operation.route}")
            assert_problem(operation, answer, 405, "method-not-allowed")
            assert answer.header("Allow") == "GET, HEAD"


class TestDocumentation:
    def test_every_operation_is_documented_and_no_other(self, service: str) -> None:
        documented = {(m.upper(), p) for p, item in documents()[service]["paths"].items() for m in item}
        assert len(documented) == len(of(service))
        for operation in of(service):
            assert operation.documented()["operationId"]

    def test_every_operation_names_a_scope_of_its_service(self, service: str) -> None:
        for operation in of(service):
            ((scope,),) = (security["bearer"] for security in operation.documented()["security"])
            right = "read" if operation.method == "GET" else "write"
            assert scope == ("history:read" if operation.action == "history" else f"{service}:{right}")


def unknown_paths(service: str) -> set[str]:
    """Paths that look like the service's routes, and are none."""
    paths = {"nothing", "..%2F", "%ff", "é"}
    for operation in of(service):
        route = operation.route.removeprefix(f"{service}/v1/")
        if operation.parameters:
            paths |= {PARAMETER.sub(malformed, route) for malformed in ("17", "x", "01890A5D", "%00")}
            paths |= {PARAMETER.sub(UNKNOWN, route) + "/nothing", PARAMETER.sub(UNKNOWN, route) + "/"}
        else:
            paths |= {f"{route}/", f"{route}%00", f"{route}/17", route.capitalize()}
    return paths


class TestUnknownRoutes:
    def test_they_are_problems_too(self, own: Api, service: str) -> None:
        for path in sorted(unknown_paths(service)):
            for method in ("GET", "POST", "DELETE"):
                answer = own.call(method, path)
                assert answer.status == 404, (path, answer.content)
                assert (answer.header("Content-Type"), answer.json["code"]) == (PROBLEM, "not-found"), path


class TestMethods:
    @pytest.mark.parametrize("route", sorted({operation.route for operation in CLOSED}))
    def test_others_are_refused_with_those_that_are_allowed(self, db: None, route: str) -> None:
        here = [operation for operation in CLOSED if operation.route == route]
        allowed = {operation.method for operation in here}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        for method in set(METHODS) - allowed:
            answer = Api(service=here[0].service).call(method, here[0].path(NOBODY))
            if method != "HEAD":
                assert_problem(here[0], answer, 405, "method-not-allowed")
            assert answer.status == 405
            assert {word.strip() for word in str(answer.header("Allow")).split(",")} == allowed


class TestAuthentication:
    @pytest.mark.parametrize("kind", BAD_AUTHORIZATION)
    def test_every_route_refuses(self, db: None, kind: str) -> None:
        value = BAD_AUTHORIZATION[kind]()
        for operation in CLOSED:
            response = shared_client().generic(
                operation.method,
                operation.path(NOBODY),
                b"{}" if operation.takes_json else b"",
                content_type="application/json" if operation.takes_json else "",
                headers={"Authorization": value} if value else {},
            )
            answer = Answer(response.status_code, dict(response.headers), response.content)
            assert_problem(operation, answer, 401, "unauthenticated")
            assert str(answer.header("WWW-Authenticate")).startswith("Bearer")

    def test_a_token_in_the_query_is_none(self, db: None) -> None:
        token = minted()
        for operation in CLOSED:
            url = f"{operation.path(NOBODY)}?access_token={token}"
            assert shared_client().generic(operation.method, url).status_code == 401

    def test_every_route_refuses_a_token_without_its_scope(self, db: None) -> None:
        for operation in CLOSED:
            ((scope,),) = (security["bearer"] for security in operation.documented()["security"])
            special = operation.view.queryset.model.machine.scopes.values() if operation.action == "transitions" else ()
            others = tuple(name for name in ALL if name != scope and name.split(":")[1] not in special)
            api = Api(service=operation.service, scopes=others)
            answer = send(api, operation, operation.path(NOBODY), body_of(operation))
            assert_problem(operation, answer, 403, "missing-scope")
            assert answer.json["scope"] == scope
            assert f'scope="{scope}"' in str(answer.header("WWW-Authenticate"))

    def test_no_route_is_content_with_no_scope_at_all(self, db: None) -> None:
        for operation in CLOSED:
            api = Api(service=operation.service, scopes=())
            assert_problem(operation, send(api, operation, operation.path(NOBODY)), 403, "missing-scope")


# --- Another organization's records ---------------------------------------------------------------------------------------


class TestOtherOrganizations:
    @pytest.fixture
    def stranger(self, own: Api) -> Api:
        """Somebody of another organization, with every scope, and the same name."""
        return own.as_(organization="general-hospital")

    def test_their_records_are_not_found_on_any_route(
        self, own: Api, stranger: Api, service: str, world: Records
    ) -> None:
        tried = [operation for operation in of(service) if operation.parameters]
        assert tried
        for operation in tried:
            headers = version_of(own, operation, world)
            answer = send(stranger, operation, operation.path(world), body_of(operation), **headers)
            assert_problem(operation, answer, 404, "not-found")

    def test_they_cannot_be_told_from_records_that_do_not_exist(
        self, own: Api, stranger: Api, service: str, world: Records
    ) -> None:
        for operation in of(service):
            if operation.parameters:
                headers = version_of(own, operation, world)
                answers = [
                    send(stranger, operation, operation.path(records), body_of(operation), **headers)
                    for records in (world, NOBODY)
                ]
                theirs, nobodys = ({**answer.json, "instance": "", "request_id": ""} for answer in answers)
                assert theirs == nobodys

    def test_nothing_of_theirs_changes(self, own: Api, stranger: Api, service: str, world: Records) -> None:
        reads = [operation for operation in of(service) if operation.action in {"retrieve", "history"}]
        before = [own.get(operation.path(world)).content for operation in reads]
        for operation in of(service):
            if operation.parameters:
                send(
                    stranger, operation, operation.path(world), body_of(operation), **version_of(own, operation, world)
                )
        assert [own.get(operation.path(world)).content for operation in reads] == before

    def test_lists_hold_nothing_of_theirs(self, own: Api, stranger: Api, service: str, world: Records) -> None:
        lists = [operation for operation in of(service) if operation.action == "list" and not operation.parameters]
        assert lists
        for operation in lists:
            assert own.get(operation.path(world)).json["results"]
            assert stranger.get(operation.path(world)).json["results"] == []
        for path in world_of(service).foreign_filters(world):
            assert stranger.get(path).json["results"] == []

    def test_no_body_may_name_them(self, own: Api, stranger: Api, service: str, world: Records) -> None:
        mine = world_of(service).build(stranger)
        requests = list(world_of(service).foreign_references(stranger, mine, world))
        lists = [
            operation.path(mine) for operation in of(service) if operation.action == "list" and not operation.parameters
        ]
        before = [stranger.get(path).content for path in lists]
        for method, path, body, member in requests:
            headers = {"If_Match": stranger.get(path).etag} if method != "POST" else {}
            answer = stranger.call(method, path, body, **headers)
            assert answer.status in {400, 409}, (path, body, answer.content)
            assert answer.json["code"] in {"invalid", "conflict", "not-editable"}, (path, body, answer.content)
            # Nobody learns that the record exists: an id that nobody gave is answered in the same words.
            unknown = [UNKNOWN] if isinstance(body[member], list) else UNKNOWN
            other = stranger.call(method, path, {**body, member: unknown}, **headers)
            assert {**answer.json, "instance": "", "request_id": ""} == {**other.json, "instance": "", "request_id": ""}
        assert [stranger.get(path).content for path in lists] == before


# --- Bad input ------------------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "cut off": b'{"a":',
    "an array": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"1e400",
    "a member twice": b'{"a":1,"a":2}',
    "NaN": b'{"a":NaN}',
    "not UTF-8": b'{"a":"\xff"}',
    "with a byte order mark": b"\xef\xbb\xbf{}",
    "a comment": b"{} // x",
    "a raw control character": b'{"a":"\x01"}',
    "a huge number": b'{"a":' + b"9" * 5000 + b"}",
    "nested 20 levels": b'{"a":' * 20 + b"1" + b"}" * 20,
    "nested 100,000 levels": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested arrays": b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
}


class TestBodies:
    @pytest.mark.parametrize("kind", BODIES)
    def test_what_is_not_one_json_object_is_refused(self, own: Api, service: str, world: Records, kind: str) -> None:
        for operation in of(service):
            if operation.takes_json:
                answer = send(own, operation, operation.path(world), BODIES[kind], **version_of(own, operation, world))
                assert_problem(operation, answer, 400, "malformed-body")

    def test_an_empty_body_is_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            if operation.takes_json:
                answer = send(own, operation, operation.path(world), b"", **version_of(own, operation, world))
                assert answer.status == 400, f"{operation}: {answer.content!r}"

    def test_an_unknown_member_is_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            if operation.takes_json:
                headers = version_of(own, operation, world)
                answer = send(own, operation, operation.path(world), b'{"a~/b":1}', **headers)
                assert_problem(operation, answer, 400, "invalid")
                faults = [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]]
                assert ("/a~0~1b", "unknown-member") in faults

    @pytest.mark.parametrize("text", [r"a\u0000b", r"a\u0007b", r"a\u009bb", r"a\ud800b"])
    def test_control_characters_are_refused(self, own: Api, service: str, world: Records, text: str) -> None:
        for operation in of(service):
            for member in texts_of(operation):
                body = f'{{"{member}":"{text}"}}'.encode()
                answer = send(own, operation, operation.path(world), body, **version_of(own, operation, world))
                assert_problem(operation, answer, 400, "invalid")
                faults = [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]]
                assert (f"/{member}", "control-character") in faults, (str(operation), member, faults)

    def test_a_string_of_ten_megabytes_is_too_large(self, own: Api, service: str, world: Records) -> None:
        body = b'{"a":"' + b"x" * 10_000_000 + b'"}'
        for operation in of(service):
            if operation.takes_json:
                answer = send(own, operation, operation.path(world), body, **version_of(own, operation, world))
                assert_problem(operation, answer, 413, "too-large")

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "x"]
    )  # fmt: skip
    def test_another_media_type_is_refused(self, own: Api, service: str, world: Records, media_type: str) -> None:
        for operation in of(service):
            if operation.takes_json:
                headers = version_of(own, operation, world)
                answer = own.call(operation.method, operation.path(world), b"{}", content_type=media_type, **headers)
                assert_problem(operation, answer, 415, "unsupported-media-type")

    def test_a_content_coding_is_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            if body := body_of(operation):
                headers = version_of(own, operation, world)
                answer = send(own, operation, operation.path(world), body, Content_Encoding="gzip", **headers)
                assert_problem(operation, answer, 415, "unsupported-media-type")

    def test_members_of_every_wrong_type_are_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            for member, told in properties_of(operation).items():
                values: tuple[tuple[str, Any], ...] = (
                    *(("boolean", True), ("number", 1.5), ("object", {"a": 1})),
                    *(("array of arrays", [[1]]), ("array of objects", [{}])),
                )
                for value in [value for kind, value in values if kind not in told.get("type", ())]:
                    body = json.dumps({member: value}).encode()
                    answer = send(own, operation, operation.path(world), body, **version_of(own, operation, world))
                    assert_problem(operation, answer, 400, "invalid")
                    assert any(fault["pointer"].startswith(f"/{member}") for fault in answer.json["errors"]), (
                        member,
                        value,
                    )


def properties_of(operation: Operation) -> dict[str, Any]:
    """The members of an operation's JSON body."""
    if not operation.takes_json:
        return {}
    (content,) = operation.documented()["requestBody"]["content"].values()
    schema = content["schema"]
    if "$ref" in schema:
        schema = documents()[operation.service]["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return dict(schema["properties"])


def texts_of(operation: Operation) -> list[str]:
    """Its members that hold free text."""
    found = properties_of(operation).items()
    return [name for name, told in found if "string" in told.get("type", ()) and not {"enum", "format"} & told.keys()]


class TestRenditions:
    """A record in the form of another standard: where there is one, it is read as a record is."""

    @pytest.fixture
    def renditions(self, service: str) -> list[Operation]:
        return [operation for operation in of(service) if operation.action in operation.view.renditions]

    def test_they_have_their_media_type_unless_plain_json_is_asked_for(
        self, own: Api, world: Any, renditions: list[Operation]
    ) -> None:
        for operation in renditions:
            media_type = operation.view.renditions[operation.action].media_type
            for accept, expected in (("*/*", media_type), (media_type, media_type), ("application/json",) * 2):
                answer = own.get(operation.path(world), Accept=accept)
                assert (answer.status, answer.header("Content-Type")) == (200, expected), str(operation)
                assert isinstance(answer.json, dict)

    def test_their_tag_is_a_digest_and_spares_an_unchanged_body(
        self, own: Api, world: Any, renditions: list[Operation]
    ) -> None:
        for operation in renditions:
            read = own.get(operation.path(world))
            assert read.etag == f'"{hashlib.sha256(read.content).hexdigest()}"'
            again = own.get(operation.path(world), If_None_Match=read.etag)
            assert (again.status, again.content, again.etag) == (304, b"", read.etag)
            assert own.get(operation.path(world), If_None_Match='"1"').status == 200


class TestParameters:
    def test_an_unknown_one_is_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            headers = version_of(own, operation, world)
            path = f"{operation.path(world)}?nothing=canary"
            answer = send(own, operation, path, body_of(operation), **headers)
            assert_problem(operation, answer, 400, "invalid")
            assert [fault["code"] for fault in answer.json["errors"]] == ["unknown-parameter"]
            assert b"canary" not in answer.content

    def test_every_declared_one_refuses_control_characters(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            for parameter in operation.documented().get("parameters", []):
                if parameter["in"] == "query":
                    for value in ("%00", "a%0Ab", "%C2%9B"):
                        path = f"{operation.path(world)}?{parameter['name']}={value}"
                        answer = send(own, operation, path, body_of(operation))
                        assert_problem(operation, answer, 400, "invalid")


class TestHeaders:
    def test_an_accept_that_cannot_be_met_is_refused(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            headers = version_of(own, operation, world)
            answer = send(own, operation, operation.path(world), body_of(operation), Accept="image/png", **headers)
            assert_problem(operation, answer, 406, "not-acceptable")

    def test_any_accept_is_met(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            if operation.method == "GET":
                assert send(own, operation, operation.path(world), Accept="image/png;q=0.9, */*;q=0.1").status == 200

    def test_a_version_is_needed_and_must_be_the_current_one(self, own: Api, service: str, world: Records) -> None:
        for operation in of(service):
            if operation.needs_version:
                path, body = operation.path(world), body_of(operation)
                assert_problem(operation, send(own, operation, path, body), 428, "precondition-required")
                for stale in ('"999"', 'W/"1"', "*", '""'):
                    answer = send(own, operation, path, body, If_Match=stale)
                    assert_problem(operation, answer, 412, "stale-version")
                assert_problem(operation, send(own, operation, path, body, If_Match="1"), 400, "invalid")

    def test_what_stands_behind_a_token_is_not_kept_by_shared_caches(
        self, own: Api, service: str, world: Records
    ) -> None:
        for operation in of(service):
            if operation.method == "GET":
                answer = send(own, operation, operation.path(world))
                assert answer.status == 200, answer.content
                assert answer.header("Cache-Control") == "private, no-cache"
                assert "Authorization" in str(answer.header("Vary"))
                head = own.call("HEAD", operation.path(world))
                assert (head.status, head.content) == (200, b"")
