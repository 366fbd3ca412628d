"""Constant load on a port: reads, writes and repeated writes, each on connections that are kept."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.api import token
from tests.worlds import world_of

PAUSE_SECONDS = 0.01


@dataclass
class Client:
    """One after the other: create with a key, repeat it, change, read, list."""

    port: int
    service: str
    name: int
    over: threading.Event
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _connection: HTTPConnection | None = None

    def run(self) -> None:
        world = world_of(self.service)
        for number in itertools.count(self.name * 1_000_000):
            collection, body = world.plain(number)
            made = self.call("POST", collection, body, 201, Idempotency_Key=f"load-{number}")
            again = self.call("POST", collection, body, 201, Idempotency_Key=f"load-{number}")
            if made and again:
                assert made == again, "the repetition made another record"
                path = f"{collection}/{made['id']}"
                self.call("PATCH", path, world.edits[0], 200, If_Match=f'"{made["version"]}"')
                self.call("GET", path, None, 200)
            self.call("GET", f"{collection}?limit=5", None, 200)
            if self.over.wait(PAUSE_SECONDS):
                break
        if self._connection:
            self._connection.close()

    def call(self, method: str, path: str, body: Any, expected: int, **headers: str) -> Any:
        """The record of the answer; None for a failure, which is counted and not repeated."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        named |= {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}
        connection = self._connection = self._connection or HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/{self.service}/v1/{path}", data, named)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            connection.close()
            self._connection = None
            self.failures.append(f"{method}: {type(error).__name__}")
            return None
        self.counts[method] += 1
        if answer.status != expected:
            self.failures.append(f"{method}: {answer.status}")
            return None
        return json.loads(content)


@contextmanager
def load(port: int, services: Sequence[str], clients: int, *, first: int) -> Iterator[list[Client]]:
    """So many clients for each service, until the context ends; `first` keeps the records of two loads apart."""
    over = threading.Event()
    all_clients = [Client(port, name, first + each, over) for each in range(clients) for name in services]
    threads = [threading.Thread(target=client.run) for client in all_clients]
    for thread in threads:
        thread.start()
    try:
        yield all_clients
    finally:
        over.set()
        for thread in threads:
            thread.join()


def failures(clients: Sequence[Client]) -> list[str]:
    return [failure for client in clients for failure in client.failures]


def answered(clients: Sequence[Client]) -> Counter[str]:
    return sum((client.counts for client in clients), Counter[str]())
