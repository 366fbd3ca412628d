"""Who may issue tokens, as the setting CAREWAY_TRUSTED_ISSUERS lists them, and who a token speaks for.

Settings import this file while they load: it reads neither them nor the framework.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .text import control_character

# In development people and services have an issuer each, as they have in production.
SERVICE_NAME = "service"
DEVELOPMENT_NAME = "development"
DEVELOPMENT_ISSUER = "https://development.careway.invalid"
DEVELOPMENT_SERVICES_NAME = "development-services"
DEVELOPMENT_SERVICES_ISSUER = "https://services.development.careway.invalid"
DEVELOPMENT = {DEVELOPMENT_NAME, DEVELOPMENT_ISSUER, DEVELOPMENT_SERVICES_NAME, DEVELOPMENT_SERVICES_ISSUER}

# Signatures that only the holder of a private key can make (RFC 7518 §3.1, RFC 8037): neither HS*, whose key the
# verifier would have to hold, nor `none`.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
AUDIENCE_CLAIMS = ("aud", "client_id")
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a verified token speaks for. No row of a user table stands behind it."""

    actor: str
    subject: str
    organization: str
    scopes: frozenset[str]
    delegated: bool = False  # a service that calls for others, see Issuer
    is_authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Issuer:
    """One trusted issuer: where its keys are, and how its claims become scopes and an organization.

    A claim is named as it stands in the token, or as a path of names joined by dots. `scope_map` says which of our
    scopes a claim's value grants; without it a value is a scope. Exactly one of `jwks_url` and `jwks_file` is set, and
    exactly one of `organization_claim`, `organization` and `delegated`.

    The tokens of a delegated issuer are services' own, and name no organization: the service says with each request for
    which one it asks. It may so act for every organization, within its scopes; that is why those are mapped by name.
    """

    name: str
    issuer: str
    audiences: tuple[str, ...]
    audience_claim: str = "aud"
    jwks_url: str | None = None
    jwks_file: str | None = None
    algorithms: tuple[str, ...] = ("RS256",)
    scope_claims: tuple[str, ...] = ("scope", "scp")
    scope_map: Mapping[str, tuple[str, ...]] | None = field(default=None, hash=False)
    organization_claim: str | None = None
    organization: str | None = None
    delegated: bool = False


def parse_issuers(raw: Any, *, development: bool) -> tuple[tuple[Issuer, ...], list[str]]:
    """The issuers that a JSON list of objects describes, and all that is wrong with it in words for an operator."""
    if not isinstance(raw, list):
        return (), ["must be a JSON list of objects"]
    if not raw:
        return (), ["names no issuer, so that nobody could be let in"]
    issuers, faults = [], []
    for number, entry in enumerate(raw, start=1):
        reader = _Reader(entry, development=development)
        issuers.append(reader.issuer())
        faults += [f"issuer {number}: {fault}" for fault in reader.faults]
    for member in ("name", "issuer"):
        faults += _repeated(member, [getattr(issuer, member) for issuer in issuers])
    return tuple(issuers) if not faults else (), faults


def _repeated(member: str, values: Sequence[str]) -> list[str]:
    return [
        f"{member} {value} is given to several issuers"
        for value in sorted(set(values))
        if value and values.count(value) > 1
    ]


