"""Access tokens: JWTs (RFC 7519) signed by a trusted issuer, verified as RFC 8725 and RFC 9068 advise."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import unquote

import jwt

from . import metrics
from .issuers import Caller, Issuer
from .keysets import Keys, KeySet, key_set
from .problems import Problem
from .text import control_character

TOKEN_BYTES = 16_384
LEEWAY_SECONDS = 30
REMEMBERED_TOKENS = 10_000
COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")  # RFC 7515 §7.1
TYPES = {"jwt", "at+jwt", "application/at+jwt"}  # RFC 9068 §4; many issuers still say JWT
# Visible ASCII and blanks, the rest percent-encoded (RFC 3986 §2.1). A comma would be two headers that became one.
ORGANIZATION_HEADER = re.compile(r"[\x20-\x2b\x2d-\x7e]{1,1200}")

# Every reason for a 401, in words that tell nothing of the token and fit a quoted string (RFC 6750 §3).
REASONS = {
    "malformed": "The Authorization header does not hold exactly one signed JWT of at most 16 KiB.",
    "header": "The token's header has a type, a key id or a critical extension that is not accepted.",
    "issuer": "The token's issuer is not trusted here.",
    "algorithm": "The token's algorithm is not the one of its issuer and key.",
    "unknown-key": "The token's key is not one of its issuer's.",
    "ambiguous-key": "The token does not say which of its issuer's keys signed it.",
    "signature": "The token's signature is not valid.",
    "identity-token": "An ID token is not an access token.",
    "expiry": "The token does not say when it expires.",
    "expired": "The token has expired.",
    "premature": "The token is not valid yet.",
    "audience": "The token was issued for another audience.",
    "subject": "The token's subject is missing or not acceptable.",
    "organization": "The token's organization is missing or not acceptable.",
    "delegation": "The Careway-Organization header that a service's token needs is missing or not acceptable.",
    "scopes": "The token's scopes are neither a string nor a list of strings.",
}

for _reason in REASONS:
    metrics.authentication_refusals.begin(_reason)

_jws = jwt.PyJWS()


class _Remembered(NamedTuple):
    """What a token says. Who calls for whom is not part of it: a delegated token serves many organizations."""

    caller: Caller
    delegated: bool
    key_set: KeySet
    generation: int
    expires_at: float


class Verifier:
    """Verifies the tokens of a list of issuers, and remembers which it has verified."""

    def __init__(self, issuers: Iterable[Issuer], *, now: Callable[[], float] = time.time) -> None:
        self.issuers = issuers
        self._now = now
        self._trusted = {issuer.issuer: (issuer, key_set(issuer)) for issuer in issuers}
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def key_sets(self) -> list[KeySet]:
        return [keys for _, keys in self._trusted.values()]

    def verify(self, token: str, organization: str | None = None) -> Caller:
        """Who the token speaks for; `organization` is the header's, and counts for tokens of delegated issuers alone.

        Raises Problem: unauthenticated, unavailable (the keys of the token's issuer cannot be had).
        """
        verified = self._verified(token)
        return _on_behalf(verified.caller, organization) if verified.delegated else verified.caller

    def _verified(self, token: str) -> _Remembered:
        if len(token) > TOKEN_BYTES or not COMPACT_JWS.fullmatch(token):
            raise refusal("malformed")
        # Kept by digest, so that no live token lies about in memory.
        digest = hashlib.sha256(token.encode()).digest()
        known = self._recall(digest)
        # `current` renews a set that is due, so a key that its issuer withdrew stops working here as well.
        if known and known.expires_at > self._now() and known.key_set.current().generation == known.generation:
            return known
        verified = self._verify(token)
        self._remember(digest, verified)
        return verified

    def _recall(self, digest: bytes) -> _Remembered | None:
        with self._lock:
            if digest in self._remembered:
                self._remembered.move_to_end(digest)
            return self._remembered.get(digest)

    def _remember(self, digest: bytes, verified: _Remembered) -> None:
        with self._lock:
            self._remembered[digest] = verified
            if len(self._remembered) > REMEMBERED_TOKENS:
                self._remembered.popitem(last=False)

    def _verify(self, token: str) -> _Remembered:
        header, claims = _unverified(token)
        iss = claims.get("iss")
        if not isinstance(iss, str) or iss not in self._trusted:
            raise refusal("issuer")
        # The unverified claim chose whose keys to use; from here on nothing of another issuer counts.
        issuer, keys = self._trusted[iss]
        _check_header(header, issuer)
        generation = _check_signature(token, header, keys)
        expires_at = _check_times(claims, self._now())
        _check_use(claims, issuer)
        return _Remembered(_caller(claims, issuer), issuer.delegated, keys, generation, expires_at)


def refusal(reason: str) -> Problem:
    """The 401 for a token that is there and not acceptable (RFC 6750 §3.1); counts it."""
    metrics.authentication_refusals.count(reason)
    words = REASONS[reason]
    challenge = f'Bearer error="invalid_token", error_description="{words}"'
    return Problem("unauthenticated", words, headers={"WWW-Authenticate": challenge})


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = _jws.decode_complete(token, options={"verify_signature": False})
        claims = json.loads(parts["payload"])
    except (jwt.DecodeError, ValueError, RecursionError) as error:
        raise refusal("malformed") from error
    except jwt.InvalidTokenError as error:
        raise refusal("header") from error
    if not isinstance(claims, dict):
        raise refusal("malformed")
    return parts["header"], claims


def _check_header(header: Mapping[str, Any], issuer: Issuer) -> None:
    kind = header.get("typ", "JWT")
    if "crit" in header or not isinstance(kind, str) or kind.lower() not in TYPES:
        raise refusal("header")
    if header.get("alg") not in issuer.algorithms:
        raise refusal("algorithm")


def _check_signature(token: str, header: Mapping[str, Any], key_set: KeySet) -> int:
    """Answers the generation of the keys that verified it."""
    kid, algorithm = header.get("kid"), header["alg"]
    keys: Keys = key_set.current()
    if not keys.named(kid):
        keys = key_set.renewed()
    named = keys.named(kid)
    if not named:
        raise refusal("unknown-key")
    fitting = [key for key in named if algorithm in key.algorithms]
    if len(fitting) != 1:
        raise refusal("ambiguous-key" if fitting else "algorithm")
    try:
        _jws.decode_complete(token, key=fitting[0].public, algorithms=[algorithm])
    except jwt.PyJWTError as error:
        raise refusal("signature") from error
    return keys.generation


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """Answers when the token expires."""
    if "exp" not in claims:
        raise refusal("expiry")
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    # A NumericDate (RFC 7519 §2): neither a string nor a boolean; NaN and infinity fail the comparison.
    if not all(type(value) in {int, float} and abs(value) < 1e12 for value in times.values()):
        raise refusal("malformed")
    if times["exp"] + LEEWAY_SECONDS <= now:
        raise refusal("expired")
    if max(times.get("nbf", 0), times.get("iat", 0)) > now + LEEWAY_SECONDS:
        raise refusal("premature")
    return float(times["exp"])


def _check_use(claims: Mapping[str, Any], issuer: Issuer) -> None:
    marked = claims.get("token_use") == "id" or claims.get("typ") == "ID" or "at_hash" in claims or "c_hash" in claims
    # OpenID Connect puts the nonce in ID tokens; the access tokens that repeat it have a scope, which those never have.
    if marked or ("nonce" in claims and not {"scope", "scp"} & claims.keys()):
        raise refusal("identity-token")
    audience = claims.get(issuer.audience_claim)
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(name in issuer.audiences for name in audiences):
        raise refusal("audience")


def _caller(claims: Mapping[str, Any], issuer: Issuer) -> Caller:
    subject = claims.get("sub")
    if not _is_name(subject, longest=200):
        raise refusal("subject")
    organization = "" if issuer.delegated else issuer.organization or claim(claims, issuer.organization_claim or "")
    if not issuer.delegated and not _is_name(organization, longest=100):
        raise refusal("organization")
    actor = f"{issuer.name}:{subject}"
    return Caller(actor, str(subject), str(organization), _scopes(claims, issuer), delegated=issuer.delegated)


def _on_behalf(service: Caller, header: str | None) -> Caller:
    """The service as a caller of the organization that it names."""
    if not header or not ORGANIZATION_HEADER.fullmatch(header):
        raise refusal("delegation")
    try:
        organization = unquote(header, errors="strict")
    except UnicodeDecodeError as error:
        raise refusal("delegation") from error
    if not _is_name(organization, longest=100):
        raise refusal("delegation")
    return replace(service, organization=organization)


def _is_name(value: Any, *, longest: int) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= len(value) <= longest
        and not control_character(value, multiline=False)
    )


def _scopes(claims: Mapping[str, Any], issuer: Issuer) -> frozenset[str]:
    values: list[str] = []
    for name in issuer.scope_claims:
        found = claim(claims, name)
        if isinstance(found, str):
            values += found.split()
        elif isinstance(found, list) and all(isinstance(value, str) for value in found):
            values += found
        elif found is not None:
            raise refusal("scopes")
    if issuer.scope_map is None:
        return frozenset(values)
    return frozenset(scope for value in values for scope in issuer.scope_map.get(value, ()))


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, or at that path; None when there is none. Names may themselves hold dots and colons."""
    if path in claims:
        return claims[path]
    for dot in re.finditer(r"\.", path):
        inner = claims.get(path[: dot.start()])
        if isinstance(inner, Mapping) and (found := claim(inner, path[dot.end() :])) is not None:
            return found
    return None
