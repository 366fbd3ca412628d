"""chassis/negotiation.py"""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from chassis.negotiation import Negotiation
from chassis.renderers import JSONRenderer, ProblemRenderer


class TextRenderer(JSONRenderer):
    media_type = "text/vcf"


RENDERERS = (TextRenderer(), JSONRenderer(), ProblemRenderer())
# Those that are answered at once, and those that DRF is asked for.
HEADERS = [
    None,
    "*/*",
    "application/json",
    "application/problem+json",
    "text/vcf",
    "application/*",
    "application/json, text/plain, */*",
    "application/json;q=0.1, text/vcf",
    "application/json; indent=2",
    "APPLICATION/JSON",
    "text/html, */*;q=0.8",
    "",
]


def request(accept: str | None) -> Request:
    return Request(RequestFactory().get("/", headers={} if accept is None else {"Accept": accept}))


@pytest.mark.parametrize("accept", HEADERS)
def test_it_chooses_what_drf_would(accept: str | None) -> None:
    for renderers in (RENDERERS, RENDERERS[1:]):
        asked = request(accept)
        try:
            theirs = DefaultContentNegotiation().select_renderer(asked, renderers)
        except NotAcceptable:
            with pytest.raises(NotAcceptable):
                Negotiation().select_renderer(asked, renderers)
        else:
            assert Negotiation().select_renderer(asked, renderers) == theirs


def test_it_refuses_what_nobody_makes() -> None:
    with pytest.raises(NotAcceptable):
        Negotiation().select_renderer(request("image/png"), RENDERERS)


def test_it_parses_nothing_for_a_client_that_asks_for_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(DefaultContentNegotiation, "select_renderer")
    for accept in ("*/*", "application/json"):
        assert Negotiation().select_renderer(request(accept), RENDERERS[1:])[1] == "application/json"
