"""The OWASP API Security Top 10 (2023): one class for each risk, tried on every route where it can be.

Each holds what no other test says as a whole; its docstring names where the rest is. SECURITY.md has the table.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.test import Client
from jwt.algorithms import RSAAlgorithm
from pytest_django.fixtures import Settings

from chassis.problems import Problem
from chassis.tokens import Verifier
from tests.api import Answer, Api, shared_client, token
from tests.chassis.issuing import KeyServer, issuer, signer
from tests.forging import good_claims, minted
from tests.routes import Operation, documents, operations
from tests.worlds import Records, World, world_of

OPERATIONS = operations()
OPEN = [operation for operation in OPERATIONS if operation.is_open]
CLOSED = [operation for operation in OPERATIONS if not operation.is_open]
UNKNOWN = "01890a5d-ac96-774b-bcce-000000000000"


@pytest.fixture(params=settings.SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def own(db: None, service: str) -> Api:
    return Api(service=service)


@pytest.fixture
def world(service: str) -> World:
    return world_of(service)


@pytest.fixture
def records(own: Api, world: World) -> Records:
    return world.build(own)


def of(service: str) -> list[Operation]:
    return [operation for operation in CLOSED if operation.service == service]


def send(api: Api, operation: Operation, path: str, body: Any = None, **headers: str) -> Answer:
    content = body if body is not None or not operation.takes_json else {}
    return api.call(operation.method, path, content, **headers)


def version(api: Api, operation: Operation, records: Records) -> dict[str, str]:
    return {"If_Match": api.get(operation.record_path(records)).etag} if operation.needs_version else {}


def blank(operation: Operation) -> str:
    """Its URL on records that nobody made."""
    path = "/" + operation.route
    for name in operation.parameters:
        path = path.replace(f"<uuid:{name}>", UNKNOWN)
    return path


class TestAPI1BrokenObjectLevelAuthorization:
    """Also: tests/test_routes.py::TestOtherOrganizations, and the composite foreign keys in tests/test_tables.py."""

    def test_no_header_of_a_person_opens_another_organization(self, own: Api, service: str, records: Records) -> None:
        """The header by which a service names its organization means nothing beside a person's token."""
        stranger = own.as_(organization="general-hospital", subject="mallory")
        claims = {"Careway_Organization": own.organization, "X_Organization": own.organization}
        tried = [operation for operation in of(service) if operation.parameters]
        assert tried
        for operation in tried:
            headers = version(own, operation, records)
            answer = send(stranger, operation, operation.path(records), **claims, **headers)
            # A body that a route reads itself is judged by its media type first; this one has none.
            assert (answer.status, answer.json["code"]) == (404, "not-found"), str(operation)

    def test_no_id_can_be_guessed_from_another(self, own: Api, world: World) -> None:
        """UUIDs of version 7: 62 bits or more at random, besides the rule that decides alone."""
        ids = []
        for number in (1, 2):
            path, body = world.plain(number)
            ids.append(own.post(path, body).json["id"])
        assert [each[14] for each in ids] == ["7", "7"]
        assert ids[0][19:] != ids[1][19:]


