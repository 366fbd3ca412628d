"""A process with four threads, of which one subject gets two: what holds a thread counts, however it ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.api import RemoteApi, token
from tests.routes import operations
from tests.servers import Server
from tests.worlds import World

LIMITED = {"CAREWAY_WORKERS": "1", "CAREWAY_THREADS": "4", "CAREWAY_REQUESTS_PER_SUBJECT": "2"}


@pytest.fixture(scope="module")
def limited(server_database: str) -> Iterator[Server]:
    running = Server(server_database, LIMITED).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def okafor(limited: Server, service: str) -> RemoteApi:
    return limited.api.as_(service=service)


def unfinished(api: RemoteApi, method: str, path: str, media_type: str, content: bytes) -> socket.socket:
    """A request whose body does not come to its end: its thread waits for it."""
    port = int(api.url.rsplit(":", 1)[1])
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    lines = [
        f"{method} {api.url_of(path)} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token(api.subject, api.organization, api.scopes)}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(content) + 1000}",
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)
    return connection


def held(api: RemoteApi, method: str, path: str, media_type: str = "application/json", content: bytes = b"{") -> Any:
    """The same once it holds a thread: what was let in is not answered, and a second is long for a refusal."""
    while True:
        connection = unfinished(api, method, path, media_type, content)
        connection.settimeout(1)
        try:
            assert connection.recv(12) == b"HTTP/1.1 429"  # it met a request that was just ending
        except TimeoutError:
            return connection
        connection.close()


def becomes(api: RemoteApi, path: str, status: int) -> bool:
    """Whether the answer has that status within five seconds: a thread needs a moment to notice an end."""
    until = time.monotonic() + 5
    while (found := api.get(path).status) != status and time.monotonic() < until:
        time.sleep(0.05)
    return found == status


class TestOneSubject:
    def test_it_never_takes_all_threads(self, okafor: RemoteApi, world: World) -> None:
        path, _ = world.plain(0)
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(held(okafor, "POST", path))
            refused = okafor.get(path)
            assert (refused.status, refused.json["code"], refused.header("Retry-After")) == (
                429,
                "too-many-requests",
                "1",
            )
            assert okafor.as_(subject="dr-lee").get(path).status == 200
            assert okafor.get("/readyz").status == 200
        # Both clients have gone, in the middle of their bodies.
        assert becomes(okafor, path, 200)

    def test_one_that_is_refused_holds_no_thread_by_a_slow_body(self, okafor: RemoteApi, world: World) -> None:
        path, _ = world.plain(0)
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(held(okafor, "POST", path))
            started = time.monotonic()
            third = stack.enter_context(unfinished(okafor, "POST", path, "application/json", b"{"))
            answer = b"".join(iter(lambda: third.recv(65_536), b""))  # up to the end of the connection
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert time.monotonic() - started < 10
        assert becomes(okafor, path, 200)

    def test_a_file_that_is_still_arriving_counts(self, okafor: RemoteApi, world: World) -> None:
        if not world.streamed:
            pytest.skip("the service reads no body while it arrives")
        media_type, content = world.streamed
        path, _ = world.plain(0)
        here = okafor.as_(organization="a-slow-line")
        records = world.build(here)
        streams = [each for each in operations() if each.action in getattr(each.view, "streaming_actions", ())]
        (operation,) = [each for each in streams if each.service == here.service]
        with ExitStack() as stack:
            stack.enter_context(held(here, "POST", path))
            stack.enter_context(held(here, operation.method, operation.path(records), media_type, content))
            assert here.get(path).status == 429
        assert becomes(here, path, 200)
