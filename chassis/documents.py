"""What can be read without a token: the index of links, the catalogue of problems, each service's OpenAPI document and its page."""

from __future__ import annotations

import functools
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from .problems import CATALOGUE, get_only
from .renderers import encode, json_response


def index(request: HttpRequest) -> HttpResponse:
    """Where to go from here."""
    services = {
        service: {"documentation": f"/{service}/v1/docs", "openapi": f"/{service}/v1/openapi.json"}
        for service in settings.SERVICES
    }
    links = {
        "services": services,
        "problems": "/problems",
        "health": {"live": "/livez", "ready": "/readyz"},
        "version": settings.VERSION,
    }
    return get_only(request) or json_response(encode(links))


def problems(request: HttpRequest) -> HttpResponse:
    """Every kind of problem: what `type` points to."""
    kinds = {
        code: {"status": kind.status, "title": kind.title, "advice": kind.advice} for code, kind in CATALOGUE.items()
    }
    return get_only(request) or json_response(encode(kinds))


def openapi(request: HttpRequest, service: str) -> HttpResponse:
    """The OpenAPI 3.1 document of a service."""
    return get_only(request) or json_response(openapi_document(service))


@functools.cache
def openapi_document(service: str) -> bytes:
    """Made once a process: it takes a second, and never changes."""
    return encode(generate(service))


def generate(service: str) -> dict[str, Any]:
    """The document as a dictionary; paths are relative to the service's prefix."""
    # What makes documents is a tenth of a start, and most processes never make one.
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.settings import patched_settings

    about = {"TITLE": f"Careway {service}", "SERVERS": [{"url": f"/{service}/v1"}]}
    package = apps.get_app_config(service).name
    with patched_settings(about):
        document: dict[str, Any] = SchemaGenerator(urlconf=f"{package}.urls").get_schema(request=None, public=True)
    return document


def documentation(request: HttpRequest, service: str) -> HttpResponseBase:
    """The page that shows the document."""
    from .swagger import DocumentationView  # late, as above

    return DocumentationView.as_view()(request, service=service)
