"""What a registry holds, and who may ask it: the part of publishing that neither the builder nor helm does.

The protocol and both ways of logging in are python-dxf's. Trouble ends the program with a sentence that says what to do.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import requests
from dxf import DXF, DXFBase, PaginatingResponse, hash_bytes
from dxf.exceptions import DXFUnauthorizedError

MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
# The configuration of what is no image, as OCI 1.1 has it.
EMPTY_TYPE, EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
TIMEOUT_SECONDS = 60

# What registries and the programs that speak to them say, and what to do about it. The first that fits.
TROUBLE = {
    r"x509|certificate.verify.failed|unknown authority": (
        "The certificate of {host} is of an authority that is not known here: name its file (PEM) in CAREWAY_REGISTRY_CA."
    ),
    r"immutable|cannot be overwritten": (
        "{repository} has this version already, and does not overwrite it: raise the version in pyproject.toml, or set TAG."
    ),
    # Helm keeps the registry's own words to itself.
    r"name.unknown|does not exist in the registry|blobs/uploads/\"?: (404|EOF)": (
        "There is no repository {repository}, and {host} makes none by itself: create it first, then repeat this. "
        "What was pushed stays and is not pushed again."
    ),
    r"\b40[13]\b|unauthori[sz]ed|denied|no basic auth|not authori[sz]ed|authentication required": (
        "{host} refuses {who}: helm registry login {host}{trust}"
    ),
}


class Login(NamedTuple):
    """Its file is of Docker's form, whoever wrote it: helm, Docker and buildah can all be given it."""

    file: Path
    username: str
    password: str


def login_for(host: str, files: Iterable[Path]) -> Login | None:
    """From the first file that has one."""
    for file in files:
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if encoded := known.get("auths", {}).get(host, {}).get("auth"):
            username, _, password = base64.b64decode(encoded).decode().partition(":")
            return Login(file, username, password)
        helper = known.get("credHelpers", {}).get(host) or known.get("credsStore")
        if helper and (answer := _answer_of(helper, host)):
            return Login(file, answer["Username"], answer["Secret"])
    return None


def _answer_of(helper: str, host: str) -> dict[str, str]:
    """Docker's credential helpers, such as ecr-login, are programs. One that is missing or knows nothing is no login."""
    words = [f"docker-credential-{helper}", "get"]
    try:
        return dict(json.loads(subprocess.run(words, input=host, capture_output=True, text=True, check=True).stdout))
    except (OSError, subprocess.CalledProcessError):
        return {}


class Manifest(NamedTuple):
    """What a tag or a digest stands for. The digest is of the bytes that the registry served."""

    digest: str
    size: int
    content: dict[str, Any]


