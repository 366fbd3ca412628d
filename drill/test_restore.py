"""One service's database is dumped, lost and restored, by the blocks of docs/operating.md as they stand."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from drill.conftest import Row
from tests.api import RemoteApi
from tests.postgres import Postgres
from tests.routes import operations
from tests.servers import ROOT, Server, migrate, product_environment
from tests.worlds import Records, world_of

BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SIGNED_COLUMNS = "SELECT table_name FROM information_schema.columns WHERE column_name = 'content_sha256'"
Picture = dict[str, tuple[int, str | None, bytes]]


@pytest.fixture(params=settings.SERVICES)
def service(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        running.execute("CREATE ROLE careway LOGIN")
        yield running


def blocks() -> tuple[str, str]:
    """How a service is dumped, and how it is restored."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("\n## Backup and restore\n")
    dump, restore = BLOCK.findall(rest.partition("\n## ")[0])
    return dump, restore


def shell(block: str, url: str, postgres: Postgres, folder: Path, service: str) -> None:
    path = f"{postgres.tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = product_environment(DATABASE_URL=url, PATH=path, CAREWAY_SERVICES=service)
    # The dump lies where the test wants it, and manage.py where the product is.
    script = block.replace("careway.dump", str(folder / "careway.dump"))
    subprocess.run(["bash", "-euc", script], cwd=ROOT, env=environment, check=True)


def started(url: str, service: str) -> Server:
    return Server(url, {"CAREWAY_SERVICES": service}, service=service).start()


def picture(api: RemoteApi, service: str, records: Records) -> Picture:
    """Every GET of the service on these records: status, entity tag and body. Links name the server's port."""
    routes = [each for each in operations() if each.service == service and each.method == "GET"]
    taken: Picture = {}
    for each in routes:
        path = "/" + each.path(records).removeprefix("/")
        answer = api.get(path)
        taken[path] = (answer.status, answer.header("ETag"), answer.content.replace(api.url.encode(), b""))
    return taken


def test_a_service_comes_back_as_it_was(service: str, postgres: Postgres, tmp_path: Path, row: Row) -> None:
    dump, restore = blocks()
    postgres.create_database("careway", owner="careway")
    url = postgres.url("careway", user="careway")
    migrate(url, services=service)
    server = started(url, service)
    records = world_of(service).build(server.api)
    world_of(service).grow(server.api)
    collection, body = world_of(service).plain(1)
    first = server.api.post(collection, body, Idempotency_Key="before the loss")
    before = picture(server.api, service, records)
    server.stop(signal.SIGTERM)

    shell(dump, url, postgres, tmp_path, service)
    postgres.execute("DROP DATABASE careway")
    postgres.create_database("careway", owner="careway")
    shell(restore, url, postgres, tmp_path, service)

    server = started(url, service)
    try:
        assert picture(server.api, service, records) == before
        assert {status for status, _, _ in before.values()} == {200}
        digests = signed(picture(server.api, service, records))
        assert digests or not postgres.execute(SIGNED_COLUMNS, "careway")
        again = server.api.post(collection, body, Idempotency_Key="before the loss")
        assert (again.status, again.content, again.header("Idempotent-Replayed")) == (201, first.content, "true")
        path = f"{collection}/{first.json['id']}"
        edited = server.api.patch(path, world_of(service).edits[0], If_Match=first.etag)
        assert edited.status == 200
        assert len(server.api.get(f"{path}/history").json["results"]) == 2
    finally:
        server.stop(signal.SIGTERM)
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute(f"UPDATE {world_of(service).table}event SET version = 9")
    row(f"{service}: dumped, lost, restored", f"{len(before)} routes answer the same, {digests} signed digests verify")


def signed(taken: Picture) -> int:
    """How many records have a digest of what was signed: each is worked out anew, by the rule of the documents."""
    found = [each for _, _, body in taken.values() for each in _signed_in(_json(body))]
    for each in found:
        canonical = json.dumps(each["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(canonical.encode()).hexdigest() == each["content_sha256"]
    return len(found)


def _json(body: bytes) -> Any:
    """None for an export, which is no JSON document."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _signed_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("content_sha256"), str):
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else []:
        yield from _signed_in(each)
