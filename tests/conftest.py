"""How tests are shared out to processes, and the one production server of those that need a running one."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.collector import Collector
from tests.servers import Server, make_database

# In the path of every test that runs servers: in tests/server/, and in tests/<service>/server/.
SERVER = "/server/"
# What takes longest; it begins first, or the other process would wait for it at the end.
LONGEST = (SERVER, "tests/test_copying.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=30, help="examples an operation that schemathesis tries")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((rank for rank, path in enumerate(LONGEST) if path in item.nodeid), len(LONGEST)))


class OneProcessForServers(LoadScopeScheduling):
    """All tests with a server go to one process, which owns the servers and their databases; others go anywhere.

    `xdist_group` would say the same, but pytest 9 no longer takes over the node ids that it writes.
    """

    def _split_scope(self, nodeid: str) -> str:
        return SERVER if SERVER in nodeid else nodeid.rsplit("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneProcessForServers:
    return OneProcessForServers(config, log)


@pytest.fixture(scope="session")
def server_database() -> str:
    return make_database("careway_server")


@pytest.fixture(scope="session")
def server(server_database: str) -> Iterator[Server]:
    """Two workers; stops at the end of the session, and must then have ended well."""
    running = Server(server_database).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="session")
def wired_server(server_database: str, collector: Collector) -> Iterator[Server]:
    """Two workers with telemetry, and two routes more, which crash; all else is production's."""
    # They run until the last test has ended: often enough for those that wait, and no more.
    own = {"DJANGO_SETTINGS_MODULE": "tests.crashing.settings", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
    running = Server(server_database, {**collector.environment, **own}).start()
    yield running
    assert running.stop() == 0
