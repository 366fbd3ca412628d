"""Request smuggling (RFC 9112 §11.2): whatever two servers could read in two ways is refused, and the connection closed.

Each case ends with a whole second request behind it. Where a server in front took the first one for longer than we do,
that second request would be somebody else's; so it must never be answered, and never be done.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.api import RemoteApi, token
from tests.worlds import World

CHUNKED = b"Transfer-Encoding: chunked"
NO_BODY = b"0\r\n\r\n"


@pytest.fixture
def smuggled(api: RemoteApi, world: World, numbers: Iterator[int]) -> tuple[str, bytes]:
    """The number of a record that is not there, and the request that would make it."""
    number = next(numbers)
    path, body = world.plain(number)
    content = json.dumps(body).encode()
    head = f"POST {api.url_of(path)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return body[world.unique], head.encode() + content


def exchange(api: RemoteApi, raw: bytes) -> bytes:
    """Everything that comes back until the server closes the connection; it does so in ten seconds, or this fails."""
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=10) as connection:
        connection.sendall(raw)
        answer = b""
        try:
            while piece := connection.recv(65_536):
                answer += piece
        except ConnectionResetError:
            pass  # closed with our bytes unread; what had come before counts
        return answer


def is_there(api: RemoteApi, world: World, value: str) -> bool:
    path, _ = world.plain(0)
    found = api.get(f"{path}?limit=200&ordering=-created_at").json["results"]
    return value in [record[world.unique] for record in found]


def first(api: RemoteApi, *lines: bytes, method: bytes = b"POST", target: bytes = b"", body: bytes = b"") -> bytes:
    """The first request: to a route that reads a body, with a token, and these lines in its head."""
    path = target or api.url_of("nothing").encode()
    authorization = f"Authorization: Bearer {token()}".encode()
    head = [method + b" " + path + b" HTTP/1.1", b"Host: localhost", authorization, *lines]
    return b"\r\n".join([*head, b"", b""]) + body


# Of the head: two lengths, no length that both sides would agree on, or lines that not every parser ends where we do.
HEADS: dict[str, list[bytes]] = {
    "CL.TE": [b"Content-Length: 5", CHUNKED],
    "TE.CL": [CHUNKED, b"Content-Length: 5"],
    "two lengths": [b"Content-Length: 0", b"Content-Length: 5"],
    "the same length twice": [b"Content-Length: 5", b"Content-Length: 5"],
    "a list of lengths": [b"Content-Length: 0, 5"],
    "a length with a plus": [b"Content-Length: +5"],
    "a negative length": [b"Content-Length: -5"],
    "a length in hexadecimal": [b"Content-Length: 0x5"],
    "a length with an underscore": [b"Content-Length: 1_0"],
    "a length with a blank in it": [b"Content-Length: 1 0"],
    "an empty length": [b"Content-Length:"],
    "a length in superscript": [b"Content-Length: \xb2"],
    "chunked twice": [CHUNKED, CHUNKED],
    "chunked, chunked": [b"Transfer-Encoding: chunked, chunked"],
    "chunked, identity": [b"Transfer-Encoding: chunked, identity"],
    "chunked, gzip": [b"Transfer-Encoding: chunked, gzip"],
    "identity alone": [b"Transfer-Encoding: identity"],
    "gzip alone": [b"Transfer-Encoding: gzip"],
    "xchunked": [b"Transfer-Encoding: xchunked"],
    "chunked with a quote": [b'Transfer-Encoding: "chunked"'],
    "chunked with a parameter": [b"Transfer-Encoding: chunked;q=1"],
    "chunked after a vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "a blank before the colon": [b"Transfer-Encoding : chunked"],
    "a tab before the colon": [b"Content-Length\t: 5"],
    "a blank before the name": [b" Transfer-Encoding: chunked"],
    "a folded line": [b"Transfer-Encoding:", b" chunked"],
    "a bare LF before it": [b"X: 1\nTransfer-Encoding: chunked"],
    "a bare CR before it": [b"X: 1\rTransfer-Encoding: chunked"],
    "a NUL in a value": [b"X: a\x00b"],
    "a NUL in a name": [b"Content-Length\x00: 5"],
    "a name that is no token": [b"Content-Length(): 5"],
    "a line without a colon": [b"Content-Length 5"],
    "an empty name": [b": 5"],
    "two hosts": [b"Host: elsewhere.example"],
    "an expectation nobody knows": [b"Expect: 200-ok"],
}
BODIES: dict[str, bytes] = {
    "a size with a plus": b"+0\r\n\r\n",
    "a size with 0x": b"0x0\r\n\r\n",
    "a negative size": b"-1\r\n\r\n",
    "a size with a blank before it": b" 0\r\n\r\n",
    "a size with a blank after it": b"0 \r\n\r\n",
    "a size with an underscore": b"0_0\r\n\r\n",
    "no size": b"\r\n\r\n",
    "a size ended by a bare LF": b"0\n\r\n",
    "a chunk longer than it says": b"1\r\nab\r\n0\r\n\r\n",
    "a chunk ended by a bare LF": b"1\r\na\n0\r\n\r\n",
    "an extension with a bare CR": b"0;a\rb\r\n\r\n",
    "an extension with a bare LF": b"0;a\nb\r\n\r\n",
    "an extension that is none": b"0;=\r\n\r\n",
    "a length in the trailers": b"0\r\nContent-Length: 5\r\n\r\n",
    "a coding in the trailers": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a folded trailer": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "a trailer ended by a bare LF": b"0\r\nX: 1\nY: 2\r\n\r\n",
}
LINES: dict[str, bytes] = {
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.10": b"GET / HTTP/1.10\r\nHost: localhost\r\n\r\n",
    "a version in lower case": b"GET / http/1.1\r\nHost: localhost\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tab": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\nHost: localhost\r\n\r\n",
    "a raw NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a raw byte above ASCII in the path": b"GET /\xe9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a chunked body of HTTP/1.0": b"POST / HTTP/1.0\r\nHost: localhost\r\n" + CHUNKED + b"\r\n\r\n" + NO_BODY,
    "a PROXY line": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


class TestWhatCouldBeReadInTwoWays:
    def refused(self, api: RemoteApi, world: World, raw: bytes, smuggled: tuple[str, bytes]) -> None:
        value, second = smuggled
        answer = exchange(api, raw + second)
        assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
        assert answer.count(b"HTTP/1.1 ") == 1, answer
        assert not is_there(api, world, value)

    @pytest.mark.parametrize("case", HEADS)
    def test_a_head_is_refused(self, api: RemoteApi, world: World, smuggled: tuple[str, bytes], case: str) -> None:
        self.refused(api, world, first(api, *HEADS[case]), smuggled)

    @pytest.mark.parametrize("case", LINES)
    def test_a_request_line_is_refused(
        self, api: RemoteApi, world: World, smuggled: tuple[str, bytes], case: str
    ) -> None:
        self.refused(api, world, LINES[case], smuggled)

    @pytest.mark.parametrize("case", BODIES)
    def test_a_chunked_body_is_refused(
        self, api: RemoteApi, world: World, smuggled: tuple[str, bytes], case: str
    ) -> None:
        path, _ = world.plain(0)
        lines = [CHUNKED, b"Content-Type: application/json"]
        raw = first(api, *lines, target=api.url_of(path).encode(), body=BODIES[case])
        self.refused(api, world, raw, smuggled)


class TestWhatIsReadInOneWay:
    def test_a_second_request_is_done_where_the_first_has_ended(
        self, api: RemoteApi, world: World, smuggled: tuple[str, bytes]
    ) -> None:
        """What makes the refusals above worth something: on a sound connection that very request is answered."""
        value, second = smuggled
        for body, line in ((b"", b"Content-Length: 0"), (b"0;a=b\r\nX: 1\r\n\r\n", CHUNKED)):
            answer = exchange(
                api, first(api, line, body=body) + second.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            )
            assert answer.count(b"HTTP/1.1 ") == 2, answer
        assert is_there(api, world, value)

    def test_an_upgrade_to_http_2_is_not_taken(self, api: RemoteApi) -> None:
        """With prior knowledge it is refused, see above: two parsers would be two opinions."""
        upgrade = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"]
        requests = [first(api, *lines, method=b"GET", target=b"/") for lines in (upgrade, [b"Connection: close"])]
        answer = exchange(api, b"".join(requests))
        assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/") == 2

    def test_a_name_with_an_underscore_never_stands_for_one_with_a_hyphen(self, api: RemoteApi, world: World) -> None:
        """A proxy that removes `Transfer-Encoding`, or sets the organization, knows nothing of its twin."""
        path, _ = world.plain(0)
        lines = [b"Content_Length: 5", b"Transfer_Encoding: chunked", b"SCRIPT_NAME: /nothing", b"PATH_INFO: /nothing"]
        raw = first(api, *lines, b"Connection: close", method=b"GET", target=api.url_of(path).encode())
        assert exchange(api, raw).startswith(b"HTTP/1.1 200 ")

    def test_nobody_names_the_scheme_by_a_header(self, api: RemoteApi, world: World, numbers: Iterator[int]) -> None:
        """Links are http until a setting says that a proxy ends TLS; by default gunicorn believes who is on this host."""
        path, body = world.plain(next(numbers))
        headers = {"X_Forwarded_Proto": "https", "X_Forwarded_Protocol": "ssl", "X_Forwarded_Ssl": "on"}
        assert str(api.post(path, body, **headers).header("Location")).startswith("http://127.0.0.1:")

    @pytest.mark.parametrize(
        "target",
        ["http://elsewhere.example{path}", "http://localhost@elsewhere.example{path}", "//elsewhere.example{path}"],
    )
    def test_the_host_of_an_absolute_target_leads_nowhere(self, api: RemoteApi, world: World, target: str) -> None:
        """The Host header decides, for links as for the list of hosts; nobody's links point elsewhere."""
        path, _ = world.plain(0)
        raw = first(api, b"Connection: close", method=b"GET", target=target.format(path=api.url_of(path)).encode())
        answer = exchange(api, raw)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"elsewhere" not in answer
