"""Tokens that no route may accept, and the good one they are made from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from chassis.development import mint
from tests.api import ALL

KEY = settings.STATE / "development-key.json"


def good_claims() -> dict[str, Any]:
    return dict(jwt.decode(minted(), options={"verify_signature": False}))


def minted(**changes: Any) -> str:
    values = {"subject": "dr-okafor", "organization": "st-elsewhere", "scopes": ALL, "seconds": 600, **changes}
    return mint(KEY, **values)


def signed(claims: dict[str, Any], header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token put together by hand: PyJWT would refuse to make most of these."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    content = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (content + b"." + base64.urlsafe_b64encode(sign(content)).rstrip(b"=")).decode()


def without_signature() -> str:
    header = jwt.get_unverified_header(minted())
    return signed(good_claims(), {**header, "alg": "none"}, lambda content: b"")


def by_the_public_key_as_a_secret() -> str:
    public = jwt.PyJWK(json.loads(KEY.read_bytes())).key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {**jwt.get_unverified_header(minted()), "alg": "HS256"}
    return signed(good_claims(), header, lambda content: hmac.new(pem, content, hashlib.sha256).digest())


def by_another_key(**header: Any) -> str:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(
        good_claims(), other, algorithm="RS256", headers={**jwt.get_unverified_header(minted()), **header}
    )


def without_expiry() -> str:
    key = jwt.PyJWK(json.loads(KEY.read_bytes()))
    claims = {name: value for name, value in good_claims().items() if name != "exp"}
    return jwt.encode(claims, key, algorithm="RS256", headers=jwt.get_unverified_header(minted()))


def with_other_claims() -> str:
    head, _, signature = minted().split(".")
    claims = json.dumps({**good_claims(), "organization": "general-hospital"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


BAD_AUTHORIZATION: dict[str, Callable[[], str]] = {
    "no token": lambda: "",
    "another scheme": lambda: "Basic dTpw",
    "an empty token": lambda: "Bearer ",
    "two tokens": lambda: f"Bearer {minted()} {minted()}",
    "no JWT": lambda: "Bearer x.y.z",
    "expired": lambda: f"Bearer {minted(seconds=-3600)}",
    "not valid yet": lambda: f"Bearer {minted(nbf=4_000_000_000, exp=4_100_000_000)}",
    "without expiry": lambda: f"Bearer {without_expiry()}",
    "another audience": lambda: f"Bearer {minted(audience='elsewhere')}",
    "another issuer": lambda: f"Bearer {minted(iss='https://issuer.example')}",
    "no organization": lambda: f"Bearer {minted(organization='')}",
    "an ID token": lambda: f"Bearer {minted(at_hash='x', nonce='y')}",
    "alg none": lambda: f"Bearer {without_signature()}",
    "HS256 with the public key": lambda: f"Bearer {by_the_public_key_as_a_secret()}",
    "an unknown kid": lambda: f"Bearer {by_another_key(kid='other')}",
    "another key": lambda: f"Bearer {by_another_key()}",
    "changed claims": lambda: f"Bearer {with_other_claims()}",
}
