"""Routes outside any service: probes, the index, the catalogue of problems; and the documents of each service."""

from __future__ import annotations

from django.urls import URLPattern, path

from . import documents as views
from . import health

urlpatterns = [
    path("", views.index, name="index"),
    path("problems", views.problems, name="problems"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]


def documents(service: str) -> list[URLPattern]:
    """The OpenAPI document of a service, and the page that shows it."""
    return [
        path("openapi.json", views.openapi, {"service": service}, name="openapi"),
        path("docs", views.documentation, {"service": service}, name="docs"),
    ]
