"""HTTP clients that nobody here wrote, each called in the same way; a body is counted or chunked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import httpx2
import pytest

from tests.api import token


def pieces(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def urllib_call(url: str, method: str, body: bytes, content_type: str, *, chunked: bool) -> tuple[int, bytes]:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=60)
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": content_type}
    connection.request(
        method, f"/{path}", body=pieces(body) if chunked else body, headers=headers, encode_chunked=chunked
    )
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


def httpx2_call(url: str, method: str, body: bytes, content_type: str, *, chunked: bool) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": content_type}
    answer = httpx2.request(method, url, content=pieces(body) if chunked else body, headers=headers, timeout=60)
    return answer.status_code, answer.content


def curl_call(url: str, method: str, body: bytes, content_type: str, *, chunked: bool) -> tuple[int, bytes]:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    command = [
        "curl",
        "-sS",
        "-X",
        method,
        "--data-binary",
        "@-",
        "-w",
        "\n%{http_code}",
        "-H",
        f"Authorization: Bearer {token()}",
    ]
    command += ["-H", f"Content-Type: {content_type}", *(["-H", "Transfer-Encoding: chunked"] if chunked else []), url]
    done = subprocess.run(command, input=body, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    content, _, status = done.stdout.rpartition(b"\n")
    return int(status), content


CLIENTS: list[Callable[..., tuple[int, bytes]]] = [urllib_call, httpx2_call, curl_call]
