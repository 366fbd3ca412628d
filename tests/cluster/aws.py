"""A double of AWS STS and Secrets Manager, for External Secrets: who may assume a role is checked, and what it may read.

The doubles that are libraries let anybody assume any role, and that nobody can is what is to be proven here. Signatures
of requests are not verified: a request counts as the role's whose access key it names.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

import jwt

AUDIENCE = "sts.amazonaws.com"
ASSUMED = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>made-up</SecretAccessKey>
<SessionToken>made-up</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
<SubjectFromWebIdentityToken>{subject}</SubjectFromWebIdentityToken></AssumeRoleWithWebIdentityResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"""
REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>{why}</Message></Error><RequestId>1</RequestId></ErrorResponse>"""


@dataclass(frozen=True)
class Role:
    """`subjects` may assume it, as the cluster's tokens name service accounts; it may read `secrets` and no others."""

    arn: str
    subjects: tuple[str, ...]
    secrets: tuple[str, ...]


@dataclass
class SecretsManager:
    """Use as a context. `key_set` answers the cluster's own, as STS would have read it from the issuer."""

    address: str
    key_set: Callable[[], str]
    roles: list[Role] = field(default_factory=list)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    _sessions: dict[str, Role] = field(default_factory=dict)
    _keys: dict[str | None, jwt.PyJWK] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer((self.address, 0), _handler(self))
        self.url = f"http://{self.address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def assume(self, arn: str, token: str) -> tuple[int, str]:
        """STS: AssumeRoleWithWebIdentity."""
        try:
            subject = str(self._claims(token)["sub"])
        except jwt.PyJWTError as error:
            return 403, REFUSED.format(why=self._refuse(f"{type(error).__name__}: {error}"))
        for role in self.roles:
            if role.arn == arn and subject in role.subjects:
                key = f"ASIA{secrets.token_hex(8).upper()}"
                self._sessions[key] = role
                return 200, ASSUMED.format(key=key, subject=subject)
        return 403, REFUSED.format(why=self._refuse(f"{subject} may not assume {arn}"))

    def _claims(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid")
        # Read anew for a key that is not known: to read it is a process each time, and External Secrets ask all the time.
        if kid not in self._keys:
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_json(self.key_set()).keys}
        if kid not in self._keys:
            raise jwt.InvalidKeyError("no key of the cluster signed this token")
        return dict(jwt.decode(token, self._keys[kid].key, algorithms=["RS256", "ES256"], audience=AUDIENCE))

    def read(self, access_key: str, name: str) -> tuple[int, dict[str, Any]]:
        """Secrets Manager: GetSecretValue."""
        role = self._sessions.get(access_key)
        if role is None or name not in role.secrets:
            who = role.arn if role else "an unknown access key"
            why = f"{who} may not perform secretsmanager:GetSecretValue on {name}"
            return 400, {"__type": "AccessDeniedException", "Message": self._refuse(why)}
        if name not in self.values:
            return 400, {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the secret."}
        return 200, {"Name": name, "VersionId": "1" * 32, "SecretString": json.dumps(self.values[name])}

    def _refuse(self, why: str) -> str:
        self.refusals.append(why)
        return why


def _handler(manager: SecretsManager) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # a controller that was ended; no fault of the proof
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            target = self.headers.get("X-Amz-Target", "")
            if target == "secretsmanager.GetSecretValue":
                key = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
                status, answer = manager.read(key[1] if key else "", json.loads(body)["SecretId"])
                self._answer(status, "application/x-amz-json-1.1", json.dumps(answer))
                return
            form = parse_qs(body)
            if form.get("Action") == ["AssumeRoleWithWebIdentity"]:
                self._answer(*_as_xml(manager.assume(form["RoleArn"][0], form["WebIdentityToken"][0])))
                return
            self._answer(400, "text/plain", f"the double does not know {target or form.get('Action')}")

        def _answer(self, status: int, media_type: str, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    return Handler


def _as_xml(answer: tuple[int, str]) -> tuple[int, str, str]:
    return answer[0], "text/xml", answer[1]
