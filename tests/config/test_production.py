"""What a production refuses to start with because it is insecure, and what Django's own checks say of one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .starting import ISSUER, PRODUCTION, ROOT, faults, started, value

PLAIN = "postgresql://careway:hunter2@db.internal:5432/careway"


def fault(**changes: str) -> str:
    """The one and only."""
    (found,) = faults({**PRODUCTION, **changes})
    assert "hunter2" not in found
    return found


def issuers(**changes: str) -> str:
    return json.dumps([{**ISSUER, **changes}])


class TestInsecureCombinations:
    @pytest.mark.parametrize("mode", ["", "?sslmode=disable", "?sslmode=require", "?sslmode=verify-ca"])
    def test_a_database_elsewhere_whose_server_is_not_verified(self, mode: str) -> None:
        assert fault(DATABASE_URL=PLAIN + mode).startswith(
            "DATABASE_URL: needs sslmode=verify-full, since the database "
        )

    def test_unless_somebody_says_that_the_network_protects_it(self) -> None:
        assert value("s.DEVELOPMENT", DATABASE_URL=PLAIN, CAREWAY_ALLOW_PLAINTEXT_DATABASE="true") is False

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", ""])
    def test_a_pooler_on_this_machine_needs_no_tls(self, host: str) -> None:
        assert value("s.DEVELOPMENT", DATABASE_URL=f"postgresql://careway:hunter2@{host}/careway") is False

    def test_a_certificate_of_the_authority_that_is_not_there(self) -> None:
        url = f"{PLAIN}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt"
        told = fault(DATABASE_URL=url)
        assert told == "DATABASE_URL: names a file as sslrootcert that cannot be read (FileNotFoundError)"

    @pytest.mark.parametrize("url", ["http://login.hospital.example/keys", "http://127.0.0.1/keys"])
    def test_keys_that_come_without_tls(self, url: str) -> None:
        told = fault(CAREWAY_TRUSTED_ISSUERS=issuers(jwks_url=url))
        assert told == "CAREWAY_TRUSTED_ISSUERS: issuer 1: jwks_url must be an https URL without user and fragment"

    def test_an_issuer_without_tls(self) -> None:
        told = fault(CAREWAY_TRUSTED_ISSUERS=issuers(issuer="http://login.hospital.example"))
        assert told.startswith("CAREWAY_TRUSTED_ISSUERS: issuer 1: issuer must be an https URL ")

    @pytest.mark.parametrize("key", ["x" * 50, "abc" * 20, "1234567" * 8])
    def test_a_key_that_nobody_drew_at_random(self, key: str) -> None:
        told = fault(CAREWAY_SECRET_KEY=key)
        assert told == "CAREWAY_SECRET_KEY: has too few different characters to be random"

    @pytest.mark.parametrize("hosts", ["*", "careway.hospital.example,*"])
    def test_every_host_name(self, hosts: str) -> None:
        assert fault(CAREWAY_ALLOWED_HOSTS=hosts).startswith("CAREWAY_ALLOWED_HOSTS: must name hosts: ")

    def test_no_variable_opens_the_debug_page(self) -> None:
        assert value("s.DEBUG", DEBUG="true", DJANGO_DEBUG="true", CAREWAY_DEBUG="true") is False


class TestTheDatabaseUrl:
    @pytest.mark.parametrize("option", ["hunter2=1", "pool=1", "CONN_MAX_AGE=60", "assume_role=postgres"])
    def test_an_option_that_is_not_libpq_s_is_told_at_start(self, option: str) -> None:
        told = fault(DATABASE_URL=f"{PRODUCTION['DATABASE_URL']}&{option}")
        assert told == "DATABASE_URL: has an option after its `?` that libpq does not know"

    def test_an_unknown_sslmode_is_told_at_start(self) -> None:
        told = fault(DATABASE_URL=f"{PLAIN}?sslmode=verify_full")
        assert told.startswith("DATABASE_URL: has an unknown sslmode; known are disable, allow, ")


class TestDjangosOwnChecks:
    def test_they_find_nothing_in_a_production_behind_a_proxy(self) -> None:
        assert checked(CAREWAY_BEHIND_TLS_PROXY="true") == (0, "")

    def test_without_one_they_miss_that_browsers_are_told_to_stay_with_tls(self) -> None:
        status, errors = checked()
        assert status == 1
        assert [word for word in errors.split() if word.startswith("(security.")] == ["(security.W004)"]


def checked(**changes: str) -> tuple[int, str]:
    """Exit status and warnings of `manage.py check --deploy`."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env={**PRODUCTION, **changes}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_the_production_of_these_tests_starts() -> None:
    assert started(PRODUCTION)[::2] == (0, "")