class _Reader:
    """Reads one issuer; what is wrong is noted in `faults`, and a stand-in is read on with."""

    MEMBERS = frozenset(Issuer.__dataclass_fields__)

    def __init__(self, raw: Any, *, development: bool) -> None:
        self.faults: list[str] = []
        self._raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        self._development = development
        if not isinstance(raw, dict):
            self.faults.append("must be an object")

    def issuer(self) -> Issuer:
        """The issuer, to be used only when there are no faults."""
        if self.faults:
            return Issuer(name="", issuer="", audiences=())
        for unknown in sorted(set(self._raw) - self.MEMBERS):
            self.faults.append(f"{unknown} is not a member; known are {', '.join(Issuer.__dataclass_fields__)}")
        self._exactly_one("jwks_url", "jwks_file")
        self._exactly_one("organization_claim", "organization", "delegated")
        issuer = Issuer(
            name=self._text("name", _valid_name) or "",
            issuer=self._text("issuer", self._valid_issuer) or "",
            audiences=self._words("audiences", ()),
            audience_claim=self._text("audience_claim", _one_of(AUDIENCE_CLAIMS), "aud") or "",
            jwks_url=self._text("jwks_url", self._valid_url),
            jwks_file=self._text("jwks_file", _valid_file),
            algorithms=self._words("algorithms", ("RS256",), _one_of(ALGORITHMS)),
            scope_claims=self._words("scope_claims", ("scope", "scp")),
            scope_map=self._scope_map(),
            organization_claim=self._text("organization_claim"),
            organization=self._text("organization", _valid_organization),
            delegated=self._delegated(),
        )
        for member in ("name", "issuer", "audiences"):
            if member not in self._raw:
                self.faults.append(f"{member} is required")
        if not self._development and DEVELOPMENT & {issuer.name, issuer.issuer}:
            self.faults.append(
                "is the development issuer, whose private key lies in a checkout; never outside development"
            )
        return issuer

    def _exactly_one(self, *members: str) -> None:
        given = [member for member in members if member in self._raw]
        if len(given) != 1:
            found = f"has {' and '.join(given)}" if given else "has none of them"
            self.faults.append(f"needs exactly one of {', '.join(members)}, and {found}")

    def _delegated(self) -> bool:
        if "delegated" not in self._raw:
            return False
        if self._raw["delegated"] is not True:
            self.faults.append("delegated must be true, or not be there")
        # The key of development lies beside its tokens: a map would protect nothing there.
        ours = self._development and self._raw.get("issuer") == DEVELOPMENT_SERVICES_ISSUER
        if "scope_map" not in self._raw and not ours:
            self.faults.append("delegated needs a scope_map: whoever it names may ask for every organization")
        return True

    def _text(
        self, member: str, fault_in: Callable[[str], str] | None = None, default: str | None = None
    ) -> str | None:
        if member not in self._raw:
            return default
        value = self._raw[member]
        if fault := _fault_in_text(value) or (fault_in(value) if fault_in else ""):
            self.faults.append(f"{member} {fault}")
            return default
        return str(value)

    def _words(
        self, member: str, default: tuple[str, ...], fault_in: Callable[[str], str] | None = None
    ) -> tuple[str, ...]:
        values = self._raw.get(member, list(default))
        if member in self._raw and not (isinstance(values, list) and values):
            self.faults.append(f"{member} must be a list of at least one string")
            return default
        for value in values:
            if fault := _fault_in_text(value) or (fault_in(value) if fault_in else ""):
                self.faults.append(f"{member}: each {fault}")
                return default
        return tuple(values)

    def _scope_map(self) -> dict[str, tuple[str, ...]] | None:
        if "scope_map" not in self._raw:
            return None
        granted = self._raw["scope_map"]
        if not isinstance(granted, dict) or not all(_are_scopes(scopes) for scopes in granted.values()):
            self.faults.append("scope_map must be an object whose members are lists of scopes, without blanks")
            return None
        return {value: tuple(scopes) for value, scopes in granted.items()}

    def _valid_issuer(self, value: str) -> str:
        address = _split(value)
        plain = address and _is_https(address) and not address.query and not address.fragment
        return "" if self._development or plain else "must be an https URL without query and fragment"

    def _valid_url(self, value: str) -> str:
        address = _split(value)
        reachable = address and (_is_https(address) or (self._development and _is_http_to_this_machine(address)))
        if address and reachable and not address.fragment and "@" not in address.netloc:
            return ""
        also = " (or http to this machine)" if self._development else ""
        return f"must be an https URL{also} without user and fragment"


def _fault_in_text(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a string"
    if not value or value != value.strip() or control_character(value, multiline=False):
        return "must not be empty, nor have blanks around it or control characters in it"
    return ""


def _one_of(choices: Collection[str]) -> Callable[[str], str]:
    return lambda value: "" if value in choices else f"must be one of {', '.join(choices)}"


def _valid_name(value: str) -> str:
    if value == SERVICE_NAME:
        return "must be another: in history it says that a command of ours made the change"
    return "" if NAME.fullmatch(value) else "must be a lower-case letter, then up to 30 of a-z, 0-9 and -"


def _valid_file(value: str) -> str:
    return (
        "" if Path(value).is_absolute() and Path(value).is_file() else "must be the absolute path of an existing file"
    )


def _valid_organization(value: str) -> str:
    return "" if len(value) <= 100 else "must have at most 100 characters"


def _are_scopes(scopes: Any) -> bool:
    return isinstance(scopes, list) and all(isinstance(scope, str) and SCOPE.fullmatch(scope) for scope in scopes)


def _split(url: str) -> SplitResult | None:
    try:
        address = urlsplit(url)
        return address if address.hostname and address.port != 0 else None
    except ValueError:
        return None


def _is_https(address: SplitResult) -> bool:
    return address.scheme == "https"


def _is_http_to_this_machine(address: SplitResult) -> bool:
    try:
        local = address.hostname == "localhost" or ipaddress.ip_address(address.hostname or "").is_loopback
    except ValueError:
        return False
    return local and address.scheme == "http"
