"""Tokens of services, which name no organization: the Careway-Organization header does, and for no other token."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from chassis.authentication import BearerAuthentication
from chassis.issuers import Issuer
from chassis.tokens import Verifier
from tests.chassis.issuing import ABSENT, file_issuer, refused, signer

CLUSTER, PEOPLE = signer("cluster"), signer("people")
ISS = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
ACCOUNT = "system:serviceaccount:consultations:clinical"


def projected(**changes: Any) -> str:
    """A token as the kubelet projects it into a pod, member for member."""
    now = int(time.time())
    pod = {
        "namespace": "consultations",
        "node": {"name": "ip-10-0-1-7.eu-central-1.compute.internal", "uid": str(uuid.uuid4())},
        "pod": {"name": "clinical-6d5f9c7b8-x2x7q", "uid": str(uuid.uuid4())},
        "serviceaccount": {"name": "clinical", "uid": str(uuid.uuid4())},
        "warnafter": now + 3607,
    }
    claims = {
        "aud": ["genomics"],
        "exp": now + 31_536_000,
        "iat": now,
        "iss": ISS,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": pod,
        "nbf": now,
        "sub": ACCOUNT,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not ABSENT}
    return CLUSTER.sign({"alg": "RS256", "kid": "cluster"}, claims)


@pytest.fixture
def issuers(tmp_path: Path) -> tuple[Issuer, ...]:
    (tmp_path / "cluster").mkdir()
    cluster = file_issuer(
        tmp_path / "cluster",
        CLUSTER,
        name="cluster",
        issuer=ISS,
        audiences=("genomics",),
        scope_claims=("sub",),
        scope_map={ACCOUNT: ("genomics:read",)},
        delegated=True,
    )
    return cluster, file_issuer(tmp_path, PEOPLE)


@pytest.fixture
def verifier(issuers: tuple[Issuer, ...]) -> Verifier:
    return Verifier(issuers)


class TestAServiceAccountOfTheCluster:
    def test_it_calls_for_the_organization_that_it_names(self, verifier: Verifier) -> None:
        caller = verifier.verify(projected(), "st-elsewhere")
        assert (caller.actor, caller.subject) == (f"cluster:{ACCOUNT}", ACCOUNT)
        assert (caller.organization, caller.scopes) == ("st-elsewhere", frozenset({"genomics:read"}))

    @pytest.mark.parametrize(
        ("header", "organization"),
        [
            ("General Hospital", "General Hospital"),
            ("H%C3%B4pital%20%E6%9D%B1", "Hôpital 東"),
            ("a%2Cb", "a,b"),
            ("50%25", "50%"),
            ("%E6%9D%B1" * 100, "東" * 100),
        ],
    )
    def test_it_may_have_any_name(self, verifier: Verifier, header: str, organization: str) -> None:
        assert verifier.verify(projected(), header).organization == organization

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            " ",
            "%20",
            "a,b",
            "Hôpital",
            "a\tb",
            "a%00b",
            "a%0Ab",
            "%FF",
            "%ED%A0%80",
            "a%E2%80%AEb",
            "o" * 101,
        ],
    )
    def test_it_is_refused_without_a_name_or_with_a_bad_one(self, verifier: Verifier, header: str | None) -> None:
        token = projected()
        assert refused(verifier, token, header) == "delegation"
        assert verifier.verify(token, "st-elsewhere")
        assert refused(verifier, token, header) == "delegation"

    @pytest.mark.parametrize("claim", ["organization", "Careway-Organization"])
    def test_its_token_cannot_name_it(self, verifier: Verifier, claim: str) -> None:
        assert refused(verifier, projected(**{claim: "st-elsewhere"})) == "delegation"
        assert verifier.verify(projected(**{claim: "general"}), "st-elsewhere").organization == "st-elsewhere"

    def test_another_account_is_granted_nothing(self, verifier: Verifier) -> None:
        for account in (ACCOUNT + "2", ACCOUNT.upper(), "system:serviceaccount:consultations:default"):
            assert verifier.verify(projected(sub=account), "st-elsewhere").scopes == set()

    def test_a_scope_in_its_token_grants_nothing(self, verifier: Verifier) -> None:
        token = projected(sub="system:serviceaccount:other:other", scope="genomics:sign", scp=["genomics:read"])
        assert verifier.verify(token, "st-elsewhere").scopes == set()

    @pytest.mark.parametrize(
        ("reason", "changes"),
        [
            ("audience", {"aud": ["https://kubernetes.default.svc"]}),
            ("audience", {"aud": ["careway"]}),
            ("expired", {"exp": 1}),
            ("expiry", {"exp": ABSENT}),
            ("subject", {"sub": ABSENT}),
        ],
    )
    def test_it_is_verified_as_any_other(self, verifier: Verifier, reason: str, changes: dict[str, Any]) -> None:
        assert refused(verifier, projected(**changes), "st-elsewhere") == reason


class TestMemory:
    def test_it_never_mixes_organizations(self, verifier: Verifier) -> None:
        token = projected()
        names = [f"hospital-{number % 7}" for number in range(200)]
        with ThreadPoolExecutor(8) as pool:
            callers = list(pool.map(lambda name: verifier.verify(token, name), names))
        assert [caller.organization for caller in callers] == names
        assert len(verifier._remembered) == 1
        assert "hospital" not in repr(verifier._remembered)
        assert refused(verifier, token) == "delegation"


class WhoAmI(APIView):
    authentication_classes = (BearerAuthentication,)

    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(f"{request.user.actor} of {request.user.organization}")

    def required_scope(self, request: Any) -> str:
        return "genomics:read"


class TestTheHeader:
    @pytest.fixture(autouse=True)
    def _trusted(self, settings: Settings, issuers: tuple[Issuer, ...]) -> None:
        settings.TRUSTED_ISSUERS = issuers

    def ask(self, token: str, **headers: str) -> HttpResponse:
        request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {token}", **headers})
        response: HttpResponse = WhoAmI.as_view()(request)
        return response

    def test_it_is_what_a_service_needs(self) -> None:
        token = projected()
        named = self.ask(token, **{"Careway-Organization": "st-elsewhere"})
        assert (named.status_code, named.content.decode()) == (200, f"cluster:{ACCOUNT} of st-elsewhere")
        unnamed = self.ask(token)
        assert unnamed.status_code == 401
        assert "Careway-Organization header" in unnamed["WWW-Authenticate"]

    def test_it_never_widens_a_person(self) -> None:
        for name in ("general", "", "a,b", "st-elsewhere"):
            answer = self.ask(PEOPLE.token(), **{"Careway-Organization": name})
            assert (answer.status_code, answer.content) == (200, b"identity:dr-lee of st-elsewhere")

    def test_nor_a_person_whose_token_names_no_organization(self) -> None:
        answer = self.ask(PEOPLE.token(organization=ABSENT), **{"Careway-Organization": "general"})
        assert answer.status_code == 401
        assert "The token's organization" in answer["WWW-Authenticate"]
