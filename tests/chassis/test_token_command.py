"""`manage.py token`."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from chassis.authentication import verifier
from chassis.issuers import DEVELOPMENT_ISSUER
from tests.chassis.issuing import issuer


def claims_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The claims of the token that was printed, after the server's own verification of it."""
    call_command("token", *arguments)
    printed = capsys.readouterr().out
    assert printed == printed.strip() + "\n"
    assert verifier().verify(printed.strip())
    claims: dict[str, Any] = jwt.decode(printed.strip(), options={"verify_signature": False})
    return claims


class TestToken:
    def test_it_has_every_scope_for_half_a_day_by_default(
        self, capsys: pytest.CaptureFixture[str], settings: Settings
    ) -> None:
        claims = claims_of(capsys)
        assert (claims["sub"], claims["organization"]) == ("dr-lee", "st-elsewhere")
        assert claims["scope"].split() == settings.SCOPES
        assert 12 * 3600 - 60 < claims["exp"] - time.time() <= 12 * 3600

    def test_it_takes_an_empty_option_for_its_default(self, capsys: pytest.CaptureFixture[str]) -> None:
        given = claims_of(capsys, "--scope", "", "--subject", "", "--organization", "")
        default = claims_of(capsys)
        for name in ("sub", "organization", "scope"):
            assert given[name] == default[name]

    def test_it_takes_what_is_given(self, capsys: pytest.CaptureFixture[str]) -> None:
        claims = claims_of(
            capsys, "--scope", "example:read  history:read", "--subject", "x", "--organization", "y", "--seconds", "60"
        )
        assert claims["scope"] == "example:read history:read"
        assert (claims["sub"], claims["organization"], claims["exp"] - claims["iat"]) == ("x", "y", 60)

    def test_it_is_a_persons_and_never_a_services(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert claims_of(capsys)["iss"] == DEVELOPMENT_ISSUER

    def test_it_names_the_scopes_there_are(self) -> None:
        with pytest.raises(CommandError, match=r"There is no scope example:reed\. There are: .*, example:read, "):
            call_command("token", "--scope", "example:read example:reed")

    def test_it_refuses_outside_development(self, settings: Settings) -> None:
        settings.DEVELOPMENT = False
        with pytest.raises(CommandError, match="development only"):
            call_command("token")

    def test_it_refuses_when_the_process_trusts_others(self, settings: Settings) -> None:
        settings.TRUSTED_ISSUERS = (issuer(jwks_file="/keys.json"),)
        with pytest.raises(CommandError, match="does not trust the development issuer"):
            call_command("token")
