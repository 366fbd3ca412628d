"""Who is calling: OAuth 2.0 bearer tokens in the Authorization header (RFC 6750 §2.1), and nowhere else.

A service says in Careway-Organization for whom it calls. Beside a person's token that header means nothing.
"""

from __future__ import annotations

import threading

from django.conf import settings
from django.http.request import HttpHeaders
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from .issuers import Caller
from .tokens import Verifier

ORGANIZATION_HEADER = "Careway-Organization"
# As WSGI names it: `request.headers` would name all of them anew, for each request.
ORGANIZATION = HttpHeaders.to_wsgi_name(ORGANIZATION_HEADER)

_lock = threading.Lock()
_verifiers: list[Verifier] = []


class BearerAuthentication(BaseAuthentication):
    """DRF's authentication: `request.user` is a Caller. Raises Problem: unauthenticated, unavailable."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """None without a bearer token, which the permission then words."""
        environ = request.META
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").strip(" ").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return verifier().verify(token.strip(" "), environ.get(ORGANIZATION)), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def verifier() -> Verifier:
    """The verifier of `settings.TRUSTED_ISSUERS`; one a process, so that its keys are fetched once."""
    if not _verifiers or _verifiers[0].issuers is not settings.TRUSTED_ISSUERS:
        with _lock:
            if not _verifiers or _verifiers[0].issuers is not settings.TRUSTED_ISSUERS:
                _verifiers[:] = [Verifier(settings.TRUSTED_ISSUERS)]
    return _verifiers[0]
