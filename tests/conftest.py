"""Fixtures that every room uses."""

import pytest

from tests.api import Api


@pytest.fixture
def api(db: None) -> Api:
    """The genomics API as dr-okafor of st-elsewhere, in this process, in a transaction that is rolled back."""
    return Api()
