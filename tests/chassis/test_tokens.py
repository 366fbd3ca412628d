"""Access tokens: every way not to be accepted, what an accepted one says, and how long that is remembered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from chassis import keysets, tokens
from chassis.issuers import Issuer
from chassis.problems import Problem
from chassis.tokens import REASONS, Verifier, claim
from tests.chassis.issuing import ABSENT, ISS, Clock, KeyServer, encoded, file_issuer, issuer, key_document, signer

ONE, TWO = signer("one"), signer("two")
HUGE_NUMBER = b'{"exp":' + b"9" * 5000 + b"}"
NESTED = b'{"a":' * 4000 + b"1" + b"}" * 4000


class Refusals:
    """Stands in for the counter."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def add(self, amount: int, attributes: dict[str, str]) -> None:
        assert (amount, list(attributes)) == (1, ["reason"])
        self.reasons.append(attributes["reason"])


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    counter = Refusals()
    monkeypatch.setattr(tokens, "refusals", counter)
    return counter


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every RSA signature that is verified."""
    done: list[int] = []
    verify = RSAAlgorithm.verify

    def counted(*args: Any) -> bool:
        done.append(1)
        return verify(*args)

    monkeypatch.setattr(RSAAlgorithm, "verify", counted)
    return done


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    return Verifier((file_issuer(tmp_path, ONE, TWO),))


def refused(verifier: Verifier, token: str) -> str:
    """The reason, after a look at the words of the 401."""
    with pytest.raises(Problem) as caught:
        verifier.verify(token)
    problem = caught.value
    assert (problem.code, problem.kind.status) == ("unauthenticated", 401)
    challenge = f'Bearer error="invalid_token", error_description="{problem.detail}"'
    assert problem.headers == {"WWW-Authenticate": challenge}
    return next(reason for reason, words in REASONS.items() if words == problem.detail)


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
            ("malformed", {"crit": ["exp"]}),
            ("malformed", {"kid": 7}),
            ("malformed", {"kid": None}),
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
            f"{encoded(b'[]')}.{encoded({})}.{encoded(b'x')}",
            f"{encoded(b'7')}.{encoded({})}.{encoded(b'x')}",
            f"{encoded(NESTED)}.{encoded({})}.{encoded(b'x')}",
            f"{encoded({'alg': 'RS256'})}.{encoded([ISS])}.{encoded(b'x')}",
            f"{encoded({'alg': 'RS256'})}.{encoded(b'{')}.{encoded(b'x')}",
            f"{encoded({'alg': 'RS256'})}.{encoded(NESTED)}.{encoded(b'x')}",
            f"{encoded({'alg': 'RS256'})}.{encoded(bytes([255]))}.{encoded(b'x')}",
            f"{encoded({'alg': 'RS256'})}.{encoded(HUGE_NUMBER)}.{encoded(b'x')}",
            ONE.token() + "=",
            ONE.token() + "\n",
            ONE.token() + "," + ONE.token(),
            ONE.token(padding="x" * 16_384),
        ],
    )
    def test_it_refuses_what_is_no_token(self, verifier: Verifier, token: str) -> None:
        assert refused(verifier, token) == "malformed"

    def test_it_never_repeats_the_token_and_fits_a_quoted_string(self) -> None:
        for words in REASONS.values():
            assert all(" " <= character <= "~" and character not in '"\\' for character in words)

    def test_it_is_not_remembered(self, verifier: Verifier, verifications: list[int], refusals: Refusals) -> None:
        token = ONE.token(aud="other")
        assert [refused(verifier, token) for _ in range(3)] == ["audience"] * 3
        assert (len(verifications), refusals.reasons) == (3, ["audience"] * 3)


class TestSignature:
    def test_it_refuses_a_changed_claim(self, verifier: Verifier) -> None:
        header, payload, signature = ONE.token().split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        forged = f"{header}.{encoded({**claims, 'organization': 'general'})}.{signature}"
        assert refused(verifier, forged) == "signature"

    def test_it_refuses_an_empty_or_cut_signature(self, verifier: Verifier) -> None:
        message, _, signature = ONE.token().rpartition(".")
        assert refused(verifier, f"{message}.") == "signature"
        assert refused(verifier, f"{message}.{signature[:-4]}") == "signature"

    @pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE"])
    def test_it_refuses_none(self, verifier: Verifier, algorithm: str) -> None:
        payload = ONE.token().split(".")[1]
        for signature in ("", "x", ONE.token().split(".")[2]):
            token = f"{encoded({'alg': algorithm, 'kid': 'one'})}.{payload}.{signature}"
            assert refused(verifier, token) in {"algorithm", "malformed"}

    @pytest.mark.parametrize("kid", ["one", ABSENT])
    @pytest.mark.parametrize("secret", [ONE.pem, ONE.pem.strip(), json.dumps(ONE.jwk).encode(), b""])
    def test_it_refuses_a_mac_with_the_public_key_as_the_secret(
        self, verifier: Verifier, secret: bytes, kid: Any
    ) -> None:
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


class TestAccepted:
    def verify(self, tmp_path: Path, changes: dict[str, Any], **members: Any) -> Any:
        return Verifier((file_issuer(tmp_path, ONE, **members),)).verify(ONE.token(**changes))

    @pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", ABSENT])
    def test_it_has_one_of_these_types(self, verifier: Verifier, kind: Any) -> None:
        caller = verifier.verify(ONE.token({"typ": kind}))
        assert (caller.actor, caller.subject, caller.organization) == ("identity:dr-lee", "dr-lee", "st-elsewhere")
        assert caller.scopes == {"genomics:read", "genomics:write"}

    @pytest.mark.parametrize(
        "changes", [{"exp": int(time.time()) - 3}, {"nbf": int(time.time()) + 15}, {"iat": int(time.time()) + 15}]
    )
    def test_it_may_come_from_a_clock_slightly_off(self, verifier: Verifier, changes: dict[str, int]) -> None:
        assert verifier.verify(ONE.token(**changes))

    def test_it_may_lack_the_times_that_are_optional(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(iat=ABSENT, nbf=ABSENT))

    def test_it_may_have_several_audiences(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(aud=["account", "careway"]))

    def test_it_may_repeat_a_nonce_beside_a_scope(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(nonce="x", typ="Bearer"))

    def test_it_may_be_of_cognito(self, tmp_path: Path) -> None:
        cognito = {"aud": ABSENT, "client_id": "4ab", "token_use": "access", "cognito:groups": ["signers"]}
        members: dict[str, Any] = {
            "audience_claim": "client_id",
            "audiences": ("4ab",),
            "scope_claims": ("scope", "cognito:groups"),
            "scope_map": {"careway/genomics:read": ("genomics:read",), "signers": ("genomics:sign",)},
            "organization": "st-elsewhere",
        }
        caller = self.verify(tmp_path, {**cognito, "scope": "careway/genomics:read openid"}, **members)
        assert caller.scopes == {"genomics:read", "genomics:sign"}
        with pytest.raises(Problem):
            self.verify(tmp_path, {**cognito, "client_id": "5cd"}, **members)
        with pytest.raises(Problem):
            self.verify(tmp_path, {**cognito, "token_use": "id", "aud": "4ab"}, **members)

    def test_it_may_be_of_keycloak(self, tmp_path: Path) -> None:
        changes = {"realm_access": {"roles": ["clinician", "offline_access"]}, "typ": "Bearer"}
        granted = {"clinician": ("genomics:read", "genomics:write")}
        caller = self.verify(tmp_path, changes, scope_claims=("realm_access.roles",), scope_map=granted)
        assert caller.scopes == {"genomics:read", "genomics:write"}

    def test_it_may_be_of_a_service_account_of_the_cluster(self, tmp_path: Path) -> None:
        account = "system:serviceaccount:consultations:clinical"
        changes = {"sub": account, "scope": ABSENT, "kubernetes.io": {"namespace": "consultations"}}
        caller = self.verify(
            tmp_path,
            changes,
            scope_claims=("sub",),
            scope_map={account: ("genomics:read",)},
            organization_claim="kubernetes.io.namespace",
        )
        assert (caller.scopes, caller.organization) == ({"genomics:read"}, "consultations")

    def test_it_may_have_no_scope_at_all(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(scope=ABSENT)).scopes == set()

    def test_it_gathers_the_scopes_of_all_claims(self, verifier: Verifier) -> None:
        assert verifier.verify(ONE.token(scope="a  b", scp=["c", "a"])).scopes == {"a", "b", "c"}

    def test_it_is_granted_nothing_that_the_map_does_not_name(self, tmp_path: Path) -> None:
        caller = self.verify(tmp_path, {"scope": "genomics:sign reader"}, scope_map={"reader": ("genomics:read",)})
        assert caller.scopes == {"genomics:read"}

    def test_it_belongs_to_the_organization_of_its_issuer_where_that_is_constant(self, tmp_path: Path) -> None:
        assert (
            self.verify(tmp_path, {"organization": "general"}, organization="st-elsewhere").organization
            == "st-elsewhere"
        )

    def test_it_may_be_as_long_as_the_record_can_hold(self, verifier: Verifier) -> None:
        caller = verifier.verify(ONE.token(sub="s" * 200, organization="o" * 100))
        assert (len(caller.subject), len(caller.organization)) == (200, 100)


class TestClaim:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("plain", 1),
            ("a.b", 2),
            ("a.b.c", None),
            ("a", {"b": 2}),
            ("https://careway.example/org", 3),
            ("kubernetes.io.namespace", 4),
            ("x.y", 5),
            ("plain.more", None),
            ("", None),
            (".", None),
            ("missing", None),
        ],
    )
    def test_it_is_found_by_name_or_path(self, path: str, value: Any) -> None:
        claims = {
            "plain": 1,
            "a": {"b": 2},
            "https://careway.example/org": 3,
            "kubernetes.io": {"namespace": 4},
            "x.y": 5,
            "x": {"y": 6},
        }
        assert claim(claims, path) == value


class TestMemory:
    def test_it_verifies_a_token_once(self, verifier: Verifier, verifications: list[int]) -> None:
        token = ONE.token()
        callers = {id(verifier.verify(token)) for _ in range(5)}
        assert (len(callers), len(verifications)) == (1, 1)

    def test_it_ends_when_the_token_expires(self, tmp_path: Path, verifications: list[int]) -> None:
        clock = Clock(time.time())
        verifier = Verifier((file_issuer(tmp_path, ONE),), now=clock)
        token = ONE.token(exp=clock.now + 100)
        verifier.verify(token)
        clock.now += 99
        verifier.verify(token)
        assert len(verifications) == 1
        clock.now += 32
        assert refused(verifier, token) == "expired"

    def test_it_ends_when_the_keys_change(self, tmp_path: Path, verifications: list[int]) -> None:
        verifier = Verifier((file_issuer(tmp_path, ONE),))
        token = ONE.token()
        verifier.verify(token)
        file_issuer(tmp_path, ONE, TWO)
        verifier.verify(token)
        assert len(verifications) == 2
        file_issuer(tmp_path, TWO)
        assert refused(verifier, token) == "unknown-key"

    def test_it_does_not_confuse_tokens(self, verifier: Verifier) -> None:
        first, second = ONE.token(sub="a"), ONE.token(sub="b")
        assert [verifier.verify(token).subject for token in (first, second, first)] == ["a", "b", "a"]

    def test_it_is_bounded_and_forgets_what_was_used_longest_ago(
        self, verifier: Verifier, verifications: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tokens, "REMEMBERED_TOKENS", 2)
        first, second, third = (ONE.token(sub=subject) for subject in "abc")
        for token in (first, second, first, third, first):
            verifier.verify(token)
        assert len(verifications) == 3
        verifier.verify(second)
        assert len(verifications) == 4

    def test_it_holds_no_token(self, verifier: Verifier) -> None:
        token = ONE.token()
        verifier.verify(token)
        assert token not in repr(verifier._remembered)


class TestRemoteKeys:
    """The verification and the keys behind a URL together."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        clock = Clock()
        monkeypatch.setattr(
            tokens, "key_set", lambda issuer: keysets.RemoteKeySet(issuer.name, issuer.jwks_url or "", clock=clock)
        )
        return clock

    @pytest.fixture
    def server(self) -> Iterator[KeyServer]:
        with KeyServer(ONE) as running:
            yield running

    @pytest.fixture
    def remote(self, server: KeyServer, clock: Clock) -> Verifier:
        trusted: Issuer = issuer(jwks_url=server.url)
        return Verifier((trusted,))

    def test_it_fetches_once_for_many_threads(self, remote: Verifier, server: KeyServer) -> None:
        server.open.clear()
        threading.Timer(0.2, server.open.set).start()
        with ThreadPoolExecutor(16) as pool:
            callers = list(pool.map(remote.verify, [ONE.token(sub=str(number)) for number in range(16)]))
        assert [caller.subject for caller in callers] == [str(number) for number in range(16)]
        assert server.requests == 1

    def test_it_accepts_a_rotated_key_at_once(self, remote: Verifier, server: KeyServer, clock: Clock) -> None:
        remote.verify(ONE.token())
        server.document = key_document(ONE, TWO)
        clock.now += 5
        assert remote.verify(TWO.token())
        assert remote.verify(ONE.token())
        assert server.requests == 2

    def test_it_refuses_a_withdrawn_key_after_the_next_renewal(
        self, remote: Verifier, server: KeyServer, clock: Clock
    ) -> None:
        token = ONE.token()
        remote.verify(token)
        server.document = key_document(TWO)
        clock.now += 299
        assert remote.verify(token)
        clock.now += 1
        assert refused(remote, token) == "unknown-key"

    def test_it_does_not_turn_forged_ids_into_requests(self, remote: Verifier, server: KeyServer, clock: Clock) -> None:
        remote.verify(ONE.token())
        clock.now += 5
        for number in range(20):
            assert refused(remote, ONE.token({"kid": f"forged-{number}"})) == "unknown-key"
        assert server.requests == 2

    def test_it_does_not_ask_for_keys_of_a_token_that_is_wrong_anyway(
        self, remote: Verifier, server: KeyServer
    ) -> None:
        assert refused(remote, ONE.token({"alg": "HS256"})) == "algorithm"
        assert refused(remote, ONE.token(iss="https://other.example")) == "issuer"
        assert server.requests == 0

    def test_it_is_unavailable_and_not_unauthenticated_when_the_issuer_is_down(
        self, remote: Verifier, server: KeyServer, clock: Clock
    ) -> None:
        server.status = 500
        token = ONE.token()
        with pytest.raises(Problem) as caught:
            remote.verify(token)
        assert (caught.value.kind.status, caught.value.headers) == (503, {"Retry-After": "5"})
        server.status = 200
        clock.now += 5
        assert remote.verify(token)

    def test_it_goes_on_while_the_issuer_is_down_for_a_day(
        self, remote: Verifier, server: KeyServer, clock: Clock
    ) -> None:
        known, unknown = ONE.token(), ONE.token(sub="dr-new")
        remote.verify(known)
        server.status = 500
        clock.now += 86_400
        assert remote.verify(known)
        assert remote.verify(unknown)
        clock.now += 60
        for token in (known, unknown):
            with pytest.raises(Problem) as caught:
                remote.verify(token)
            assert caught.value.code == "unavailable"
