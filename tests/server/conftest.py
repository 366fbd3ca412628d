"""One production server with two workers for the tests of this folder; tests/conftest.py sends them all to one process."""

from collections.abc import Iterator

import pytest

from tests.servers import Server, make_database


@pytest.fixture(scope="session")
def server_database() -> str:
    return make_database("careway_server")


@pytest.fixture(scope="session")
def server(server_database: str) -> Iterator[Server]:
    """Stops at the end of the session, and must then have ended well."""
    running = Server(server_database).start()
    yield running
    assert running.stop() == 0
