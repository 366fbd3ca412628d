"""Drives every operation of a service over HTTP, on success and into every error that a client can cause, with canaries
in bodies, names of members, queries, paths and headers."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.canaries import Canaries, PlantingApi, nest_of, writable_members
from tests.routes import Operation, operations
from tests.worlds import Records

# Whatever a client or a proxy may send; what the API reads of them is refused, the others it has to leave alone.
HEADERS = (
    "Accept", "Accept-Language", "Baggage", "Careway-Organization", "Content-Digest", "Content-Encoding", "Content-Type",
    "Cookie", "Expect", "Forwarded", "From", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "Origin",
    "Range", "Referer", "Traceparent", "Tracestate", "Transfer-Encoding", "User-Agent", "Via", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Patient", "X-Request-Id",
)  # fmt: skip


class Sweep:
    """One service on one server; `run` is all of it, in the order in which the records allow it."""

    def __init__(self, api: PlantingApi) -> None:
        self.api = api
        self.canary: Canaries = api.canaries
        self.operations = [operation for operation in operations() if operation.service == api.service]
        self.records: Records = {}

    def run(self) -> None:
        self.records = nest_of(self.api.service).plant(self.api, self.canary)
        self.read()
        nest_of(self.api.service).break_files(self.api, self.canary, self.records)
        self.break_bodies()
        self.miss()
        self.break_queries()
        self.break_paths()
        self.break_headers()
        self.break_http()
        self.move()

    def read(self) -> None:
        """Everything, as its owner, as another organization, and with too small a token."""
        for operation in self._reading():
            path = operation.path(self.records)
            for reader in (
                self.api,
                self.api.as_(organization="st-other"),
                self.api.as_(subject="dr-nobody", scopes=()),
            ):
                reader.get(path)

    def break_bodies(self) -> None:
        """Each member with another type, another form and another name; then what is no JSON at all."""
        for operation in self.operations:
            if operation.takes_json:
                path, headers = operation.path(self.records), self._version(operation)
                for body in self._bad_bodies(operation):
                    self.api.call(operation.method, path, body, **headers)
                for raw in self._no_json(operation):
                    self.api.call(operation.method, path, raw, **headers)

    def _bad_bodies(self, operation: Operation) -> list[dict[str, Any]]:
        word = self.canary.word
        route = "/" + operation.route.removeprefix(f"{operation.service}/v1/")
        shape = "/".join("{}" if part.startswith("<") else part for part in route.split("/"))
        bodies: list[dict[str, Any]] = [{word(f"{operation} unknown member"): word(f"{operation} unknown value")}]
        for path, member, _ in dict.fromkeys((path, name, "") for path, name, _ in writable_members(operation.service)):
            if path == shape:
                where = f"{operation} {member}"
                outer, _, inner = member.partition(".")
                values: list[Any] = [word(where), self.canary.id(where)]
                if operation.method != "PUT":  # read by the same rules as a POST
                    values += [{word(where): word(where)}, [word(where), 1], word(where) * 200, f"{word(where)}\x00"]
                bodies += [{outer: [{inner: value}] if inner else value} for value in values]
        return bodies

    def _no_json(self, operation: Operation) -> list[bytes]:
        word = [self.canary.word(f"{operation} no JSON").encode() for _ in range(5)]
        return [
            word[0],
            b'{"a": "' + word[1],
            b'{"a": "' + word[2] + b'\xff"}',
            b'{"%b": 1, "%b": 2}' % (word[3], word[3]),
            b'["%b"]' % word[4],
        ]

    def miss(self) -> None:
        """A version that is none, and a method that a route does not have."""
        for operation in self.operations:
            if operation.needs_version:
                body = {"to": self.canary.word(f"{operation} stale")} if operation.takes_json else None
                self.api.call(operation.method, operation.path(self.records), body, If_Match='"999"')
            if operation.action == "list":
                self.api.call("PUT", operation.path(self.records), {"a": self.canary.word(f"PUT {operation}")})

    def break_queries(self) -> None:
        """A canary as each parameter's value, as an unknown one's name, and twice."""
        word = self.canary.word
        for operation in self._reading():
            path = operation.path(self.records)
            declared = [each["name"] for each in operation.documented().get("parameters", []) if each["in"] == "query"]
            for name in (*declared, "unknown"):
                where = f"{operation} ?{name}"
                self.api.get(f"{path}?{name}={word(where)}")
                self.api.get(f"{path}?{name}={word(where)}&{name}={word(where)}")
                self.api.get(f"{path}?{name}={word(where)}%00%0a")
            self.api.get(f"{path}?{word(f'{operation} unknown parameter')}=1")

    def break_paths(self) -> None:
        word = self.canary.word
        for operation in self.operations:
            path = operation.path(self.records)
            self.api.call(operation.method, f"{path}/{word('path')}")
            self.api.call(operation.method, path.rsplit("/", 1)[0] + f"/{word('path')}%0A")
        self.api.get(f"/{word('path')}")
        self.api.get(f"/static/{word('path')}")
        self.api.get(f"/{self.api.service}/v1/{word('path')}/%00")

    def break_headers(self) -> None:
        """Each header with a canary, on a read and on a write; those of HTTP itself go out as they are."""
        for operation in self.operations:
            if operation.action not in {"retrieve", "create"}:
                continue
            for name in HEADERS:
                self._raw(operation.method, operation.path(self.records), {name: self._header(name, operation)})
            odd = {"Authorization": f"Bearer {self.canary.word(f'{operation} Authorization')}"}
            self._raw(operation.method, operation.path(self.records), odd)
            self._raw(operation.method, operation.path(self.records), {"Host": self.canary.word("Host")})
        self._raw(self.canary.word("method"), operation.path(self.records), {})

    def _header(self, name: str, operation: Operation) -> str:
        word = self.canary.word(f"{operation} {name}")
        forms = {
            "Accept": f"text/{word}",
            "Baggage": f"patient={word}",
            "Content-Type": f"text/{word}",
            "If-Match": f'"{word}"',
            "Referer": f"https://ehr.example/{word}?a={word}",
            "Traceparent": f"00-{word}",
            "Tracestate": f"vendor={word}",
        }
        return forms.get(name, word)

    def _raw(self, method: str, path: str, headers: dict[str, str]) -> None:
        address = urlsplit(self.api.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=20)
        named = {"Authorization": f"Bearer {self.api.bearer()}", "Content-Type": "application/json", **headers}
        if "Tracestate" in headers:
            named["Traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        with suppress(OSError):
            connection.request(method, path, body=json.dumps({"a": 1}) if method == "POST" else None, headers=named)
            answer = connection.getresponse()
            self.api.answers[answer.status] = self.api.answers.get(answer.status, 0) + 1
            said = answer.read().decode() if answer.status >= 400 else ""
            self.api.leaks += [f"{method} {path} with {[*headers]}: {told}" for told in self.canary.told(said)]
        connection.close()

    def break_http(self) -> None:
        """What is refused before it is a request: read by the server itself."""
        word = self.canary.word
        head = f"POST /{self.api.service}/v1/{word('raw path')} HTTP/1.1\r\nHost: localhost\r\n"
        for text in (
            f"{word('raw line')}\r\n\r\n",
            f"GET /{word('raw line')} HTTP/9.9\r\nHost: localhost\r\n\r\n",
            f"GET /{word('raw line') * 2000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            f"{head}{word('raw header name')}\r\n\r\n",
            f"{head}Bad {word('raw header name')}: x\r\n\r\n",
            f"{head}X-Long: {word('raw header') * 4000}\r\n\r\n",
            f"{head}Content-Length: {word('raw length')}\r\n\r\n",
            f"{head}Transfer-Encoding: {word('raw coding')}\r\n\r\n",
            f"{head}Transfer-Encoding: chunked\r\n\r\n{word('raw chunk size')}\r\nabc\r\n",
            f"{head}Content-Length: 500\r\n\r\n{word('raw half body')}",
        ):
            address = urlsplit(self.api.url)
            with socket.create_connection((str(address.hostname), address.port), timeout=20) as line:
                line.sendall(text.encode())
                line.shutdown(socket.SHUT_WR)
                with suppress(OSError):
                    answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
                    self.api.leaks += [f"{text[:60]}: {told}" for told in self.canary.told(answer)]

    def move(self) -> None:
        """Every target of every machine, legal or not, with a reason; the last is the end of the record."""
        for operation in self.operations:
            if operation.action == "transitions":
                content = operation.documented()["requestBody"]["content"]["application/json"]["schema"]
                targets = content["properties"]["to"]["enum"]
                for target in sorted(targets, key=lambda name: name == "entered-in-error"):
                    reason = self.canary.word(f"{operation} reason")
                    body = {"to": target, "reason": reason}
                    self.api.post(operation.path(self.records), body, **self._version(operation))
            if operation.action == "destroy":
                self.api.delete(operation.path(self.records), **self._version(operation))

    def _version(self, operation: Operation) -> dict[str, str]:
        if not operation.needs_version:
            return {}
        answer = self.api.get(operation.record_path(self.records))
        return {"If_Match": answer.etag} if answer.status == 200 else {"If_Match": '"1"'}

    def _reading(self) -> list[Operation]:
        return [each for each in self.operations if each.method == "GET" and not each.is_open]
