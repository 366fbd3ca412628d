"""A client of the API for tests, in the process or over a socket: tokens, JSON, ETags."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings
from django.test import Client

from chassis.development import mint

ALL = tuple(settings.SCOPES)


@cache
def token(
    subject: str = "dr-okafor", organization: str = "st-elsewhere", scopes: tuple[str, ...] = ALL, seconds: int = 3600
) -> str:
    """A token of the development issuer."""
    return mint(
        settings.STATE / "development-key.json",
        subject=subject,
        organization=organization,
        scopes=scopes,
        seconds=seconds,
    )


@cache
def shared_client() -> Client:
    """One a process: a client of its own would load the middleware, and with it every static file's name, once more."""
    return Client()


@dataclass
class Answer:
    """Status, headers (case-insensitive by `.header`) and body of a response."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    def header(self, name: str) -> str | None:
        return {key.lower(): value for key, value in self.headers.items()}.get(name.lower())

    @property
    def etag(self) -> str:
        tag = self.header("ETag")
        assert tag, self.content
        return tag


@dataclass
class Api:
    """Calls as one subject of one organization; `path` is relative to the service's prefix unless it starts with `/`."""

    service: str = ""
    subject: str = "dr-okafor"
    organization: str = "st-elsewhere"
    scopes: tuple[str, ...] = ALL
    client: Client = field(default_factory=shared_client)

    def as_(self, **changes: Any) -> Self:
        """The same client as somebody else."""
        return replace(self, **changes)

    def url_of(self, path: str) -> str:
        assert self.service or path.startswith("/"), "a path below a service needs `service`"
        return path if path.startswith("/") else f"/{self.service}/v1/{path}"

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Answer:
        authorization = {"Authorization": f"Bearer {token(self.subject, self.organization, self.scopes)}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method,
            self.url_of(path),
            data,
            content_type=content_type if data else "",
            headers={**authorization, **named},
        )
        content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]  # there when it streams
        return Answer(response.status_code, dict(response.headers), content)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("PATCH", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, **headers)

    def move(self, path: str, to: str, reason: str = "") -> Answer:
        """A transition from the record's current version."""
        return self.post(f"{path}/transitions", {"to": to, "reason": reason}, If_Match=self.get(path).etag)


@dataclass
class RemoteApi(Api):
    """The same over a socket, by urllib."""

    url: str = ""
    timeout: float = 60

    def bearer(self) -> str:
        """The token that it shows; of the development issuer."""
        return token(self.subject, self.organization, self.scopes)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.bearer()}"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            named["Content-Type"] = content_type
        request = Request(self.url + self.url_of(path), data=data, method=method, headers=named)
        try:
            with urlopen(request, timeout=self.timeout) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())
