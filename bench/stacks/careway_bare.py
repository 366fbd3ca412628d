"""Careway's settings with its production features off: everybody is the same caller, nothing is logged or traced."""

from __future__ import annotations

import os
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from chassis.issuers import Caller
from config.settings import *  # noqa: F403
from config.settings import REST_FRAMEWORK, SCOPES

CALLER = Caller("bench", "bench", os.environ["BENCH_ORGANIZATION"], frozenset(SCOPES))


class Everybody(BaseAuthentication):
    """Asks nobody for a token."""

    def authenticate(self, request: Request) -> tuple[Caller, Any]:
        return CALLER, None


REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": [f"{__name__}.Everybody"]}
