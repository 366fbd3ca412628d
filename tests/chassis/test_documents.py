"""chassis/documents.py"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
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


class TestThePage:
    @pytest.fixture
    def page(self, client: Client) -> Any:
        return client.get("/example/v1/docs")

    def test_it_is_html(self, page: Any) -> None:
        assert page.status_code == 200
        assert page["Content-Type"].startswith("text/html")

    def test_its_policy_lets_nothing_else_in(self, page: Any) -> None:
        policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert not any("http" in value or "unsafe-eval" in value for value in policy.values())

    def test_it_has_no_script_inline_and_loads_nothing_from_elsewhere(self, page: Any) -> None:
        html = page.content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html) == []
        assert [link for link in re.findall(r'(?:src|href)="([^"]*)"', html) if "//" in link] == []
        assert re.search(r"\son[a-z]+=", html) is None

    def test_its_files_are_in_the_checkout_s_packages(self, page: Any) -> None:
        links = re.findall(r'(?:src|href)="/static/([^"]*)"', page.content.decode())
        assert len(links) >= 3
        assert [link for link in links if not finders.find(link)] == []

    def test_its_files_are_served(self, db: None, page: Any, client: Client) -> None:
        for link in re.findall(r'(?:src|href)="(/static/[^"]*)"', page.content.decode()):
            with closing(client.get(link)) as response:
                assert (response.status_code, response["X-Content-Type-Options"]) == (200, "nosniff"), link

    def test_its_script_points_to_the_document(self, client: Client) -> None:
        script = client.get("/example/v1/docs?script").content.decode()
        assert "openapi.json" in script
