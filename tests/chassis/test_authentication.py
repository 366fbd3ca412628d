"""Bearer authentication over a view: which header is read, and what a client is told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from chassis import authentication
from chassis.authentication import BearerAuthentication, verifier
from chassis.issuers import Caller
from tests.chassis.issuing import file_issuer, issuer, signer

ONE = signer("one")


class WhoAmI(APIView):
    """Needs a token and no scope."""

    authentication_classes = (BearerAuthentication,)
    scope = "genomics:read"

    def required_scope(self, request: Request) -> str:
        return self.scope

    def get(self, request: Request) -> HttpResponse:
        assert isinstance(request.user, Caller)
        return HttpResponse(request.user.actor)


@pytest.fixture(autouse=True)
def _trusted(settings: Settings, tmp_path: Path) -> None:
    settings.TRUSTED_ISSUERS = (file_issuer(tmp_path, ONE),)


def ask(authorization: str | None, path: str = "/") -> HttpResponse:
    request = APIRequestFactory().get(path)
    if authorization is not None:
        request.META["HTTP_AUTHORIZATION"] = authorization
    response: HttpResponse = WhoAmI.as_view()(request)
    return response


def problem(response: HttpResponse) -> tuple[int, str, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, json.loads(response.content)["code"], response["WWW-Authenticate"]


class TestHeader:
    @pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", " Bearer {} "])
    def test_it_names_the_scheme_in_any_case(self, form: str) -> None:
        response = ask(form.format(ONE.token()))
        assert (response.status_code, response.content) == (200, b"identity:dr-lee")

    @pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Token abc", "BearerX abc", "a.b.c", "Bearer\tabc"])
    def test_it_is_asked_for_when_there_is_no_bearer_token(self, header: str | None) -> None:
        assert problem(ask(header)) == (401, "unauthenticated", "Bearer")

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer",
            "Bearer ",
            "Bearer {0} {0}",
            "Bearer {0},Bearer {0}",
            "Bearer Bearer {0}",
            'Bearer token="abc"',
            "Bearer é",
            "Bearer \udc80",
        ],
    )
    def test_it_holds_exactly_one_token(self, header: str) -> None:
        status, code, challenge = problem(ask(header.format(ONE.token())))
        assert (status, code) == (401, "unauthenticated")
        assert challenge.startswith('Bearer error="invalid_token", error_description="The Authorization header ')

    def test_it_is_the_only_place_for_a_token(self) -> None:
        assert problem(ask(None, path=f"/?access_token={ONE.token()}")) == (401, "unauthenticated", "Bearer")


class TestRefusal:
    def test_it_says_why_and_never_repeats_the_token(self) -> None:
        token = ONE.token(exp=1, organization="canary-hospital")
        response = ask(f"Bearer {token}")
        words = "The token has expired."
        assert problem(response) == (
            401,
            "unauthenticated",
            f'Bearer error="invalid_token", error_description="{words}"',
        )
        assert json.loads(response.content)["detail"] == words
        everything = response.content.decode() + str(response.headers)
        assert "canary" not in everything
        assert not any(part in everything for part in token.split("."))

    def test_it_is_503_when_the_keys_cannot_be_had(self, settings: Settings) -> None:
        settings.TRUSTED_ISSUERS = (issuer(jwks_file="/nowhere/keys.json"),)
        response = ask(f"Bearer {ONE.token()}")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "WWW-Authenticate" not in response


class TestVerifier:
    def test_it_is_one_for_all_threads(self) -> None:
        authentication._verifiers.clear()
        with ThreadPoolExecutor(16) as pool:
            assert len({id(each) for each in pool.map(lambda _: verifier(), range(64))}) == 1

    def test_it_follows_the_setting(self, settings: Settings, tmp_path: Path) -> None:
        token = f"Bearer {ONE.token()}"
        assert ask(token).status_code == 200
        settings.TRUSTED_ISSUERS = (file_issuer(tmp_path, signer("two")),)
        assert ask(token).status_code == 401
