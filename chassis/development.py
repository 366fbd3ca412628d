"""The issuers of development: a key made on first start, and tokens signed with it. Production refuses them all.

People's tokens name an organization, services' name none: two issuers, as there are two in production.

Settings import this file while they load: it reads neither them nor what needs them.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import RSAAlgorithm

from .issuers import (
    DEVELOPMENT_ISSUER,
    DEVELOPMENT_NAME,
    DEVELOPMENT_SERVICES_ISSUER,
    DEVELOPMENT_SERVICES_NAME,
)

AUDIENCE = "careway"
SERVICE_TOKEN_SECONDS = 30 * 86_400
PUBLIC_MEMBERS = ("kty", "kid", "use", "alg", "n", "e")
PUBLIC_SUFFIX = ".jwks.json"


def development_issuers(path: Path) -> list[dict[str, Any]]:
    """People's issuer and services', as `parse_issuers` reads them; makes their key at `path` when there is none.

    The private key is a JWK only its owner can read; the JWK Set (RFC 7517) is written beside it. Several processes may
    start at once. Raises ImproperlyConfigured when the file holds no key.
    """
    if not path.exists():
        _make_key(path)
    public = path.with_name(path.stem + PUBLIC_SUFFIX)
    private = _read_key(path)
    document = json.dumps({"keys": [_public_half(private)]}).encode()
    if not public.exists() or public.read_bytes() != document:
        os.replace(_written(document, public.parent), public)
    keys = {"audiences": [AUDIENCE], "jwks_file": str(public.absolute())}
    return [
        {"name": DEVELOPMENT_NAME, "issuer": DEVELOPMENT_ISSUER, **keys, "organization_claim": "organization"},
        {"name": DEVELOPMENT_SERVICES_NAME, "issuer": DEVELOPMENT_SERVICES_ISSUER, **keys, "delegated": True},
    ]


def keep_service_token(path: Path, *, key: Path, subject: str, scopes: Sequence[str]) -> Path:
    """Sees that `path` holds a token of that service, valid for two weeks at least; answers `path`.

    What the kubelet does for a pod: the file is replaced whole, so nobody ever reads half a token.
    """
    development_issuers(key)
    wanted = {"iss": DEVELOPMENT_SERVICES_ISSUER, "sub": subject, "scope": " ".join(scopes)}
    if not _is_good_for_long(path, wanted, key=_read_key(key)):
        token = mint(key, subject=subject, organization=None, scopes=scopes, seconds=SERVICE_TOKEN_SECONDS, **wanted)
        os.replace(_written(token.encode(), path.parent), path)
    return path


def private_key_beside(jwks_file: str) -> Path:
    """Where the private key of a development key set lies."""
    public = Path(jwks_file)
    return public.with_name(public.name.removesuffix(PUBLIC_SUFFIX) + ".json")


def mint(
    path: Path,
    *,
    subject: str,
    organization: str | None,
    scopes: Sequence[str],
    seconds: int,
    audience: str = AUDIENCE,
    **claims: Any,
) -> str:
    """An access token (RFC 9068) signed with the key at `path`; `claims` are added, or replace what is here.

    It is a person's, unless `claims` name another issuer; a service's has no organization.
    """
    private = _read_key(path)
    now = int(time.time())
    payload = {
        "iss": DEVELOPMENT_ISSUER,
        "sub": subject,
        "aud": audience,
        "client_id": "careway-development",
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "jti": str(uuid.uuid4()),
        "scope": " ".join(scopes),
        **({} if organization is None else {"organization": organization}),
    }
    headers = {"typ": "at+jwt", "kid": private["kid"]}
    return jwt.encode({**payload, **claims}, jwt.PyJWK(private), algorithm=private["alg"], headers=headers)


def _is_good_for_long(path: Path, wanted: dict[str, str], *, key: dict[str, Any]) -> bool:
    """Whether the token says what is wanted, is signed with that key, and has more than half of its time left."""
    public = jwt.PyJWK(_public_half(key))
    try:
        claims = jwt.decode(path.read_bytes(), public, algorithms=[key["alg"]], audience=AUDIENCE)
    except (OSError, ValueError, jwt.PyJWTError):
        return False
    found = {name: claims.get(name) for name in wanted}
    return found == wanted and claims.get("exp", 0) - time.time() > SERVICE_TOKEN_SECONDS / 2


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    key: dict[str, Any] = RSAAlgorithm.to_jwk(
        rsa.generate_private_key(public_exponent=65537, key_size=2048), as_dict=True
    )
    # `to_jwk` adds key_ops, which would deny the public half the verifying.
    del key["key_ops"]
    key |= {"kid": f"{DEVELOPMENT_NAME}-{uuid.uuid4()}", "use": "sig", "alg": "RS256"}
    written = _written(json.dumps(key).encode(), path.parent)
    try:
        # A link appears whole or not at all, and unlike a renaming never replaces the key of a process that was faster.
        os.link(written, path)
    except FileExistsError:
        pass
    finally:
        written.unlink()


def _public_half(key: dict[str, Any]) -> dict[str, Any]:
    return {member: key[member] for member in PUBLIC_MEMBERS}


def _written(content: bytes, folder: Path) -> Path:
    """A new file with that content, readable by its owner alone."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return Path(name)


def _read_key(path: Path) -> dict[str, Any]:
    try:
        key = json.loads(path.read_bytes())
        jwt.PyJWK(key)
        return {**key, "kid": key["kid"], "alg": key["alg"], "d": key["d"]}
    except (ValueError, TypeError, AttributeError, KeyError, jwt.PyJWTError) as error:
        raise ImproperlyConfigured(f"{path.name} holds no private key; delete it, and a new one is made") from error
