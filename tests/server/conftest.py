"""What the tests of this folder try on the running server, they try for each service."""

from collections.abc import Iterator
from itertools import count
from typing import cast

import pytest
from django.conf import settings

from tests.api import RemoteApi
from tests.servers import Server
from tests.worlds import World, world_of


@pytest.fixture(params=settings.SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return cast("str", request.param)


@pytest.fixture
def world(service: str) -> World:
    return world_of(service)


@pytest.fixture
def api(server: Server, service: str) -> RemoteApi:
    """The service on the running server, as dr-okafor of st-elsewhere."""
    return server.api.as_(service=service)


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """For records of the world's plain kind, each number once on the one database."""
    return count(1)
