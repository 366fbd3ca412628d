"""JSON Web Key Sets: which keys of a document are used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from chassis.jwks import DOCUMENT_BYTES, keys_in
from tests.chassis.issuing import key_document, signer

RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def document(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


class TestKeys:
    @pytest.mark.parametrize(
        ("algorithm", "verifies"),
        [("RS256", RSA_ALGORITHMS), ("ES256", {"ES256"}), ("ES384", {"ES384"}), ("EdDSA", {"EdDSA"})],
    )
    def test_it_knows_what_a_key_can_verify(self, algorithm: str, verifies: set[str]) -> None:
        (key,) = keys_in(key_document(signer("one", algorithm)))
        assert key.kid == "one"
        assert key.algorithms == verifies

    def test_it_keeps_a_key_to_its_algorithm(self) -> None:
        (key,) = keys_in(document(signer().jwk | {"alg": "PS384"}))
        assert key.algorithms == {"PS384"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"use": "enc"},
            {"use": 7},
            {"alg": "ES256"},
            {"alg": "HS256"},
            {"alg": "none"},
            {"alg": ["RS256"]},
            {"key_ops": ["encrypt"]},
            {"key_ops": 7},
            {"kty": "oct", "k": "c2VjcmV0"},
            {"kty": "EC"},
            {"kty": ["RSA"]},
            {"crv": "P-256"},
            {"kid": 7},
            {"n": 7},
            {"n": ""},
            {"n": "!"},
            {"e": None},
            {"d": "AQAB"},
        ],
    )
    def test_it_leaves_out_a_key_it_cannot_use_and_keeps_its_neighbour(self, changes: dict[str, Any]) -> None:
        good = signer("good", "ES256")
        assert [key.kid for key in keys_in(document(signer().jwk | changes, good.jwk))] == ["good"]

    @pytest.mark.parametrize("raw", [None, 7, "key", [], {}, {"kty": "RSA"}])
    def test_it_leaves_out_what_is_no_key(self, raw: Any) -> None:
        assert keys_in(document(raw)) == ()

    def test_it_leaves_out_a_key_whose_private_half_is_published(self) -> None:
        private = RSAAlgorithm.to_jwk(signer().private, as_dict=True) | {"key_ops": ["sign", "verify"]}
        assert keys_in(document(private)) == ()

    def test_it_leaves_out_a_short_rsa_key(self) -> None:
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
        assert keys_in(document(RSAAlgorithm.to_jwk(short, as_dict=True))) == ()

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b"{}", b'{"keys": {}}', b"\xff", b"[" * 100_000])
    def test_it_refuses_what_is_no_key_set(self, raw: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011  (json's own errors are some of them)
            keys_in(raw)

    def test_it_refuses_a_document_over_the_limit(self) -> None:
        with pytest.raises(ValueError, match="too large"):
            keys_in(key_document(signer()) + b" " * DOCUMENT_BYTES)
