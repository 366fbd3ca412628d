"""Access tokens that are refused: every way to be wrong, and every way to be forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from chassis import metrics
from chassis.tokens import REASONS, Verifier
from tests.chassis.issuing import ABSENT, ISS, encoded, file_issuer, refused, signer

ONE, TWO = signer("one"), signer("two")
HUGE_NUMBER = b'{"exp":' + b"9" * 5000 + b"}"
NESTED = b"[" * 5000 + b"]" * 5000
HEADER = encoded({"alg": "RS256"})


class Refusals:
    """Stands in for the counter."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def count(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    counter = Refusals()
    monkeypatch.setattr(metrics, "authentication_refusals", counter)
    return counter


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    return Verifier((file_issuer(tmp_path, ONE, TWO),))


class TestRefusal:
    NOW = int(time.time())

    @pytest.mark.parametrize(
        ("reason", "changes"),
        [
            ("expiry", {"exp": ABSENT}),
            ("expired", {"exp": NOW - 3600}),
            ("expired", {"exp": NOW - 3600.5}),
            ("expired", {"exp": 0}),
            ("expired", {"exp": -(10**11)}),
            ("malformed", {"exp": str(NOW + 3600)}),
            ("malformed", {"exp": None}),
            ("malformed", {"exp": True}),
            ("malformed", {"exp": [NOW + 3600]}),
            ("malformed", {"exp": float("nan")}),
            ("malformed", {"exp": float("inf")}),
            ("malformed", {"exp": 10**400}),
            ("malformed", {"nbf": "yesterday"}),
            ("malformed", {"iat": None}),
            ("premature", {"nbf": NOW + 3600}),
            ("premature", {"iat": NOW + 3600}),
            ("issuer", {"iss": ABSENT}),
            ("issuer", {"iss": ISS + "/"}),
            ("issuer", {"iss": ISS.upper()}),
            ("issuer", {"iss": [ISS]}),
            ("issuer", {"iss": None}),
            ("audience", {"aud": ABSENT}),
            ("audience", {"aud": "other"}),
            ("audience", {"aud": "careway2"}),
            ("audience", {"aud": []}),
            ("audience", {"aud": ["other", 7]}),
            ("audience", {"aud": {"careway": 1}}),
            ("audience", {"aud": ABSENT, "client_id": "careway"}),
            ("subject", {"sub": ABSENT}),
            ("subject", {"sub": ""}),
            ("subject", {"sub": " "}),
            ("subject", {"sub": None}),
            ("subject", {"sub": 7}),
            ("subject", {"sub": "s" * 201}),
            ("subject", {"sub": "dr\nlee"}),
            ("subject", {"sub": "dr\x00lee"}),
            ("subject", {"sub": "dr\ud800lee"}),
            ("organization", {"organization": ABSENT}),
            ("organization", {"organization": ""}),
            ("organization", {"organization": None}),
            ("organization", {"organization": ["st-elsewhere"]}),
            ("organization", {"organization": "o" * 101}),
            ("organization", {"organization": "st\x7f"}),
            ("scopes", {"scope": 7}),
            ("scopes", {"scope": {"genomics:read": True}}),
            ("scopes", {"scp": ["genomics:read", None]}),
            ("scopes", {"scp": False}),
            ("identity-token", {"token_use": "id"}),
            ("identity-token", {"typ": "ID"}),
            ("identity-token", {"at_hash": "x"}),
            ("identity-token", {"c_hash": "x"}),
            ("identity-token", {"nonce": "x", "scope": ABSENT}),
        ],
    )
    def test_it_names_what_is_wrong_with_a_claim(
        self, verifier: Verifier, refusals: Refusals, reason: str, changes: dict[str, Any]
    ) -> None:
        assert refused(verifier, ONE.token(**changes)) == reason
        assert refusals.reasons == [reason]

    @pytest.mark.parametrize(
        ("reason", "header"),
        [
            ("header", {"typ": "logout+jwt"}),
            ("header", {"typ": "dpop+jwt"}),
            ("header", {"typ": ""}),
            ("header", {"typ": None}),
            ("header", {"typ": 7}),
            ("header", {"crit": []}),
            ("header", {"crit": ["b64"], "b64": True}),
            ("malformed", {"crit": ["b64"], "b64": False}),
            ("header", {"crit": ["exp"]}),
            ("header", {"kid": 7}),
            ("header", {"kid": None}),
            ("unknown-key", {"kid": "three"}),
            ("unknown-key", {"kid": ""}),
            ("unknown-key", {"kid": "ONE"}),
            ("signature", {"kid": "two"}),
            ("ambiguous-key", {"kid": ABSENT}),
            ("algorithm", {"alg": "RS512"}),
            ("algorithm", {"alg": "PS256"}),
            ("algorithm", {"alg": "rs256"}),
            ("algorithm", {"alg": ABSENT}),
            ("algorithm", {"alg": None}),
            ("algorithm", {"alg": ["RS256"]}),
        ],
    )
    def test_it_names_what_is_wrong_with_the_header(
        self, verifier: Verifier, reason: str, header: dict[str, Any]
    ) -> None:
        assert refused(verifier, ONE.token(header)) == reason

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "..",
            "é.é.é",
            f"{encoded(b'[]')}.{encoded({})}.eA",
            f"{encoded(b'7')}.{encoded({})}.eA",
            f"{encoded(NESTED)}.{encoded({})}.eA",
            f"{HEADER}.{encoded([ISS])}.eA",
            f"{HEADER}.{encoded(b'{')}.eA",
            f"{HEADER}.{encoded(NESTED)}.eA",
            f"{HEADER}.{encoded(bytes([255]))}.eA",
            f"{HEADER}.{encoded(HUGE_NUMBER)}.eA",
        ],
    )
    def test_it_refuses_what_is_no_token(self, verifier: Verifier, token: str) -> None:
        assert refused(verifier, token) == "malformed"

    @pytest.mark.parametrize("form", ["{0}=", "{0}\n", "{0},{0}", "{0} {0}", "{0}.", "x{0}"])
    def test_it_refuses_what_is_more_than_a_token(self, verifier: Verifier, form: str) -> None:
        assert refused(verifier, form.format(ONE.token())) == "malformed"

    def test_it_refuses_a_token_over_the_limit(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(padding="x" * 11_000))
        assert refused(verifier, ONE.token(padding="x" * 12_000)) == "malformed"

    def test_it_never_repeats_the_token_and_fits_a_quoted_string(self) -> None:
        for words in REASONS.values():
            assert all(" " <= character <= "~" and character not in '"\\' for character in words)

    def test_it_is_counted_every_time(self, verifier: Verifier, refusals: Refusals) -> None:
        token = ONE.token(aud="other")
        assert [refused(verifier, token) for _ in range(3)] == ["audience"] * 3
        assert refusals.reasons == ["audience"] * 3


