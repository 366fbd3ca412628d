"""JSON out. Records leave PostgreSQL as JSON text and pass through here untouched; only problems and pages are put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer


def encode(data: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def json_response(body: str | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A response whose body is JSON already."""
    response = HttpResponse(body, status=status, content_type="application/json")
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def page_body(rows: Iterable[str], *, next_link: str | None, previous_link: str | None) -> str:
    """`{"results": [...], "next": ..., "previous": ...}` around rows that are JSON already."""
    return f'{{"results":[{",".join(rows)}],"next":{json.dumps(next_link)},"previous":{json.dumps(previous_link)}}}'


class JSONRenderer(BaseRenderer):
    """Negotiates `application/json`. Views answer finished JSON, so it hardly ever renders."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return encode(data)


class ProblemRenderer(JSONRenderer):
    """Lets a client that accepts nothing but problems reach the view; what it gets is JSON all the same."""

    media_type = "application/problem+json"
