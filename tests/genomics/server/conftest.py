"""The running server of tests/conftest.py, called as this service."""

from dataclasses import replace

import pytest

from tests.servers import Server


@pytest.fixture(scope="session")
def server(server: Server) -> Server:
    return replace(server, service="genomics")