@dataclass(frozen=True)
class Registry:
    """`prefix` is what comes before the names of repositories, and may be empty."""

    host: str
    prefix: str
    authority: Path | None
    login: Login | None

    def repository(self, name: str) -> str:
        return "/".join(part for part in (self.host, self.prefix, name) if part)

    def explained(self, name: str, said: str) -> str:
        """What to do about the trouble that a program had with a repository, and its own words where nobody knows."""
        who = f"the login of {self.login.username}, which may have ended" if self.login else "whoever has no login"
        trust = f" --ca-file {self.authority}" if self.authority else ""
        for pattern, sentence in TROUBLE.items():
            if re.search(pattern, said, re.IGNORECASE):
                return sentence.format(host=self.host, repository=self.repository(name), who=who, trust=trust)
        return f"{self.host} did not take {self.repository(name)}: {said.strip()[-1000:]}"

    def run(self, name: str, *words: str) -> None:
        """Helm, Docker or buildah, for a repository, with this login. Which authorities Docker trusts its daemon alone knows."""
        given = {}
        if self.login:
            file = self.login.file
            given = {"HELM_REGISTRY_CONFIG": file, "REGISTRY_AUTH_FILE": file, "DOCKER_CONFIG": file.parent}
        if self.authority:
            given["SSL_CERT_FILE"] = self.authority.absolute()
        command = ["env", *(f"{variable}={path}" for variable, path in given.items()), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(self.explained(name, done.stderr or done.stdout))

    def manifest(self, name: str, reference: str) -> Manifest | None:
        """Also None where the repository itself is not there."""
        with self._opened(name) as client:
            return _manifest(client, reference)

    def blob(self, name: str, digest: str) -> bytes:
        with self._opened(name) as client:
            return b"".join(cast("Iterable[bytes]", client.pull_blob(digest)))

    def referrers(self, name: str, subject: str, kind: str) -> list[str]:
        """The digests of the documents of a kind that belong to an image."""
        with self._opened(name) as client:
            listed = _listed(client, subject)
            if listed is None:
                listed = _listed_by_tag(client, subject)
        return [each["digest"] for each in listed if each.get("artifactType") == kind]

    def attach(self, name: str, subject: Manifest, document: Path, kind: str) -> str:
        """Makes a document belong to an image, as a referrer of OCI 1.1: by its digest alone, and under no tag."""
        content = document.read_bytes()
        layer = {**_described(content, kind), "annotations": {"org.opencontainers.image.title": document.name}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": _described(EMPTY, EMPTY_TYPE),
            "layers": [layer],
            "subject": {"mediaType": subject.content["mediaType"], "digest": subject.digest, "size": subject.size},
        }
        written = _described(json.dumps(manifest).encode(), MANIFEST)
        with self._opened(name) as client:
            for blob in (EMPTY, content):
                # Bytes, and not pieces as the type has it: so their length is sent, which some registries want.
                client.push_blob(data=cast("Iterable[bytes]", blob), digest=hash_bytes(blob))
            client.set_manifest(written["digest"], json.dumps(manifest))
            if _listed(client, subject.digest) is None:
                entries = [*_listed_by_tag(client, subject.digest), {**written, "artifactType": kind}]
                index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
                client.set_manifest(_tag_of_list(subject.digest), json.dumps(index))
        return str(written["digest"])

    @contextmanager
    def _opened(self, name: str) -> Iterator[DXF]:
        path = self.repository(name).partition("/")[2]
        verify = str(self.authority) if self.authority else True
        try:
            with DXF(self.host, path, self._log_in, tlsverify=verify, timeout=TIMEOUT_SECONDS) as client:
                yield client
        except (DXFUnauthorizedError, requests.exceptions.SSLError) as error:
            raise SystemExit(self.explained(name, f"{type(error).__name__}: {error}")) from None
        except requests.HTTPError as error:
            said = error.response.text if error.response is not None else ""
            raise SystemExit(self.explained(name, f"{error} {said}")) from None
        except requests.ConnectionError as error:
            raise SystemExit(f"{self.host} does not answer: {error}") from None

    def _log_in(self, client: DXFBase, response: requests.Response) -> None:
        known = self.login
        client.authenticate(known.username if known else None, known.password if known else None, response=response)


def _manifest(client: DXF, reference: str) -> Manifest | None:
    try:
        _, response = client.get_manifest_and_response(reference)
    except requests.HTTPError as error:
        if _status(error) == requests.codes.not_found:
            return None
        raise
    # The media type may stand in the header alone.
    content = {"mediaType": response.headers["Content-Type"], **response.json()}
    return Manifest(hash_bytes(response.content), len(response.content), content)


def _described(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": hash_bytes(content), "size": len(content)}


def _status(error: requests.HTTPError) -> int:
    return error.response.status_code if error.response is not None else 0


# --- Registries that list no referrers, such as distribution: the client keeps the list, under a tag -------------------


def _listed(client: DXF, subject: str) -> list[Any] | None:
    """None where the registry keeps no such list: it has no such address, or answers with a page for people."""
    try:
        return list(PaginatingResponse(client, "_request", f"referrers/{subject}", "manifests"))
    except requests.HTTPError as error:
        if _status(error) == requests.codes.forbidden:
            raise
    except (requests.exceptions.JSONDecodeError, KeyError):
        pass
    return None


def _listed_by_tag(client: DXF, subject: str) -> list[Any]:
    index = _manifest(client, _tag_of_list(subject))
    return list(index.content["manifests"]) if index else []


def _tag_of_list(subject: str) -> str:
    return subject.replace(":", "-")
