"""Each service alone: in its process, its database, its documents, and its rights there is nothing of the other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors, sql

from tests.clinical.server import pair
from tests.clinical.server.pair import manage
from tests.servers import ROOT, Server, database_url, product_environment
from tests.worlds import world_of

OTHER = {"genomics": "clinical", "clinical": "genomics"}
SERVICES = tuple(OTHER)

# All that gunicorn loads, and the routes and the document too; then what there is of it. In the end the commands of a release.
SCRIPT = """
import io, json, sys
import config.gunicorn, config.wsgi
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.urls import get_resolver
from chassis.documents import generate

def routes(resolver, prefix=""):
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        yield from routes(pattern, route) if hasattr(pattern, "url_patterns") else [route]

def said(*command):
    output = io.StringIO()
    try:
        call_command(*command, stdout=output, stderr=output)
    except (Exception, SystemExit) as error:
        return f"{output.getvalue()}{error!r}"
    return output.getvalue()

found = dict(
    services=settings.SERVICES,
    routes=list(routes(get_resolver())),
    documents={service: generate(service) for service in settings.SERVICES},
    scopes=settings.SCOPES,
    settings=[name for name in dir(settings) if name.isupper()],
    apps=[app.label for app in apps.get_app_configs()],
    check=said("check", "--database", "default", "--fail-level", "WARNING"),
    makemigrations=said("makemigrations", "--check", "--dry-run"),
    migrate=said("migrate", "--check"),
    check_openapi=said("check_openapi"),
    verify_links=said("verify_links"),
)
print(json.dumps({**found, "modules": sorted(sys.modules)}))
"""


def variables(service: str) -> dict[str, str]:
    """Of a process that serves it alone; what the other one's variables say is nobody's business here."""
    others = {
        "genomics": {"CAREWAY_GENOMICS_URL": "nonsense", "CAREWAY_GENOMICS_TOKEN_FILE": "nonsense"},
        "clinical": {"CAREWAY_VCF_LINE_BYTES": "nonsense", "CAREWAY_INGESTIONS_PER_PROCESS": "nonsense"},
    }
    return {"CAREWAY_SERVICES": service, "DATABASE_URL": pair.database(service), **others[service]}


@cache
def loaded(service: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT, env=product_environment(**variables(service)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def other(service: str) -> str:
    return OTHER[service]


class TestTheProcess:
    def test_no_module_of_the_other_is_loaded(self, service: str, other: str) -> None:
        modules = loaded(service)["modules"]
        assert f"{service}.operations" in modules
        assert [name for name in modules if name.split(".")[0] == other] == []
        assert other not in loaded(service)["apps"]

    def test_no_route_leads_to_it(self, service: str, other: str) -> None:
        routes = loaded(service)["routes"]
        assert len([route for route in routes if route.startswith(f"{service}/v1/")]) > 10
        assert [route for route in routes if other in route] == []

    def test_no_scope_is_its(self, service: str, other: str) -> None:
        assert {scope.split(":")[0] for scope in loaded(service)["scopes"]} == {service, "history"}
        (document,) = loaded(service)["documents"].values()
        needed = {
            scope
            for path in document["paths"].values()
            for operation in path.values()
            if isinstance(operation, dict)
            for requirement in operation.get("security", [])
            for scope in requirement.get("bearer", [])
        }
        # `sign` is asked for by the target of a transition, and named in its words.
        assert set(loaded(service)["scopes"]) - {"genomics:sign"} <= needed <= set(loaded(service)["scopes"])

    def test_its_document_speaks_of_the_other_only_as_somebody_asked(self, service: str) -> None:
        document = json.dumps(loaded(service)["documents"])
        if service == "genomics":
            assert "clinical" not in document
        else:
            assert set(re.findall(r"genomics:\w+", document)) <= {"genomics:read"}
            assert not re.search(r"Sample|Analys[ie]s(?:Request|Page|List)|/vcf|genomics/v1", document)

    def test_no_setting_is_its(self, service: str) -> None:
        names = set(loaded(service)["settings"])
        wants = {name for name in names if re.match(r"GENOMICS_", name)}
        ingests = {name for name in names if re.match(r"INGESTION|VCF_", name)}
        assert (bool(wants), bool(ingests)) == (service == "clinical", service == "genomics")


class TestTheDatabase:
    def test_nothing_in_it_is_the_others(self, service: str, other: str) -> None:
        named = """
            SELECT relname FROM pg_class UNION ALL SELECT proname FROM pg_proc UNION ALL SELECT tgname FROM pg_trigger
            UNION ALL SELECT typname FROM pg_type UNION ALL SELECT conname FROM pg_constraint
            UNION ALL SELECT app FROM django_migrations UNION ALL SELECT app_label FROM django_content_type
        """
        names = [name for (name,) in pair.rows(named, url=pair.database(service))]
        assert [name for name in names if name.startswith(f"{service}_")]
        assert [name for name in names if re.match(rf"{other}(_|$)", name)] == []


class TestCommands:
    def test_they_find_nothing_to_mend(self, service: str) -> None:
        # What is silenced is the length of an index's name, which PostgreSQL allows.
        assert loaded(service)["check"].startswith("System check identified no issues (")
        assert loaded(service)["makemigrations"] == "No changes detected\n"
        assert loaded(service)["migrate"] == ""

    def test_its_document_is_valid_without_the_other(self, service: str) -> None:
        assert re.fullmatch(rf"{service}: \d+ paths, OpenAPI 3\.1\.\d, no warning\n", loaded(service)["check_openapi"])

    def test_verify_links_is_clinicals(self) -> None:
        assert "Unknown command: 'verify_links'" in loaded("genomics")["verify_links"]
        assert json.loads(loaded("clinical")["verify_links"])["left"] == 0


PASSWORD = "only-of-these-tests"


def role_of(service: str) -> str:
    return f"careway_alone_{service}"


def own_url(service: str, *, database: str = "") -> str:
    """Of the database of a service, or of the other's, as the role of the service."""
    address = urlsplit(database_url(role_of(database or service)))
    host = address.netloc.rpartition("@")[2]
    return urlunsplit(address._replace(netloc=f"{role_of(service)}:{PASSWORD}@{host}"))


