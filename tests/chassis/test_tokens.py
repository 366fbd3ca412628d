"""Access tokens that are accepted: what they say of the caller, and how long they are remembered."""

from __future__ import annotations

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
from chassis.tokens import Verifier, claim
from tests.chassis.issuing import ABSENT, Clock, KeyServer, file_issuer, issuer, key_document, refused, signer

ONE, TWO = signer("one"), signer("two")


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


class TestAccepted:
    def verify(self, tmp_path: Path, changes: dict[str, Any], **members: Any) -> Any:
        return Verifier((file_issuer(tmp_path, ONE, **members),)).verify(ONE.token(**changes))

    @pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", ABSENT])
    def test_it_has_one_of_these_types(self, verifier: Verifier, kind: Any) -> None:
        caller = verifier.verify(ONE.token({"typ": kind}))
        assert (caller.actor, caller.subject, caller.organization) == ("identity:dr-lee", "dr-lee", "st-elsewhere")
        assert caller.scopes == {"genomics:read", "genomics:write"}

    @pytest.mark.parametrize(("claim", "seconds"), [("exp", -3), ("nbf", 15), ("iat", 15)])
    def test_it_may_come_from_a_clock_slightly_off(self, verifier: Verifier, claim: str, seconds: int) -> None:
        changes: dict[str, Any] = {claim: int(time.time()) + seconds}
        assert verifier.verify(ONE.token(**changes))

    @pytest.mark.parametrize(
        ("claim", "last", "first", "reason"),
        [("exp", -29, -30, "expired"), ("nbf", 30, 31, "premature"), ("iat", 30, 31, "premature")],
    )
    def test_the_clock_may_be_thirty_seconds_off_and_no_more(
        self, tmp_path: Path, claim: str, last: int, first: int, reason: str
    ) -> None:
        now = int(time.time())
        verifier = Verifier((file_issuer(tmp_path, ONE),), now=Clock(now))
        assert verifier.verify(ONE.token(**{claim: now + last}))  # type: ignore[arg-type]  # changes, not a header
        assert refused(verifier, ONE.token(**{claim: now + first})) == reason  # type: ignore[arg-type]

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

    def test_it_keeps_no_refusal(self, verifier: Verifier, verifications: list[int]) -> None:
        token = ONE.token(aud="other")
        assert [refused(verifier, token) for _ in range(3)] == ["audience"] * 3
        assert len(verifications) == 3

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
