"""docker/databases.sql, as PostgreSQL runs it when docker/compose.yaml starts for the first time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import permutations
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tests.image.test_compose import FILE, PARTS
from tests.postgres import Postgres

ACCESS = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres(access=ACCESS) as running:
        script = ["--quiet", "--set=ON_ERROR_STOP=1", f"--file={FILE.parent / 'databases.sql'}"]
        subprocess.run([running.tools / "psql", *script, running.url()], check=True)
        yield running


def url(server: Postgres, service: str, database: str) -> str:
    """As docker/compose.yaml names it, but for the host, and for the database where another one is tried."""
    own = urlsplit(str(PARTS[service]["environment"]["DATABASE_URL"]))
    here = f"{own.username}:{own.password}@127.0.0.1:{server.port}"
    return own._replace(netloc=here, path=f"/careway_{database}").geturl()


@pytest.mark.parametrize("service", settings.AVAILABLE_SERVICES)
def test_each_role_owns_its_database(server: Postgres, service: str) -> None:
    with psycopg.connect(url(server, service, service)) as connection:
        connection.execute("CREATE TABLE public.tried ()")
        connection.rollback()


@pytest.mark.parametrize(("service", "other"), [*permutations(settings.AVAILABLE_SERVICES, 2)])
def test_no_role_enters_the_others_database(server: Postgres, service: str, other: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url(server, service, other))
