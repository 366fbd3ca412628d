"""JSON Web Key Sets (RFC 7517): the public keys in the document an issuer publishes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt

DOCUMENT_BYTES = 1_048_576
MINIMUM_RSA_BITS = 2048  # RFC 7518 §3.3

# What a key can verify, by `kty` and `crv`. A symmetric key (`oct`) has no place in a public document.
ALGORITHMS_OF = {
    ("RSA", ""): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and the algorithms it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    public: Any


def keys_in(document: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWK Set; others are left out, as RFC 7517 §5 asks. Raises ValueError when it is none."""
    if len(document) > DOCUMENT_BYTES:
        raise ValueError("the document is too large")
    try:
        parsed = json.loads(document)
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError("the document is no JWK Set")
    return tuple(key for raw in parsed["keys"] if (key := _key(raw)))


def _key(raw: Any) -> Key | None:
    try:
        algorithms = _algorithms_of(raw)
        public = jwt.PyJWK(raw, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
        return None
    if raw["kty"] == "RSA" and public.key_size < MINIMUM_RSA_BITS:
        return None
    return Key(raw.get("kid"), algorithms, public)


def _algorithms_of(raw: dict[str, Any]) -> frozenset[str]:
    """What the key may verify. Raises ValueError when that is nothing."""
    fitting = ALGORITHMS_OF[raw["kty"], raw.get("crv", "")]
    if "alg" in raw:
        fitting &= {raw["alg"]}
    verifies = raw.get("use", "sig") == "sig" and "verify" in raw.get("key_ops", ["verify"])
    # Who publishes the private member `d` has published the key.
    if not fitting or not verifies or "d" in raw or not isinstance(raw.get("kid", ""), str):
        raise ValueError("not a public key to verify signatures with")
    return fitting
