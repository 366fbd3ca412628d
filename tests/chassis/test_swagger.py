"""chassis/swagger.py"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client


@pytest.fixture
def client() -> Client:
    return Client()


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
