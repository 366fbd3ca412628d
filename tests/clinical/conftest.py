"""Fixtures of this service's tests."""

import pytest

from tests.api import Api

# The folder of a service's tests has the service's name.
SERVICE = str(__package__).rpartition(".")[2]


@pytest.fixture
def api(db: None) -> Api:
    """This service as dr-okafor of st-elsewhere, in this process, in a transaction that is rolled back."""
    return Api(service=SERVICE)