@pytest.fixture(scope="module")
def roles() -> Iterator[psycopg.Connection[Any]]:
    """What docs/operating.md tells an operator to do, for each service."""
    with psycopg.connect(pair.database("clinical"), autocommit=True) as connection:
        drop(connection)
        for service in SERVICES:
            name = sql.Identifier(role_of(service))  # of the role and of its database
            for statement in (
                "CREATE ROLE {0} LOGIN PASSWORD {1}",
                "GRANT {0} TO CURRENT_USER",
                "CREATE DATABASE {0} OWNER {0}",
                "REVOKE ALL ON DATABASE {0} FROM PUBLIC",
                "REVOKE {0} FROM CURRENT_USER",
            ):
                connection.execute(sql.SQL(statement).format(name, sql.Literal(PASSWORD)))
        yield connection
        drop(connection)


def drop(connection: psycopg.Connection[Any]) -> None:
    for statement in ("DROP DATABASE IF EXISTS {} WITH (FORCE)", "DROP ROLE IF EXISTS {}"):
        for service in SERVICES:
            connection.execute(sql.SQL(statement).format(sql.Identifier(role_of(service))))


@pytest.fixture(scope="module")
def running(roles: psycopg.Connection[Any]) -> Iterator[dict[str, Server]]:
    """Each service as its own role, which has migrated too."""
    servers: dict[str, Server] = {}
    for service in SERVICES:
        as_role = {**variables(service), "DATABASE_URL": own_url(service)}
        done = manage("migrate", "--verbosity=0", **as_role)
        assert done.returncode == 0, done.stderr
        servers[service] = Server(own_url(service), {**as_role, "CAREWAY_WORKERS": "1"}, service=service).start()
    yield servers
    for server in servers.values():
        assert server.stop() == 0


class TestTheServer:
    def test_it_serves_one_service_as_its_own_role(
        self, running: dict[str, Server], roles: psycopg.Connection[Any], service: str, other: str
    ) -> None:
        api = running[service].api
        assert list(api.get("/").json["services"]) == [service]
        assert api.get("openapi.json").json["info"]["title"] == f"Careway {service}"
        foreign = [f"/{other}/v1/{path}" for path in ("openapi.json", "docs", "patients", "samples", "")]
        assert {path: api.get(path).status for path in foreign} == dict.fromkeys(foreign, 404)
        # What it knows, it can do; so its role has all the rights that it needs.
        world = world_of(service)
        for number in range(3):
            collection, body = world.plain(number)
            assert api.post(collection, body, Idempotency_Key=str(number)).status == 201
        assert len(api.get(collection).json["results"]) == 3
        sessions = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'careway' AND datname = %s"
        assert roles.execute(sessions, [role_of(service)]).fetchall() == [(role_of(service),)]


class TestTheRole:
    def test_it_is_no_more_than_a_user(self, roles: psycopg.Connection[Any], service: str) -> None:
        rights = (
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = %s"
        )
        assert roles.execute(rights, [role_of(service)]).fetchone() == (False,) * 5

    def test_it_cannot_connect_to_the_others_database(
        self, running: dict[str, Server], service: str, other: str
    ) -> None:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(own_url(service, database=other))

    def test_it_could_not_even_read_there(
        self, running: dict[str, Server], roles: psycopg.Connection[Any], service: str, other: str
    ) -> None:
        names = {"database": sql.Identifier(role_of(other)), "role": sql.Identifier(role_of(service))}
        roles.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}").format(**names))
        try:
            with psycopg.connect(own_url(service, database=other), autocommit=True) as connection:
                granted = (
                    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
                    " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, %s)"
                )
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
                    assert connection.execute(granted, [right]).fetchall() == []
                table = world_of(other).table
                for statement in (f"SELECT * FROM {table}", f"SELECT * FROM {table}event", f"DELETE FROM {table}"):
                    with pytest.raises(errors.InsufficientPrivilege, match="permission denied for table"):
                        connection.execute(statement)
                with pytest.raises(errors.InsufficientPrivilege, match="permission denied for schema"):
                    connection.execute("CREATE TABLE mine ()")
        finally:
            roles.execute(sql.SQL("REVOKE CONNECT ON DATABASE {database} FROM {role}").format(**names))
