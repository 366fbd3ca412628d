"""Fixtures that every room uses, and how tests are shared out to processes."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.api import Api

SERVER = "tests/server/"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=30, help="examples an operation that schemathesis tries")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest unit of work begins first, or the other process would wait for it at the end.
    items.sort(key=lambda item: not item.nodeid.startswith(SERVER))


class OneProcessForServers(LoadScopeScheduling):
    """All tests of tests/server go to one process, which owns the servers and their databases; others go anywhere.

    `xdist_group` would say the same, but pytest 9 no longer takes over the node ids that it writes.
    """

    def _split_scope(self, nodeid: str) -> str:
        return SERVER if nodeid.startswith(SERVER) else nodeid.rsplit("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneProcessForServers:
    return OneProcessForServers(config, log)


@pytest.fixture
def api(db: None) -> Api:
    """The genomics API as dr-okafor of st-elsewhere, in this process, in a transaction that is rolled back."""
    return Api()
