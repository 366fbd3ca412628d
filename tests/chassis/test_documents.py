"""chassis/documents.py"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from chassis.documents import generate
from chassis.problems import CATALOGUE


@pytest.fixture
def client() -> Client:
    return Client()


class TestTheIndex:
    def test_it_leads_to_everything_else(self, client: Client) -> None:
        found = client.get("/").json()
        assert found["version"] == settings.VERSION
        links = [found["problems"], *found["health"].values()]
        for service in settings.SERVICES:
            links += found["services"][service].values()
        assert len(links) == 3 + 2 * len(settings.SERVICES)
        for link in set(links) - {"/readyz"}:
            assert client.get(link).status_code == 200, link


class TestTheCatalogueOfProblems:
    def test_it_has_every_kind(self, client: Client) -> None:
        found = client.get("/problems").json()
        assert list(found) == list(CATALOGUE)
        assert found["stale-version"] == {
            "status": 412,
            "title": "The record has changed since it was read",
            "advice": "Read it again, and repeat the change with the new ETag.",
        }

    def test_every_kind_is_in_the_documentation(self) -> None:
        text = (Path(settings.ROOT) / "docs" / "api.md").read_text()
        assert [code for code in CATALOGUE if code not in text] == []


class TestTheOpenAPIDocument:
    def test_it_is_served_without_a_token(self, client: Client) -> None:
        response = client.get("/example/v1/openapi.json")
        assert response["Content-Type"] == "application/json"
        assert response.json()["openapi"].startswith("3.1")
        assert response.json()["info"]["title"] == "Careway example"
        assert response.json()["servers"] == [{"url": "/example/v1"}]

    def test_it_is_valid_and_made_without_a_warning(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("check_openapi")
        assert "no warning" in capsys.readouterr().out

    def test_it_is_the_same_every_time(self) -> None:
        assert generate("example") == generate("example")
