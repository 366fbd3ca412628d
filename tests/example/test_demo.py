"""The demo data of this service."""

from __future__ import annotations

from tests.api import Api
from tests.example import demo
from tests.example.models import Specimen


def test_it_is_made_once(db: None) -> None:
    assert demo.seed() == demo.seed() == "2 samples"
    assert Specimen.objects.get(children__kind="dna").status == "available"


def test_the_api_shows_it(api: Api) -> None:
    demo.seed()
    assert {row["kind"] for row in api.get("samples").json["results"]} == {"blood", "dna"}
