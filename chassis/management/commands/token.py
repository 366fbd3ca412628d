"""`manage.py token`: a person's access token of the development issuer. Services find theirs in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chassis.development import mint, private_key_beside
from chassis.issuers import DEVELOPMENT_ISSUER

SUBJECT = "dr-lee"
ORGANIZATION = "st-elsewhere"
SECONDS = 12 * 3600


class Command(BaseCommand):
    help = "Prints an access token of the development issuer, and nothing else. An empty option means its default."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scope", default="", help="scopes separated by blanks (default: all)")
        parser.add_argument("--subject", default="", help=f"whose token it is (default: {SUBJECT})")
        parser.add_argument("--organization", default="", help=f"whose data it reaches (default: {ORGANIZATION})")
        parser.add_argument("--seconds", type=int, default=SECONDS, help=f"how long it is valid (default: {SECONDS})")

    def handle(self, *args: Any, **options: Any) -> None:
        token = mint(
            _key_path(),
            subject=options["subject"] or SUBJECT,
            organization=options["organization"] or ORGANIZATION,
            scopes=_known(options["scope"].split()) or settings.SCOPES,
            seconds=options["seconds"],
        )
        self.stdout.write(token)


def _key_path() -> Path:
    if not settings.DEVELOPMENT:
        raise CommandError(
            "Tokens are made in development only; elsewhere the issuer of CAREWAY_TRUSTED_ISSUERS makes them."
        )
    for issuer in settings.TRUSTED_ISSUERS:
        if issuer.issuer == DEVELOPMENT_ISSUER and issuer.jwks_file:
            return private_key_beside(issuer.jwks_file)
    raise CommandError(
        "This process does not trust the development issuer: leave CAREWAY_TRUSTED_ISSUERS unset for that."
    )


def _known(scopes: list[str]) -> list[str]:
    if unknown := sorted(set(scopes) - set(settings.SCOPES)):
        raise CommandError(f"There is no scope {', '.join(unknown)}. There are: {', '.join(settings.SCOPES)}.")
    return scopes
