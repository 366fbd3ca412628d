"""The issuers of development: their key appears once, whole and private; their tokens pass the same verification."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from chassis import development
from chassis.development import development_issuers, keep_service_token, mint, private_key_beside
from chassis.issuers import DEVELOPMENT_ISSUER, DEVELOPMENT_SERVICES_ISSUER, parse_issuers
from chassis.jwks import keys_in
from chassis.tokens import Verifier
from tests.chassis.issuing import refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "development-key.json"


class TestKey:
    def test_it_is_made_on_first_start_and_kept(self, path: Path) -> None:
        first = development_issuers(path)
        content = path.read_bytes()
        assert development_issuers(path) == first
        assert path.read_bytes() == content

    def test_it_is_readable_by_its_owner_alone(self, path: Path) -> None:
        development_issuers(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_leaves_nothing_else_behind(self, path: Path) -> None:
        development_issuers(path)
        assert {file.name for file in path.parent.iterdir()} == {"development-key.json", "development-key.jwks.json"}

    def test_it_publishes_the_public_half_alone(self, path: Path) -> None:
        public = Path(development_issuers(path)[0]["jwks_file"])
        (raw,) = json.loads(public.read_bytes())["keys"]
        assert set(raw) == {"kty", "kid", "use", "alg", "n", "e"}
        (key,) = keys_in(public.read_bytes())
        assert key.public.key_size == 2048
        assert private_key_beside(str(public)) == path

    def test_it_publishes_it_again_when_that_was_lost_or_changed(self, path: Path) -> None:
        public = Path(development_issuers(path)[0]["jwks_file"])
        content = public.read_bytes()
        public.unlink()
        development_issuers(path)
        assert public.read_bytes() == content
        public.write_bytes(b"{}")
        development_issuers(path)
        assert public.read_bytes() == content

    def test_it_is_one_key_when_processes_race(self, path: Path) -> None:
        script = (
            "import sys; from pathlib import Path; from chassis.development import development_issuers as make\n"
            "sys.stdin.read(); print(Path(make(Path(sys.argv[1]))[0]['jwks_file']).read_text())"
        )
        root = Path(__file__).resolve().parents[2]
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(path)],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(6)
        ]
        for process in processes:
            assert process.stdin
            process.stdin.close()
            process.stdin = None
        printed = {process.communicate(timeout=60)[0] for process in processes}
        assert len(printed) == 1
        assert json.loads(printed.pop())["keys"][0]["kid"] == json.loads(path.read_bytes())["kid"]
        assert len(list(path.parent.iterdir())) == 2

    def test_it_never_replaces_the_key_of_a_process_that_was_faster(self, path: Path) -> None:
        development_issuers(path)
        content = path.read_bytes()
        development._make_key(path)
        assert path.read_bytes() == content
        assert len(list(path.parent.iterdir())) == 2

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"{}", b'{"kty": "RSA"}'])
    def test_it_says_what_to_do_about_a_broken_file(self, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=r"development-key\.json holds no private key; delete it"):
            development_issuers(path)

    def test_it_does_not_take_a_public_key_for_a_private_one(self, path: Path) -> None:
        public = Path(development_issuers(path)[0]["jwks_file"])
        path.write_text(json.dumps(json.loads(public.read_bytes())["keys"][0]))
        with pytest.raises(ImproperlyConfigured):
            development_issuers(path)


class TestIssuers:
    def test_people_and_services_have_one_each_with_the_same_keys(self, path: Path) -> None:
        (people, services), faults = parse_issuers(development_issuers(path), development=True)
        assert faults == []
        assert (people.name, people.issuer) == ("development", DEVELOPMENT_ISSUER)
        assert (services.name, services.issuer) == ("development-services", DEVELOPMENT_SERVICES_ISSUER)
        assert people.jwks_file == services.jwks_file
        assert (people.organization_claim, people.delegated) == ("organization", False)
        assert (services.organization_claim, services.delegated) == (None, True)

    @pytest.mark.parametrize("number", [0, 1])
    def test_neither_is_accepted_elsewhere(self, path: Path, number: int) -> None:
        issuers, faults = parse_issuers([development_issuers(path)[number]], development=False)
        assert issuers == ()
        assert any("is the development issuer" in fault for fault in faults)


class TestMintedToken:
    def test_it_has_the_shape_of_rfc_9068(self, path: Path) -> None:
        development_issuers(path)
        token = mint(path, subject="dr-lee", organization="st-elsewhere", scopes=["a:read", "b:read"], seconds=60)
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope"} <= set(claims)
        assert claims["exp"] - claims["iat"] == 60
        assert claims["scope"] == "a:read b:read"

    def test_it_passes_the_verification_of_every_issuer(self, path: Path) -> None:
        issuers, _ = parse_issuers(development_issuers(path), development=True)
        token = mint(path, subject="dr-lee", organization="st-elsewhere", scopes=["a:read"], seconds=60)
        caller = Verifier(issuers).verify(token)
        assert (caller.actor, caller.organization) == ("development:dr-lee", "st-elsewhere")
        assert caller.scopes == {"a:read"}

    def test_it_takes_other_claims(self, path: Path) -> None:
        development_issuers(path)
        token = mint(path, subject="s", organization="o", scopes=[], seconds=60, audience="x", token_use="id", sub="t")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["aud"], claims["token_use"], claims["sub"]) == ("x", "id", "t")


class TestServiceToken:
    @pytest.fixture
    def file(self, path: Path) -> Path:
        return path.with_name("clinical-token")

    def keep(self, file: Path, path: Path, **changes: Any) -> str:
        values = {"key": path, "subject": "clinical", "scopes": ["genomics:read"], **changes}
        assert keep_service_token(file, **values) == file
        return file.read_text()

    @pytest.fixture
    def verifier(self, path: Path) -> Verifier:
        return Verifier(parse_issuers(development_issuers(path), development=True)[0])

    def test_it_speaks_for_the_organization_it_is_used_for(self, file: Path, path: Path, verifier: Verifier) -> None:
        caller = verifier.verify(self.keep(file, path), "st-elsewhere")
        assert (caller.actor, caller.organization) == ("development-services:clinical", "st-elsewhere")
        assert caller.scopes == {"genomics:read"}

    def test_it_names_none_and_is_no_persons(self, file: Path, path: Path, verifier: Verifier) -> None:
        token = self.keep(file, path)
        assert "organization" not in jwt.decode(token, options={"verify_signature": False})
        assert refused(verifier, token) == "delegation"
        person = mint(path, subject="dr-lee", organization="st-elsewhere", scopes=[], seconds=60)
        assert verifier.verify(person, "general").organization == "st-elsewhere"

    def test_it_is_readable_by_its_owner_alone_and_nothing_else_is_left(self, file: Path, path: Path) -> None:
        self.keep(file, path)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {each.suffix for each in file.parent.iterdir()} == {".json", ""}
        assert len(list(file.parent.iterdir())) == 3

    def test_it_is_kept_while_half_of_its_thirty_days_is_left(
        self, file: Path, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.keep(file, path)
        now = time.time()
        claims = jwt.decode(first, options={"verify_signature": False})
        assert claims["exp"] - now == pytest.approx(30 * 86_400, abs=60)
        monkeypatch.setattr(time, "time", lambda: now + 14.9 * 86_400)
        assert self.keep(file, path) == first
        monkeypatch.setattr(time, "time", lambda: now + 15.1 * 86_400)
        assert self.keep(file, path) != first

    @pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", b"a.b.c"])
    def test_it_is_made_anew_when_the_file_holds_none(
        self, file: Path, path: Path, verifier: Verifier, content: bytes
    ) -> None:
        file.write_bytes(content)
        assert verifier.verify(self.keep(file, path), "st-elsewhere")

    @pytest.mark.parametrize("changes", [{"scopes": ["genomics:write"]}, {"subject": "reports"}])
    def test_it_is_made_anew_for_other_needs(self, file: Path, path: Path, changes: dict[str, Any]) -> None:
        first = self.keep(file, path)
        assert self.keep(file, path, **changes) != first

    def test_it_is_made_anew_with_a_new_key(self, file: Path, path: Path) -> None:
        first = self.keep(file, path)
        path.unlink()
        second = self.keep(file, path)
        verifier = Verifier(parse_issuers(development_issuers(path), development=True)[0])
        assert second != first
        assert verifier.verify(second, "st-elsewhere")

    def test_a_persons_token_in_its_place_is_replaced(self, file: Path, path: Path) -> None:
        development_issuers(path)
        person = mint(path, subject="clinical", organization="o", scopes=["genomics:read"], seconds=30 * 86_400)
        file.write_text(person)
        assert self.keep(file, path) != person
