"""JSON bodies over real sockets: chunked ones are read, early answers reach ordinary clients, connections are given back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api import RemoteApi
from tests.server.clients import CLIENTS, urllib_call
from tests.servers import Server
from tests.worlds import World

LARGE = 20 * 1024 * 1024


@pytest.mark.parametrize("chunked", [False, True], ids=["counted", "chunked"])
@pytest.mark.parametrize("call", CLIENTS)
def test_a_body_that_is_too_large_is_told(api: RemoteApi, world: World, call: Any, chunked: bool) -> None:
    collection, body = world.plain(0)
    large = json.dumps({**body, world.unique: "x" * LARGE}).encode()
    status, content = call(api.url + api.url_of(collection), "POST", large, "application/json", chunked=chunked)
    assert (status, json.loads(content)["code"]) == (413, "too-large")


def test_a_chunked_body_is_read(api: RemoteApi, world: World, numbers: Iterator[int]) -> None:
    collection, body = world.plain(next(numbers))
    url, sent = api.url + api.url_of(collection), json.dumps(body).encode()
    status, content = urllib_call(url, "POST", sent, "application/json", chunked=True)
    assert (status, json.loads(content)[world.unique]) == (201, body[world.unique])


def test_the_pool_is_whole_after_all_of_this(api: RemoteApi, world: World) -> None:
    """As many requests at once as there are connections, each needing one."""
    collection, _ = world.plain(0)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(api.get(collection).status)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16


def test_one_thread_is_enough(server_database: str, api: RemoteApi) -> None:
    """The worker's own look at the database leaves the one connection to the one thread."""
    alone = {"CAREWAY_THREADS": "1", "CAREWAY_WORKERS": "1"}
    running = Server(server_database, alone, service=api.service)
    try:
        assert running.start().api.get("/readyz").status == 200
    finally:
        running.stop()
