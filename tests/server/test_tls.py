"""sslmode=verify-full against a real server with a certificate: whom it lets in, and whom it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from chassis.environment import Environment
from tests.pgbouncer import PROGRAM, USER, Authority, PgBouncer
from tests.postgres import Postgres
from tests.servers import Server, migrate
from tests.worlds import world_of

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no pgbouncer here: TLS to the database is not tried (apt-get install pgbouncer)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "hospital")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def bouncer(folder: Path, authority: Authority) -> Iterator[PgBouncer]:
    """Its certificate is for localhost, and for no address."""
    certificate, key = authority.certify(folder, "localhost")
    with Postgres() as postgres:
        postgres.execute(f"CREATE ROLE {USER} LOGIN")
        migrate(postgres.create_database("careway", owner=USER))
        postgres.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}", "careway")
        postgres.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}", "careway")
        # A pooler in transaction mode passes no time-outs on.
        postgres.execute(f"ALTER ROLE {USER} SET lock_timeout = '5s'")
        postgres.execute(f"ALTER ROLE {USER} SET statement_timeout = '15s'")
        with PgBouncer(port=postgres.port, certificate=certificate, key=key) as running:
            yield running


def connect(url: str) -> str:
    """The product's own connection to `url`, without its pool: the version of TLS, or why there is none."""
    found = Environment({"D": url}).database("D")
    assert found
    known = connections["default"].settings_dict
    options = {**found["OPTIONS"], "connect_timeout": 5}
    connection = ConnectionHandler({"default": {**known, **found, "ENGINE": known["ENGINE"], "OPTIONS": options}})
    try:
        connection["default"].ensure_connection()
        return str(connection["default"].connection.pgconn.ssl_in_use)
    except OperationalError as error:
        return str(error)
    finally:
        connection["default"].close()


def verified(authority: Authority) -> str:
    return f"sslmode=verify-full&sslrootcert={authority.file}"


class TestAConnection:
    @pytest.fixture(autouse=True)
    def _to_a_database(self, db: None) -> None: ...

    def test_it_is_made_to_a_server_of_our_authority_with_the_right_name(
        self, bouncer: PgBouncer, authority: Authority
    ) -> None:
        assert connect(bouncer.url("careway", verified(authority))) == "True"
        assert re.search(rf"login attempt: db=careway user={USER} tls=TLSv1\.3", bouncer.log)

    def test_another_authority_is_refused(self, bouncer: PgBouncer, stranger: Authority) -> None:
        assert "certificate verify failed" in connect(bouncer.url("careway", verified(stranger)))

    def test_another_host_is_refused(self, bouncer: PgBouncer, authority: Authority) -> None:
        told = connect(bouncer.url("careway", verified(authority), host="127.0.0.1"))
        assert 'does not match host name "127.0.0.1"' in told

    def test_the_authorities_of_the_system_are_those_that_openssl_is_told(
        self, bouncer: PgBouncer, authority: Authority
    ) -> None:
        code = "import sys, psycopg; print(psycopg.connect(sys.argv[1]).pgconn.ssl_in_use)"
        command = [sys.executable, "-c", code, bouncer.url("careway", "sslmode=verify-full&sslrootcert=system")]
        environment = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
        assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"True\n"
        assert b"certificate verify failed" in subprocess.run(command, capture_output=True, check=False).stderr

    def test_lower_modes_would_have_let_it_pass(self, bouncer: PgBouncer, authority: Authority) -> None:
        """So that it is verify-full that the two above are about."""
        lower = f"sslmode=verify-ca&sslrootcert={authority.file}"
        assert connect(bouncer.url("careway", lower, host="127.0.0.1")) == "True"
        assert connect(bouncer.url("careway", "sslmode=require")) == "True"

    def test_without_tls_the_server_refuses(self, bouncer: PgBouncer) -> None:
        assert "SSL required" in connect(bouncer.url("careway", "sslmode=disable"))

    def test_a_server_without_tls_is_refused(self, bouncer: PgBouncer, authority: Authority) -> None:
        plain = re.search(r"port=(\d+)", (bouncer.folder / "pgbouncer.ini").read_text())
        assert plain
        told = connect(f"postgresql://{USER}@localhost:{plain[1]}/careway?{verified(authority)}")
        assert "server does not support SSL" in told


def test_a_server_serves_over_it_and_outlives_a_wrong_authority(
    bouncer: PgBouncer, authority: Authority, stranger: Authority, folder: Path
) -> None:
    trusted = folder / "trusted.pem"
    trusted.write_bytes(authority.file.read_bytes())
    url = bouncer.url("careway", f"sslmode=verify-full&sslrootcert={trusted}")
    variables = {"CAREWAY_TRANSACTION_POOLER": "true", "CAREWAY_LOG_LEVEL": "WARNING"}
    server = Server(url, environment=variables, output=folder).start()
    try:
        assert server.api.get(world_of(server.service).plain(0)[0]).status == 200
        trusted.write_bytes(stranger.file.read_bytes())
        bouncer.stop()
        bouncer.start()
        assert until(server, 503) == 503
        assert server.api.get(world_of(server.service).plain(0)[0]).header("Retry-After")
        assert server.api.get("/livez").status == 200
        told = (folder / "stdout").read_text() + (folder / "stderr").read_text()
        assert "certificate verify failed" in told
        trusted.write_bytes(authority.file.read_bytes())
        assert until(server, 200) == 200
    finally:
        assert server.stop() == 0


def until(server: Server, status: int) -> int:
    """The last status of a list, when it has become this one or after ten seconds."""
    end = time.monotonic() + 10
    while (found := server.api.get(world_of(server.service).plain(0)[0]).status) != status and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_writes_over_a_pooler_in_transaction_mode_are_done_once_and_replayed(
    bouncer: PgBouncer, authority: Authority, folder: Path
) -> None:
    """Their BEGIN and COMMIT go with a statement, and the pooler has to hand them on as one transaction."""
    variables = {"CAREWAY_TRANSACTION_POOLER": "true", "CAREWAY_LOG_LEVEL": "WARNING"}
    server = Server(bouncer.url("careway", verified(authority)), environment=variables, output=folder).start()
    try:
        world = world_of(server.service)
        for number in range(100, 110):
            path, body = world.plain(number)
            first, again = (server.api.post(path, body, Idempotency_Key=f"k{number}") for _ in range(2))
            assert (first.status, again.status, again.content) == (201, 201, first.content)
            assert again.header("Idempotent-Replayed") == "true"
            assert server.api.get(f"{path}/{first.json['id']}").content == first.content
            (event,) = server.api.get(f"{path}/{first.json['id']}/history").json["results"]
            assert event["actor"] == first.json["created_by"]
            assert server.api.post(path, body).status == 409
    finally:
        server.stop()
