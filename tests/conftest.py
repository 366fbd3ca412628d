"""Fixtures that every room uses."""

import pytest

from tests.api import Api


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=30, help="examples an operation that schemathesis tries")


@pytest.fixture
def api(db: None) -> Api:
    """The genomics API as dr-okafor of st-elsewhere, in this process, in a transaction that is rolled back."""
    return Api()
