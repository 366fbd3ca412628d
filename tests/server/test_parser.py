"""What the HTTP parser refuses before a request exists is a problem too, and repeats nothing of what was sent."""

from __future__ import annotations

import json
import socket

import pytest

from tests.servers import Server

CANARY = "CANARY-47"


def exchange(server: Server, raw: bytes) -> tuple[bytes, bytes]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (f"{CANARY} / HTTP/9.9\r\n\r\n", 400, "bad-request"),
        (f"GET /{CANARY * 1000} HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "uri-too-long"),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\n{CANARY} : x\r\n\r\n", 400, "bad-request"),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {CANARY * 2000}\r\n\r\n", 431, "headers-too-large"),
        ("GET / HTTP/1.1\r\n" + "".join(f"X-{n}: {CANARY}\r\n" for n in range(100)) + "\r\n", 431, "headers-too-large"),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "bad-request",
        ),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, "bad-request"),
    ],
)
def test_it_words_what_is_no_request(server: Server, raw: str, status: int, code: str) -> None:
    head, body = exchange(server, raw.encode())
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), head
    assert b"Content-Type: application/problem+json" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"Cache-Control: no-store" in head
    assert json.loads(body)["code"] == code
    assert CANARY.encode() not in head + body


def test_it_words_a_host_that_is_not_ours(server: Server) -> None:
    head, body = exchange(server, b"GET /problems HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "bad-request"
    assert b"Server: gunicorn" in head.split(b"\r\n")  # and no version
