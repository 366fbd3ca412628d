"""Who may do what: each view says which scope its current action needs, and what says nothing is forbidden."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .issuers import Caller
from .problems import Problem


class HasScope(BasePermission):
    """Asks the view's `required_scope(request)`. Raises Problem: unauthenticated, forbidden, missing-scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Caller):
            raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        required = getattr(view, "required_scope", None)
        scope = required(request) if required else None
        if scope is None:
            raise Problem("forbidden", "Nobody may do this: it declares no scope.")
        check_scope(request.user, scope)
        return True


def check_scope(caller: Caller, scope: str) -> None:
    """Raises Problem missing-scope (RFC 6750 §3.1) unless the caller has the scope."""
    if scope not in caller.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        raise Problem(
            "missing-scope", f"The token lacks the scope {scope}.", scope=scope, headers={"WWW-Authenticate": challenge}
        )
