"""The setting CAREWAY_TRUSTED_ISSUERS: what it may say, and what is said about the rest."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis.issuers import DEVELOPMENT_ISSUER, DEVELOPMENT_SERVICES_ISSUER, Caller, Issuer, parse_issuers
from tests.chassis.issuing import ABSENT


def entry(**changes: Any) -> dict[str, Any]:
    members = {
        "name": "people",
        "issuer": "https://identity.example/realm",
        "audiences": ["careway"],
        "jwks_url": "https://identity.example/realm/keys",
        "organization_claim": "organization",
    } | changes
    return {member: value for member, value in members.items() if value is not ABSENT}


def faults(*entries: Any, development: bool = False) -> list[str]:
    issuers, found = parse_issuers(list(entries), development=development)
    assert not (issuers and found)
    return found


class TestIssuer:
    def test_it_is_read_with_its_defaults(self) -> None:
        issuers, found = parse_issuers([entry()], development=False)
        assert found == []
        assert issuers == (
            Issuer(
                name="people",
                issuer="https://identity.example/realm",
                audiences=("careway",),
                audience_claim="aud",
                jwks_url="https://identity.example/realm/keys",
                jwks_file=None,
                algorithms=("RS256",),
                scope_claims=("scope", "scp"),
                scope_map=None,
                organization_claim="organization",
                organization=None,
                delegated=False,
            ),
        )

    def test_it_is_read_with_every_member(self, tmp_path: Path) -> None:
        keys = tmp_path / "keys.json"
        keys.touch()
        raw = entry(
            audiences=["one", "two"],
            audience_claim="client_id",
            jwks_url=ABSENT,
            jwks_file=str(keys),
            algorithms=["ES256", "EdDSA"],
            scope_claims=["realm_access.roles", "cognito:groups"],
            scope_map={"clinician": ["genomics:read", "genomics:write"], "nobody": []},
            organization_claim=ABSENT,
            organization="st-elsewhere",
        )
        (issuer,), found = parse_issuers([raw], development=False)
        assert found == []
        assert issuer.audiences == ("one", "two")
        assert (issuer.audience_claim, issuer.jwks_url, issuer.jwks_file) == ("client_id", None, str(keys))
        assert issuer.algorithms == ("ES256", "EdDSA")
        assert issuer.scope_claims == ("realm_access.roles", "cognito:groups")
        assert issuer.scope_map == {"clinician": ("genomics:read", "genomics:write"), "nobody": ()}
        assert (issuer.organization, issuer.organization_claim) == ("st-elsewhere", None)

    def test_it_cannot_be_changed(self) -> None:
        (issuer,), _ = parse_issuers([entry()], development=False)
        with pytest.raises(dataclasses.FrozenInstanceError):
            issuer.name = "other"  # type: ignore[misc]  # what mypy forbids is tried
        assert hash(issuer) == hash(dataclasses.replace(issuer))

    def test_it_can_be_imported_before_there_are_settings(self) -> None:
        script = "import sys, chassis.issuers, chassis.development; sys.exit('rest_framework' in sys.modules)"
        root = Path(__file__).resolve().parents[2]
        assert subprocess.run([sys.executable, "-c", script], cwd=root, env={}, check=False).returncode == 0


class TestFaults:
    @pytest.mark.parametrize("raw", [{}, "[]", 7, None, True])
    def test_it_asks_for_a_list(self, raw: Any) -> None:
        assert parse_issuers(raw, development=True) == ((), ["must be a JSON list of objects"])

    def test_it_asks_for_at_least_one(self) -> None:
        assert parse_issuers([], development=True)[1] == ["names no issuer, so that nobody could be let in"]

    @pytest.mark.parametrize("raw", [None, "people", ["people"], 7])
    def test_it_asks_for_objects(self, raw: Any) -> None:
        assert faults(raw) == ["issuer 1: must be an object"]

    @pytest.mark.parametrize("member", ["name", "issuer", "audiences"])
    def test_it_asks_for_what_is_missing(self, member: str) -> None:
        assert faults(entry(**{member: ABSENT})) == [f"issuer 1: {member} is required"]

    def test_it_names_an_unknown_member_and_the_known_ones(self) -> None:
        (fault,) = faults(entry(jwks_uri="https://identity.example/keys"))
        assert fault.startswith("issuer 1: jwks_uri is not a member; known are name, issuer, audiences,")

    @pytest.mark.parametrize("name", ["", "People", "1st", "a_b", "a" * 32, "-a", "a b", "people\n", "service"])
    def test_it_refuses_a_name_that_is_not_short_and_plain(self, name: str) -> None:
        (fault,) = faults(entry(name=name))
        assert fault.startswith("issuer 1: name must ")

    @pytest.mark.parametrize(
        "member",
        [
            "name",
            "issuer",
            "audience_claim",
            "jwks_url",
            "organization_claim",
            "audiences",
            "algorithms",
            "scope_claims",
        ],
    )
    @pytest.mark.parametrize("value", [7, None, {}, True, [7], ["people", None], [], [""], "", " people", "a\x00b"])
    def test_it_refuses_a_wrong_type(self, member: str, value: Any) -> None:
        found = faults(entry(**{member: value}))
        assert found
        assert all(fault.startswith(f"issuer 1: {member}") for fault in found)

    @pytest.mark.parametrize(
        "algorithm", ["HS256", "HS512", "none", "None", "NONE", "ES256K", "rs256", "RSA-OAEP", "*"]
    )
    def test_it_refuses_an_algorithm_that_is_symmetric_or_unknown(self, algorithm: str) -> None:
        (fault,) = faults(entry(algorithms=["RS256", algorithm]), development=True)
        assert fault.startswith("issuer 1: algorithms: each must be one of RS256, ")

    def test_it_asks_for_exactly_one_place_of_its_keys(self) -> None:
        asked = "issuer 1: needs exactly one of jwks_url, jwks_file, and"
        assert faults(entry(jwks_file=__file__)) == [f"{asked} has jwks_url and jwks_file"]
        assert faults(entry(jwks_url=ABSENT)) == [f"{asked} has none of them"]

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ({}, "has none of them"),
            ({"organization_claim": "o", "organization": "st-elsewhere"}, "has organization_claim and organization"),
            ({"organization": "st-elsewhere", "delegated": True}, "has organization and delegated"),
            ({"organization_claim": "o", "delegated": True}, "has organization_claim and delegated"),
            (
                {"organization_claim": "o", "organization": "st-elsewhere", "delegated": True},
                "has organization_claim and organization and delegated",
            ),
        ],
    )
    def test_it_asks_for_exactly_one_source_of_the_organization(self, given: dict[str, Any], found: str) -> None:
        raw = entry(**{"organization_claim": ABSENT, "scope_map": {}, **given})
        asked = "issuer 1: needs exactly one of organization_claim, organization, delegated, and"
        assert faults(raw) == [f"{asked} {found}"]

    @pytest.mark.parametrize("claim", ["azp", "AUD", "client-id"])
    def test_it_refuses_another_audience_claim(self, claim: str) -> None:
        assert faults(entry(audience_claim=claim)) == ["issuer 1: audience_claim must be one of aud, client_id"]

    @pytest.mark.parametrize(
        "scope_map", [[], "x", {"a": "genomics:read"}, {"a": [7]}, {"a": ["genomics:read genomics:write"]}, {"a": [""]}]
    )
    def test_it_refuses_a_scope_map_of_another_shape(self, scope_map: Any) -> None:
        (fault,) = faults(entry(scope_map=scope_map))
        assert fault.startswith("issuer 1: scope_map must be an object")

    def test_it_refuses_a_long_organization(self) -> None:
        raw = entry(organization="s" * 101, organization_claim=ABSENT)
        assert faults(raw) == ["issuer 1: organization must have at most 100 characters"]

    @pytest.mark.parametrize("path", ["keys.json", "/nowhere/keys.json", "/", "~/keys.json"])
    def test_it_refuses_a_file_that_is_not_there(self, path: str) -> None:
        raw = entry(jwks_file=path, jwks_url=ABSENT)
        assert faults(raw) == ["issuer 1: jwks_file must be the absolute path of an existing file"]

    @pytest.mark.parametrize("member", ["name", "issuer"])
    def test_it_refuses_two_of_a_kind(self, member: str) -> None:
        other = entry(name="services", issuer="https://cluster.example")
        assert faults(entry(), other) == []
        assert faults(entry(), other | {member: entry()[member]}) == [
            f"{member} {entry()[member]} is given to several issuers"
        ]

    def test_it_tells_everything_at_once(self) -> None:
        found = faults(
            entry(name="No", algorithms=["HS256"], extra=1),
            "x",
            entry(name="b", issuer="https://b.example", audiences=[]),
        )
        assert [fault.split(":")[0] for fault in found] == ["issuer 1"] * 3 + ["issuer 2", "issuer 3"]


class TestAddresses:
    GOOD = (
        "https://identity.example/keys",
        "https://identity.example:8443/keys?version=1",
        "https://[2001:db8::1]/keys",
    )
    NEVER = (
        "identity.example/keys",
        "ftp://identity.example/keys",
        "file:///etc/keys.json",
        "https:///keys",
        "https://user:secret@identity.example/keys",
        "https://identity.example/keys#one",
        "https://identity.example:0/keys",
        "https://identity.example:99999/keys",
        "https://[::1/keys",
        "http://identity.example/keys",
        "http://127.0.0.1.identity.example/keys",
        "http://localhost.identity.example/keys",
        "http://0.0.0.0/keys",
    )
    LOOPBACK = ("http://localhost:8080/keys", "http://127.0.0.1:8080/keys", "http://[::1]:8080/keys")

    @pytest.mark.parametrize("url", GOOD)
    @pytest.mark.parametrize("development", [True, False])
    def test_it_takes_keys_over_https(self, url: str, development: bool) -> None:
        assert faults(entry(jwks_url=url), development=development) == []

    @pytest.mark.parametrize("url", NEVER)
    @pytest.mark.parametrize("development", [True, False])
    def test_it_refuses_keys_over_anything_else(self, url: str, development: bool) -> None:
        (fault,) = faults(entry(jwks_url=url), development=development)
        assert fault.startswith("issuer 1: jwks_url must be an https URL")

    @pytest.mark.parametrize("url", LOOPBACK)
    def test_it_takes_keys_over_http_from_this_machine_in_development_alone(self, url: str) -> None:
        assert faults(entry(jwks_url=url), development=True) == []
        assert len(faults(entry(jwks_url=url))) == 1

    @pytest.mark.parametrize("iss", ["http://localhost:8080/realm", "identity", "https://identity.example/?a=b"])
    def test_it_takes_any_issuer_in_development_alone(self, iss: str) -> None:
        assert faults(entry(issuer=iss), development=True) == []
        assert faults(entry(issuer=iss)) == ["issuer 1: issuer must be an https URL without query and fragment"]


class TestDelegation:
    def delegated(self, **changes: Any) -> dict[str, Any]:
        members = {"organization_claim": ABSENT, "delegated": True, "scope_claims": ["sub"], "scope_map": {}}
        return entry(**{**members, **changes})

    @pytest.mark.parametrize("development", [True, False])
    def test_it_is_for_tokens_that_name_no_organization(self, development: bool) -> None:
        account = "system:serviceaccount:consultations:clinical"
        raw = self.delegated(scope_map={account: ["genomics:read"]})
        (issuer,), found = parse_issuers([raw], development=development)
        assert found == []
        assert (issuer.delegated, issuer.organization, issuer.organization_claim) == (True, None, None)
        assert issuer.scope_map == {account: ("genomics:read",)}

    @pytest.mark.parametrize("value", [False, None, "true", 1, []])
    def test_it_is_said_with_true_alone(self, value: Any) -> None:
        assert faults(self.delegated(delegated=value)) == ["issuer 1: delegated must be true, or not be there"]

    @pytest.mark.parametrize("development", [True, False])
    def test_it_needs_a_map_of_scopes(self, development: bool) -> None:
        (fault,) = faults(self.delegated(scope_map=ABSENT), development=development)
        assert fault.startswith("issuer 1: delegated needs a scope_map: ")

    def test_it_needs_none_for_the_services_of_development(self) -> None:
        raw = self.delegated(scope_map=ABSENT, issuer=DEVELOPMENT_SERVICES_ISSUER)
        assert faults(raw, development=True) == []
        assert any("needs a scope_map" in fault for fault in faults(raw))


class TestDevelopmentIssuer:
    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "development"},
            {"issuer": DEVELOPMENT_ISSUER},
            {"name": "development-services"},
            {"issuer": DEVELOPMENT_SERVICES_ISSUER},
        ],
    )
    def test_it_is_refused_in_production_by_name_and_by_issuer(self, changes: dict[str, str]) -> None:
        assert faults(entry(**changes), development=True) == []
        (fault,) = faults(entry(**changes))
        assert fault.startswith("issuer 1: is the development issuer")


class TestCaller:
    def test_it_is_authenticated_and_cannot_be_changed(self) -> None:
        caller = Caller("people:dr-lee", "dr-lee", "st-elsewhere", frozenset({"genomics:read"}))
        assert caller.is_authenticated
        with pytest.raises(dataclasses.FrozenInstanceError):
            caller.organization = "other"  # type: ignore[misc]  # what mypy forbids is tried
