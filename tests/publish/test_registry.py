"""Logins as others wrote them, and what registries say in their own words."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from docker.registry import Login, Registry, login_for

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ENCODED = base64.b64encode(b"AWS:made-up:with-colons").decode()


def written(file: Path, content: object) -> Path:
    file.write_text(json.dumps(content))
    return file


class TestTheLogin:
    def test_it_is_helms_before_dockers(self, tmp_path: Path) -> None:
        other = base64.b64encode(b"other:made-up").decode()
        helm = written(tmp_path / "helm.json", {"auths": {HOST: {"auth": ENCODED}}})
        docker = written(tmp_path / "docker.json", {"auths": {HOST: {"auth": other}}})
        assert login_for(HOST, (helm, docker)) == Login(helm, "AWS", "made-up:with-colons")

    def test_it_is_dockers_where_helm_has_none_for_this_host(self, tmp_path: Path) -> None:
        helm = written(tmp_path / "helm.json", {"auths": {"registry.example": {"auth": ENCODED}}})
        docker = written(tmp_path / "docker.json", {"auths": {HOST: {"auth": ENCODED}}})
        assert login_for(HOST, (tmp_path / "missing", helm, docker)) == Login(docker, "AWS", "made-up:with-colons")

    @pytest.mark.parametrize("content", [{"credHelpers": {HOST: "test"}}, {"auths": {HOST: {}}, "credsStore": "test"}])
    def test_a_helper_is_asked(self, content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        helper = tmp_path / "docker-credential-test"
        helper.write_text(
            f'#!/bin/sh\n[ "$1 $(cat)" = "get {HOST}" ] && echo \'{{"Username": "AWS", "Secret": "made-up"}}\'\n'
        )
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        file = written(tmp_path / "config.json", content)
        assert login_for(HOST, [file]) == Login(file, "AWS", "made-up")

    @pytest.mark.parametrize("content", [{}, {"auths": {}}, {"credsStore": "that-is-not-installed"}])
    def test_there_may_be_none(self, content: object, tmp_path: Path) -> None:
        assert login_for(HOST, [written(tmp_path / "config.json", content)]) is None


class TestTheExplanation:
    """The words are those that the programs and registries were seen to say."""

    REGISTRY = Registry(HOST, "team", None, Login(Path("x"), "AWS", "made-up"))

    @pytest.mark.parametrize(
        ("said", "begins"),
        [
            (
                "name unknown: The repository with name 'team/careway' does not exist in the registry with id '123456789012'",
                f"There is no repository {HOST}/team/careway, and {HOST} makes none by itself: create it first",
            ),
            (
                f"Error: unexpected status from POST request to https://{HOST}/v2/team/careway/blobs/uploads/: 404 Not Found",
                f"There is no repository {HOST}/team/careway, and",
            ),
            (
                "The image tag '0.1.0' already exists in the 'team/careway' repository and cannot be overwritten because "
                "the tag is immutable.",
                f"{HOST}/team/careway has this version already",
            ),
            (
                "denied: Your authorization token has expired. Reauthenticate and try again.",
                f"{HOST} refuses the login of AWS",
            ),
            ("unauthorized: authentication required", f"{HOST} refuses the login of AWS"),
            ("no basic auth credentials", f"{HOST} refuses the login of AWS"),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "The certificate of"),
            (
                "read: connection reset by peer",
                f"{HOST} did not take {HOST}/team/careway: read: connection reset by peer",
            ),
        ],
    )
    def test_it_says_what_to_do(self, said: str, begins: str) -> None:
        assert self.REGISTRY.explained("careway", said).startswith(begins)

    def test_a_digest_is_no_status(self) -> None:
        """Digests hold the digits of every status."""
        said = "blob sha256:a401b403 was cut off"
        assert self.REGISTRY.explained("careway", said).endswith(said)


class TestAProgram:
    """Helm, Docker and buildah each have a variable for the logins; a stand-in writes down what it is given."""

    def test_it_gets_the_login_and_the_authority(self, tmp_path: Path) -> None:
        login = Login(tmp_path / "helm" / "config.json", "AWS", "made-up")
        told = tmp_path / "told"
        Registry(HOST, "team", tmp_path / "ca.pem", login).run("careway", "sh", "-c", f"env > {told}")
        assert set(told.read_text().splitlines()) >= {
            f"HELM_REGISTRY_CONFIG={login.file}",
            f"REGISTRY_AUTH_FILE={login.file}",
            f"DOCKER_CONFIG={tmp_path}/helm",
            f"SSL_CERT_FILE={tmp_path}/ca.pem",
        }

    def test_its_trouble_is_explained(self) -> None:
        with pytest.raises(SystemExit, match=f"^{HOST} refuses whoever has no login: helm registry login {HOST}$"):
            Registry(HOST, "team", None, None).run("careway", "sh", "-c", "echo denied: not authorized >&2; exit 1")
