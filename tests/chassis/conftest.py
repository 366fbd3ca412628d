"""What the tests of the API contract stand on: the samples of the example service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.example import factories


@pytest.fixture
def api(db: None) -> Api:
    """The example service as dr-okafor of st-elsewhere, in this process, in a transaction that is rolled back."""
    return Api(service="example")


@pytest.fixture
def body() -> dict[str, Any]:
    """A valid body for POST /samples."""
    return {
        "accession": "S-2026-0001",
        "patient_id": factories.PATIENT,
        "kind": "blood",
        "origin": "germline",
        "collected_at": "2026-11-18T08:30:00Z",
        "received_at": "2026-11-18T10:05:00Z",
    }


@pytest.fixture
def sample(api: Api) -> dict[str, Any]:
    """An expected sample."""
    return factories.sample(api)


@pytest.fixture
def path(sample: dict[str, Any]) -> str:
    """Where that sample is."""
    return f"samples/{sample['id']}"