def forged(**header: Any) -> tuple[str, Any]:
    """A token of a stranger's key with an honest header, besides what is said."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    headers = {**jwt.get_unverified_header(minted()), **header}
    return jwt.encode(good_claims(), key, algorithm="RS256", headers=headers), key


class TestAPI2BrokenAuthentication:
    """Also: tests/test_routes.py::TestAuthentication (every forged token on every route), tests/chassis/test_token_refusals.py."""

    def refused(self, value: str) -> str:
        """Every route refuses it in the same words."""
        details = set()
        for operation in CLOSED:
            answer = shared_client().generic(
                operation.method, blank(operation), headers={"Authorization": f"Bearer {value}"}
            )
            assert answer.status_code == 401, str(operation)
            assert answer["WWW-Authenticate"].startswith('Bearer error="invalid_token", error_description="')
            details.add(json.loads(answer.content)["detail"])
        (detail,) = details
        return str(detail)

    @pytest.mark.parametrize(
        "header",
        [
            {"kid": "../../../dev/null"},
            {"kid": "' OR 1=1 --"},
            {"kid": "/dev/stdin"},
            {"alg": "RS512"},
            {"alg": "ES256"},
            {"crit": ["exp"]},
            {"typ": "dpop+jwt"},
        ],
        ids=str,
    )
    def test_no_header_of_a_token_leads_to_other_keys_or_rules(self, db: None, header: dict[str, Any]) -> None:
        value, _ = forged(**{name: each for name, each in header.items() if name != "alg"})
        if "alg" in header:
            content = json.dumps({**jwt.get_unverified_header(minted()), **header}).encode()
            value = ".".join([base64.urlsafe_b64encode(content).rstrip(b"=").decode(), *value.split(".")[1:]])
        assert self.refused(value)

    def test_a_key_inside_a_token_is_not_looked_at(self, db: None) -> None:
        _, key = forged()
        own = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig"}
        for header in ({"jwk": own}, {"x5c": ["MIIB"]}):
            value = jwt.encode(
                good_claims(), key, algorithm="RS256", headers={**jwt.get_unverified_header(minted()), **header}
            )
            assert self.refused(value) == "The token's signature is not valid."

    @pytest.mark.parametrize(
        ("claims", "words"),
        [
            ({"seconds": -31}, "The token has expired."),
            ({"nbf": 60}, "The token is not valid yet."),
            ({"iat": 60}, "The token is not valid yet."),
        ],
    )
    def test_a_clock_that_is_far_off_is_a_worded_401(self, db: None, claims: dict[str, int], words: str) -> None:
        now = int(time.time())
        assert self.refused(minted(**{n: s if n == "seconds" else now + s for n, s in claims.items()})) == words

    @pytest.mark.parametrize("claims", [{"seconds": -15}, {"nbf": 15}, {"iat": 15}])
    def test_a_clock_that_is_a_little_off_is_not(self, own: Api, world: World, claims: dict[str, int]) -> None:
        now = int(time.time())
        value = minted(**{name: each if name == "seconds" else now + each for name, each in claims.items()})
        path, _ = world.plain(0)
        assert own.get(path, Authorization=f"Bearer {value}").status == 200


class TestAPI3BrokenObjectPropertyLevelAuthorization:
    """Also: read-only members in tests/chassis/test_serializers.py; unknown ones in tests/test_routes.py::TestBodies."""

    @pytest.mark.parametrize("member", ["organization", "created_by", "updated_by", "is_admin", "scopes", "__proto__"])
    def test_no_body_sets_what_the_server_keeps(
        self, own: Api, service: str, records: Records, world: World, member: str
    ) -> None:
        for operation in of(service):
            if operation.takes_json:
                headers = version(own, operation, records)
                answer = send(own, operation, operation.path(records), {member: "general-hospital"}, **headers)
                faults = [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]]
                assert answer.status == 400
                assert any(pointer == f"/{member}" for pointer, _ in faults), str(operation)

    def test_an_answer_holds_what_is_documented_and_nothing_else(
        self, own: Api, service: str, records: Records
    ) -> None:
        shown = 0
        for operation in of(service):
            if operation.action == "retrieve":
                (content,) = operation.documented()["responses"]["200"]["content"].values()
                name = content["schema"]["$ref"].rsplit("/", 1)[1]
                told = documents()[service]["components"]["schemas"][name]["properties"]
                assert own.get(operation.path(records)).json.keys() == told.keys(), str(operation)
                assert not {"organization"} & told.keys()
                shown += 1
        assert shown


HEAVY = {
    "a page of all": "limit=1000000",
    "a number of 5,000 digits": "limit=" + "9" * 5000,
    "a cursor of 7,000 characters": "cursor=" + "A" * 7000,
    "an ordering of 7,000 characters": "ordering=" + "x" * 7000,
    "900 unknown parameters": "&".join(f"a{number}=1" for number in range(900)),
    "5,000 parameters": "&".join(f"a{number}=1" for number in range(5000)),
    "one parameter 900 times": "&".join(["limit=1"] * 900),
}


class TestAPI4UnrestrictedResourceConsumption:
    """Also: sizes and slow bodies in tests/test_routes.py::TestBodies and tests/server/test_bodies.py; bombs in
    tests/genomics/vcf/test_framing.py; requests in flight in tests/server/test_fairness.py.
    """

    @pytest.mark.parametrize("kind", HEAVY)
    def test_a_heavy_query_is_refused_at_once_and_briefly(self, own: Api, service: str, kind: str) -> None:
        lists = [operation for operation in of(service) if operation.action == "list" and not operation.parameters]
        assert lists
        for operation in lists:
            started = time.perf_counter()
            answer = own.get(f"{blank(operation)}?{HEAVY[kind]}")
            assert answer.status == 400, answer.content
            assert len(answer.content) < 20_000
            assert time.perf_counter() - started < 10

    @pytest.mark.parametrize(
        "text", ["a" * 200_000, "-" * 200_000, "1." * 100_000, "x" + " " * 200_000 + "x", "é́" * 60_000]
    )
    def test_no_pattern_backtracks_for_long(self, own: Api, world: World, text: str) -> None:
        path, body = world.plain(0)
        for member, value in body.items():
            if isinstance(value, str):
                started = time.perf_counter()
                answer = own.post(path, {**body, member: text})
                assert answer.status == 400, member
                assert time.perf_counter() - started < 10, member

    def test_a_body_of_many_faults_is_answered_with_some(self, own: Api, world: World) -> None:
        path, _ = world.plain(0)
        answer = own.post(path, {f"m{number}": 1 for number in range(50_000)})
        assert answer.status == 400
        assert len(answer.json["errors"]) <= 110
        assert len(answer.content) < 20_000


class TestAPI5BrokenFunctionLevelAuthorization:
    """Also: tests/test_routes.py::TestAuthentication (each scope on each route), tests/chassis/test_permissions.py."""

    def test_a_reader_writes_nowhere(self, db: None, service: str) -> None:
        reader = Api(service=service, scopes=(f"{service}:read", "history:read"))
        writes = [operation for operation in of(service) if operation.method != "GET"]
        assert writes
        for operation in writes:
            assert send(reader, operation, blank(operation)).status == 403, str(operation)

    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_no_header_and_no_parameter_turns_a_read_into_a_write(
        self, own: Api, service: str, records: Records, header: str
    ) -> None:
        deleted = [operation for operation in of(service) if operation.action == "destroy"]
        assert deleted
        for operation in deleted:
            path = operation.path(records)
            assert own.get(path, **{header: "DELETE"}).status == 200
            assert own.get(f"{path}?_method=DELETE").status == 400
            assert own.get(path).status == 200

    @pytest.mark.parametrize(
        "scopes", [("*",), ("admin",), ("{0}:*",), ("{0}",), ("{0}:READ",), ("{0}:read,{0}:write",)]
    )
    def test_no_scope_is_wider_than_its_name(self, db: None, service: str, scopes: tuple[str, ...]) -> None:
        wide = Api(service=service, scopes=tuple(scope.format(service) for scope in scopes))
        for operation in of(service):
            assert send(wide, operation, blank(operation)).status == 403, str(operation)


class TestAPI6UnrestrictedAccessToSensitiveBusinessFlows:
    """Also: nobody signs a report that they wrote, tests/genomics/test_reports.py; machines in tests/chassis/test_transitions.py."""

    def test_a_flow_is_done_once_however_often_it_is_asked_for(self, own: Api, world: World) -> None:
        path, body = world.plain(1)
        answers = [own.post(path, body, Idempotency_Key="once") for _ in range(5)]
        assert {answer.status for answer in answers} == {201}
        assert len({answer.json["id"] for answer in answers}) == 1

    def test_no_step_is_taken_twice_or_out_of_turn(self, own: Api, world: World) -> None:
        path, body = world.plain(1)
        record = f"{path}/{own.post(path, body).json['id']}"
        before = own.get(record).etag
        assert own.post(f"{record}/transitions", world.first_move, If_Match=before).status == 200
        assert own.post(f"{record}/transitions", world.first_move, If_Match=before).status == 412
        assert own.post(f"{record}/transitions", world.first_move, If_Match=own.get(record).etag).status == 409


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody's server, who waits for us to call."""
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.setblocking(False)
        yield waiting


