"""The issuer of development: its key appears once, whole and private; its tokens pass the same verification."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from chassis import development
from chassis.development import development_issuer, mint, private_key_beside
from chassis.issuers import DEVELOPMENT_ISSUER, parse_issuers
from chassis.jwks import keys_in
from chassis.tokens import Verifier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "development-key.json"


class TestKey:
    def test_it_is_made_on_first_start_and_kept(self, path: Path) -> None:
        first = development_issuer(path)
        content = path.read_bytes()
        assert development_issuer(path) == first
        assert path.read_bytes() == content

    def test_it_is_readable_by_its_owner_alone(self, path: Path) -> None:
        development_issuer(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_leaves_nothing_else_behind(self, path: Path) -> None:
        development_issuer(path)
        assert {file.name for file in path.parent.iterdir()} == {"development-key.json", "development-key.jwks.json"}

    def test_it_publishes_the_public_half_alone(self, path: Path) -> None:
        public = Path(development_issuer(path)["jwks_file"])
        (raw,) = json.loads(public.read_bytes())["keys"]
        assert set(raw) == {"kty", "kid", "use", "alg", "n", "e"}
        (key,) = keys_in(public.read_bytes())
        assert key.public.key_size == 2048
        assert private_key_beside(str(public)) == path

    def test_it_publishes_it_again_when_that_was_lost_or_changed(self, path: Path) -> None:
        public = Path(development_issuer(path)["jwks_file"])
        content = public.read_bytes()
        public.unlink()
        development_issuer(path)
        assert public.read_bytes() == content
        public.write_bytes(b"{}")
        development_issuer(path)
        assert public.read_bytes() == content

    def test_it_is_one_key_when_processes_race(self, path: Path) -> None:
        script = (
            "import sys; from pathlib import Path; from chassis.development import development_issuer as make\n"
            "sys.stdin.read(); print(Path(make(Path(sys.argv[1]))['jwks_file']).read_text())"
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
        development_issuer(path)
        content = path.read_bytes()
        development._make_key(path)
        assert path.read_bytes() == content
        assert len(list(path.parent.iterdir())) == 2

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"{}", b'{"kty": "RSA"}'])
    def test_it_says_what_to_do_about_a_broken_file(self, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=r"development-key\.json holds no private key; delete it"):
            development_issuer(path)

    def test_it_does_not_take_a_public_key_for_a_private_one(self, path: Path) -> None:
        public = Path(development_issuer(path)["jwks_file"])
        path.write_text(json.dumps(json.loads(public.read_bytes())["keys"][0]))
        with pytest.raises(ImproperlyConfigured):
            development_issuer(path)


class TestIssuer:
    def test_it_is_accepted_in_development_and_refused_elsewhere(self, path: Path) -> None:
        raw = development_issuer(path)
        (issuer,), faults = parse_issuers([raw], development=True)
        assert (issuer.name, issuer.issuer, faults) == ("development", DEVELOPMENT_ISSUER, [])
        issuers, (fault,) = parse_issuers([raw], development=False)
        assert issuers == ()
        assert "development issuer" in fault


class TestMintedToken:
    def test_it_has_the_shape_of_rfc_9068(self, path: Path) -> None:
        development_issuer(path)
        token = mint(path, subject="dr-lee", organization="st-elsewhere", scopes=["a:read", "b:read"], seconds=60)
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope"} <= set(claims)
        assert claims["exp"] - claims["iat"] == 60
        assert claims["scope"] == "a:read b:read"

    def test_it_passes_the_verification_of_every_issuer(self, path: Path) -> None:
        issuers, _ = parse_issuers([development_issuer(path)], development=True)
        token = mint(path, subject="dr-lee", organization="st-elsewhere", scopes=["a:read"], seconds=60)
        caller = Verifier(issuers).verify(token)
        assert (caller.actor, caller.organization) == ("development:dr-lee", "st-elsewhere")
        assert caller.scopes == {"a:read"}

    def test_it_takes_other_claims(self, path: Path) -> None:
        development_issuer(path)
        token = mint(path, subject="s", organization="o", scopes=[], seconds=60, audience="x", token_use="id", sub="t")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["aud"], claims["token_use"], claims["sub"]) == ("x", "id", "t")
