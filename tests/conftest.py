"""How tests are shared out to processes, and the production servers that a process keeps for its tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from chassis.statements import Question
from tests.collector import Collector
from tests.servers import Server, make_database

# What takes longest begins first, or one process would wait for the other at the end: the copy of the house, and the
# tests that run servers, in tests/server/ and in tests/<service>/server/.
LONGEST = ("tests/test_copying.py", "/server/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=30, help="examples an operation that schemathesis tries")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((rank for rank, path in enumerate(LONGEST) if path in item.nodeid), len(LONGEST)))


class FilesOfServers(LoadScopeScheduling):
    """A file of long tests goes to one process, since its tests share a server or a copy; of the others each class."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0] if any(path in nodeid for path in LONGEST) else nodeid.rsplit("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesOfServers:
    return FilesOfServers(config, log)


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


@pytest.fixture(autouse=True)
def every_question_is_asked_as_it_would_be_compiled_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What chassis/statements.py has compiled once is compared with what Django makes of the same values, at each use."""
    compiled_once = Question.statement

    def compared(question: Question) -> Any:
        found = compiled_once(question)
        if found:
            sql, parameters = question.queryset().query.sql_with_params()
            assert found == (sql, list(parameters))
            assert [*map(type, found[1])] == [*map(type, parameters)]
        return found

    monkeypatch.setattr(Question, "statement", compared)