class TestAPI7ServerSideRequestForgery:
    """What the process calls stands in its settings alone. Also: redirects in tests/chassis/test_keysets.py and
    tests/clinical/test_genomics_client.py.
    """

    def test_no_token_makes_the_server_fetch_a_key(self, own: Api, world: World, listener: socket.socket) -> None:
        path, _ = world.plain(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        for header in ({"jku": url}, {"x5u": url}, {"kid": url}, {"jku": url, "kid": "other"}):
            value, _ = forged(**header)
            assert own.get(path, Authorization=f"Bearer {value}").status == 401
        value = minted(iss=url.removesuffix("/keys"))
        assert own.get(path, Authorization=f"Bearer {value}").status == 401
        with pytest.raises(BlockingIOError):
            listener.accept()

    def test_no_body_has_a_member_for_a_url(self, service: str) -> None:
        for name, schema in documents()[service]["components"]["schemas"].items():
            if name.endswith("Request"):
                for member, told in schema["properties"].items():
                    assert told.get("format") not in {"uri", "uri-reference", "hostname"}, (name, member)
                    assert not {"url", "uri", "href", "callback", "webhook"} & set(member.split("_")), (name, member)


ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def assert_hardened(answer: Any, told: str) -> None:
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, told
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; "), told
    assert "frame-ancestors 'none'" in policy, told
    assert "unsafe-eval" not in policy, told
    assert "script-src 'self'" in policy or "script-src" not in policy, told
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")], told
    assert not {"Server", "X-Powered-By"} & set(answer.headers), told


class TestAPI8SecurityMisconfiguration:
    """Also: methods in tests/test_routes.py::TestMethods, the page in tests/server/test_documents_page.py, the parser in
    tests/server/test_smuggling.py, settings that a production refuses in tests/config/test_settings.py.
    """

    def test_every_answer_of_every_route_is_hardened(self, own: Api, service: str, records: Records) -> None:
        headers = {"Authorization": f"Bearer {token()}", "Origin": "https://elsewhere.example"}
        for operation in [*OPEN, *of(service)]:
            path = f"/{operation.route}" if operation.is_open else operation.path(records)
            for sent in (headers, {}, {**headers, "Accept": "image/png"}):
                for method in {operation.method, "HEAD", "OPTIONS", "TRACE"}:
                    answer = shared_client().generic(method, path, headers=sent)
                    assert_hardened(answer, f"{method} {path}")
                    if not operation.is_open or answer.status_code >= 400:
                        assert answer["Cache-Control"] in {"private, no-cache", "no-store"}, f"{method} {path}"

    @pytest.mark.parametrize(
        ("path", "host", "status"),
        [
            ("/nothing", "localhost", 404),
            ("/%00", "localhost", 404),
            ("/", "elsewhere.example", 400),
            ("/static/nothing.js", "localhost", 404),
            ("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js", "localhost", 200),
            ("/static/../config/settings.py", "localhost", 404),
            ("/static/%2e%2e/manage.py", "localhost", 404),
        ],
    )
    def test_so_is_what_no_view_answers(self, db: None, path: str, host: str, status: int) -> None:
        answer = shared_client().get(path, headers={"Host": host})
        answer.close()  # a file's stays open else
        assert answer.status_code == status
        assert_hardened(answer, path)

    def test_a_crash_is_too_and_tells_nothing(self, own: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(*_: Any, **__: Any) -> None:
            raise RuntimeError("canary")

        path, _ = world.plain(0)
        monkeypatch.setattr("chassis.views.ServiceViewSet.list_response", crash)
        answer = shared_client().get(own.url_of(path), headers={"Authorization": f"Bearer {token()}"})
        assert answer.status_code == 500
        assert_hardened(answer, path)
        assert not any(word in answer.content for word in (b"canary", b"Traceback", b"RuntimeError", b".py"))

    def test_https_is_for_good_behind_a_proxy_that_ends_tls(self, db: None, settings: Settings) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        settings.SECURE_HSTS_SECONDS = 31_536_000
        for path, host in (("/", "localhost"), ("/nothing", "localhost"), ("/", "elsewhere.example")):
            answer = Client().get(path, headers={"X-Forwarded-Proto": "https", "Host": host})
            assert answer["Strict-Transport-Security"] == "max-age=31536000"

    def test_links_follow_no_header_of_a_stranger(self, own: Api, world: World) -> None:
        path, body = world.plain(1)
        answer = own.post(
            path,
            body,
            X_Forwarded_Host="elsewhere.example",
            X_Forwarded_Port="444",
            X_Forwarded_Proto="https",
            Forwarded="host=elsewhere.example;proto=https",
        )
        assert str(answer.header("Location")).startswith("http://testserver/")

    def test_nothing_of_a_debugger_is_on(self) -> None:
        assert (settings.DEBUG, settings.USE_X_FORWARDED_HOST) == (False, False)
        assert not [app for app in settings.INSTALLED_APPS if "debug" in app or "admin" in app]


class TestAPI9ImproperInventoryManagement:
    """Also: tests/test_routes.py::TestDocumentation and TestTheWalk (every route is documented, or in a closed list)."""

    def test_every_operation_is_of_a_documented_version(self, service: str) -> None:
        assert documents()[service]["servers"] == [{"url": f"/{service}/v1"}]
        for operation in of(service):
            assert operation.route.startswith(f"{service}/v1/")
            assert operation.documented()["operationId"]

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "admin",
                "admin/",
                "metrics",
                "debug",
                "graphql",
                "swagger",
                "docs",
                "openapi.json",
                ".env",
                ".git/config",
            ),
            *("{0}", "{0}/", "{0}/v0/docs", "{0}/v2/docs", "{0}/v1", "{0}/v1/", "{0}/v1/openapi.yaml", "{0}/v1/schema"),
        ],
    )
    def test_nothing_else_is_served(self, own: Api, service: str, path: str) -> None:
        assert own.get("/" + path.format(service)).status == 404


class TestAPI10UnsafeConsumptionOfAPIs:
    """The identity provider's keys; what the other service answers is in tests/clinical/test_genomics_client.py, files in
    tests/genomics/vcf/.
    """

    @pytest.mark.parametrize(
        "document",
        [
            b"",
            b"<html>",
            b"[]",
            b'{"keys": {}}',
            b'{"keys": [[]]}',
            b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "HS256"}]}',
            b"[" * 100_000,
            b'{"keys": ' + b"9" * 5000 + b"}",
            b" " * 2_000_000,
            b"\xff\xfe",
        ],
        ids=lambda document: repr(document[:40]),
    )
    def test_a_key_set_is_taken_for_what_it_is(self, document: bytes) -> None:
        """Nothing in it is a key, so nobody is let in; and nothing in it ends the process."""
        with KeyServer(signer()) as server:
            server.document = document
            with pytest.raises(Problem) as caught:
                Verifier((issuer(jwks_url=server.url),)).verify(signer().token())
            assert caught.value.code in {"unauthenticated", "unavailable"}
            assert server.requests