class TestSignature:
    def test_it_refuses_a_changed_claim(self, verifier: Verifier) -> None:
        header, payload, signature = ONE.token().split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        forged = f"{header}.{encoded({**claims, 'organization': 'general'})}.{signature}"
        assert refused(verifier, forged) == "signature"

    def test_it_refuses_an_empty_or_cut_signature(self, verifier: Verifier) -> None:
        message, _, signature = ONE.token().rpartition(".")
        assert refused(verifier, f"{message}.") == "signature"
        assert refused(verifier, f"{message}.{signature[:-2]}") == "signature"

    @pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE"])
    def test_it_refuses_none(self, verifier: Verifier, algorithm: str) -> None:
        payload = ONE.token().split(".")[1]
        for signature in ("", "x", ONE.token().split(".")[2]):
            token = f"{encoded({'alg': algorithm, 'kid': 'one'})}.{payload}.{signature}"
            assert refused(verifier, token) in {"algorithm", "malformed"}

    @pytest.mark.parametrize("kid", ["one", ABSENT])
    @pytest.mark.parametrize("form", ["PEM", "PEM without line feed", "JWK", "nothing"])
    def test_it_refuses_a_mac_with_the_public_key_as_the_secret(self, verifier: Verifier, form: str, kid: Any) -> None:
        forms = {"PEM": ONE.pem, "PEM without line feed": ONE.pem.strip(), "JWK": json.dumps(ONE.jwk).encode()}
        secret = forms.get(form, b"")
        header = {"alg": "HS256"} | ({} if kid is ABSENT else {"kid": kid})
        message = f"{encoded(header)}.{ONE.token().split('.')[1]}"
        mac = encoded(hmac.new(secret, message.encode(), hashlib.sha256).digest())
        assert refused(verifier, f"{message}.{mac}") == "algorithm"

    def test_it_refuses_a_mac_under_the_name_of_a_true_algorithm(self, verifier: Verifier) -> None:
        message = ONE.token().rpartition(".")[0]
        mac = encoded(hmac.new(ONE.pem, message.encode(), hashlib.sha256).digest())
        assert refused(verifier, f"{message}.{mac}") == "signature"

    def test_it_ignores_a_key_in_the_token(self, verifier: Verifier) -> None:
        stranger = signer("one", copy=1)
        for header in ({"jwk": stranger.jwk}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}):
            assert refused(verifier, stranger.token(header)) == "signature"

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"])
    def test_it_verifies_every_algorithm_that_the_issuer_allows(self, tmp_path: Path, algorithm: str) -> None:
        key = signer("one", algorithm)
        allowing = Verifier((file_issuer(tmp_path, key, algorithms=(algorithm,)),))
        assert allowing.verify(key.token()).subject == "dr-lee"
        assert refused(Verifier((file_issuer(tmp_path, key),)), key.token()) == "algorithm"

    def test_it_refuses_an_algorithm_that_the_key_is_not_for(self, tmp_path: Path) -> None:
        verifier = Verifier((file_issuer(tmp_path, ONE, algorithms=("RS256", "RS512", "ES256")),))
        assert refused(verifier, ONE.token({"alg": "ES256"})) == "algorithm"
        path = tmp_path / "keys.json"
        path.write_text(json.dumps({"keys": [ONE.jwk | {"alg": "RS512"}]}))
        assert refused(verifier, ONE.token()) == "algorithm"

    def test_it_accepts_a_token_that_names_no_key_when_there_is_one(self, tmp_path: Path) -> None:
        nameless = signer(None)
        verifier = Verifier((file_issuer(tmp_path, nameless),))
        assert verifier.verify(nameless.token()).subject == "dr-lee"

    def test_it_refuses_two_keys_of_one_name(self, tmp_path: Path) -> None:
        verifier = Verifier((file_issuer(tmp_path, ONE, signer("one", copy=1)),))
        assert refused(verifier, ONE.token()) == "ambiguous-key"

    def test_it_tells_keys_of_one_name_apart_by_their_algorithm(self, tmp_path: Path) -> None:
        verifier = Verifier((file_issuer(tmp_path, ONE, signer("one", "ES256")),))
        assert verifier.verify(ONE.token()).subject == "dr-lee"

    def test_it_uses_no_key_of_another_issuer(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        first = file_issuer(tmp_path, ONE)
        second = file_issuer(tmp_path / "other", TWO, name="other", issuer="https://other.example", audiences=("x",))
        verifier = Verifier((first, second))
        assert verifier.verify(TWO.token(iss="https://other.example", aud="x")).actor == "other:dr-lee"
        assert refused(verifier, TWO.token()) == "unknown-key"
        assert refused(verifier, TWO.token({"kid": "one"})) == "signature"
        assert refused(verifier, TWO.token(iss="https://other.example")) == "audience"
