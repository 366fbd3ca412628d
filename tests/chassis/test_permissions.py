"""Scopes: denied unless the view names one and the token has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request

from chassis.issuers import Caller
from chassis.permissions import HasScope, check_scope
from chassis.problems import Problem

READER = Caller("identity:dr-lee", "dr-lee", "st-elsewhere", frozenset({"example:read"}))


def may(user: Any, view: Any) -> bool:
    return HasScope().has_permission(cast("Request", SimpleNamespace(user=user)), view)


def view(scope: str | None) -> Any:
    return SimpleNamespace(required_scope=lambda request: scope)


def refused(user: Any, view: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        may(user, view)
    return caught.value


class TestHasScope:
    def test_it_lets_through_who_has_the_scope(self) -> None:
        assert may(READER, view("example:read"))

    def test_it_names_the_scope_that_is_missing(self) -> None:
        problem = refused(READER, view("example:sign"))
        assert (problem.code, problem.kind.status) == ("missing-scope", 403)
        assert problem.detail == "The token lacks the scope example:sign."
        assert problem.members == {"scope": "example:sign"}
        assert problem.headers == {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="example:sign"'}

    @pytest.mark.parametrize("scope", ["example:rea", "example:read ", "EXAMPLE:READ", "example", ""])
    def test_it_compares_whole_scopes(self, scope: str) -> None:
        assert refused(READER, view(scope)).code == "missing-scope"

    @pytest.mark.parametrize("silent", [view(None), object(), SimpleNamespace(required_scope=None)])
    def test_it_denies_what_declares_no_scope(self, silent: Any) -> None:
        problem = refused(READER, silent)
        assert (problem.code, problem.kind.status) == ("forbidden", 403)

    @pytest.mark.parametrize(
        "user", [None, AnonymousUser(), SimpleNamespace(is_authenticated=True, scopes={"example:read"})]
    )
    def test_it_asks_for_a_token_before_anything_else(self, user: Any) -> None:
        for asked in (view("example:read"), view(None), object()):
            problem = refused(user, asked)
            assert (problem.code, problem.headers) == ("unauthenticated", {"WWW-Authenticate": "Bearer"})

    def test_it_is_the_default_of_every_view(self) -> None:
        assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == ["chassis.permissions.HasScope"]


class TestCheckScope:
    def test_it_is_silent_or_raises(self) -> None:
        check_scope(READER, "example:read")
        with pytest.raises(Problem):
            check_scope(READER, "history:read")
