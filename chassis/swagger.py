"""The page that shows an OpenAPI document. Imported by its first reader: it brings templates that nobody else needs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularSwaggerSplitView

# Nothing from elsewhere, no inline script. Swagger UI sets style attributes and draws its icons as data: URLs.
DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocumentationView(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, under a policy that lets nothing else in."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ["get", "head"]  # noqa: RUF012  (declared as an instance's by Django)
    schema = None  # leaves the page out of the document
    url = "openapi.json"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = DOCUMENTATION_POLICY
        return response
