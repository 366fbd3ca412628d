"""The questions asked of this service's tables."""

from __future__ import annotations

from tests.api import Api
from tests.example.models import Specimen

from . import factories


def test_an_export_is_in_the_order_of_making(api: Api) -> None:
    made = [factories.sample(api)["id"] for _ in range(3)]
    assert [str(pk) for pk in Specimen.objects.as_exported().values_list("pk", flat=True)] == made
