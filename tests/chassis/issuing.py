"""What an issuer does, for tests: make keys, publish them in a file or over HTTP, and sign whatever it is told to."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from chassis.issuers import Issuer
from chassis.problems import Problem
from chassis.tokens import REASONS, Verifier

ISS = "https://identity.example/realm"
ABSENT = object()
MAKERS: dict[str, Any] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
MAKER_OF = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}


def encoded(part: Any) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    """One key pair of an issuer."""

    kid: str | None
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        public = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**public, **({"kid": self.kid} if self.kid else {}), "use": "sig"}

    @property
    def pem(self) -> bytes:
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def sign(self, header: dict[str, Any], claims: Any) -> str:
        """A token of exactly that header and those claims, however wrong, with a true signature."""
        message = f"{encoded(header)}.{encoded(claims)}"
        signature = get_default_algorithms()[self.algorithm].sign(message.encode(), self.private)
        return f"{message}.{encoded(signature)}"

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """An acceptable access token, except for what is changed; ABSENT removes a member."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISS,
            "sub": "dr-lee",
            "aud": "careway",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "scope": "genomics:read genomics:write",
            "organization": "st-elsewhere",
        } | changes
        members = {"typ": "at+jwt", "alg": self.algorithm, "kid": self.kid or ABSENT, **(header or {})}
        return self.sign(
            {name: value for name, value in members.items() if value is not ABSENT},
            {name: value for name, value in claims.items() if value is not ABSENT},
        )


@cache
def signer(kid: str | None = "one", algorithm: str = "RS256", copy: int = 0) -> Signer:
    """The same key for the same arguments: making one takes a while. `copy` tells apart keys of one id."""
    return Signer(kid, algorithm, MAKERS[MAKER_OF.get(algorithm, "RSA")]())


def key_document(*signers: Signer) -> bytes:
    return json.dumps({"keys": [each.jwk for each in signers]}).encode()


def file_issuer(folder: Path, *signers: Signer, **changes: Any) -> Issuer:
    """An issuer whose keys are in a file; the members that a test does not care about are filled in."""
    path = folder / "keys.json"
    path.write_bytes(key_document(*signers))
    return issuer(jwks_file=str(path), **changes)


def issuer(**changes: Any) -> Issuer:
    elsewhere = {"organization", "delegated"} & changes.keys()
    organization = {} if elsewhere else {"organization_claim": "organization"}
    return Issuer(**{"name": "identity", "issuer": ISS, "audiences": ("careway",), **organization, **changes})


def refused(verifier: Verifier, token: str, organization: str | None = None) -> str:
    """The reason, after a look at the words of the 401."""
    with pytest.raises(Problem) as caught:
        verifier.verify(token, organization)
    problem = caught.value
    assert (problem.code, problem.kind.status) == ("unauthenticated", 401)
    challenge = f'Bearer error="invalid_token", error_description="{problem.detail}"'
    assert problem.headers == {"WWW-Authenticate": challenge}
    return next(reason for reason, words in REASONS.items() if words == problem.detail)


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class KeyServer:
    """A real HTTP server on this machine that answers as its attributes say, and counts who asks."""

    def __init__(self, *signers: Signer) -> None:
        self.document = key_document(*signers)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.open = threading.Event()  # an answer waits until it is set
        self.open.set()
        self.paths: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    @property
    def requests(self) -> int:
        return len(self.paths)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.paths.append(self.path)
                answers.open.wait(20)
                self.send_response(answers.status)
                for name, value in {"Content-Length": str(len(answers.document)), **answers.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(answers.document)
                except OSError:
                    self.close_connection = True  # whoever asked has had enough

            def log_message(self, *_: Any) -> None:
                """Silence."""

        return Handler
