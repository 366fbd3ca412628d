"""Many clients at once on the production server: exactly once, and no lost update, in every service."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.api import Answer, RemoteApi
from tests.worlds import World


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    """Calls in as many threads, let loose together."""
    gate = threading.Barrier(count)

    def run(number: int) -> Answer:
        gate.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def path(api: RemoteApi, world: World, numbers: Iterator[int]) -> str:
    """Where a new record is."""
    collection, body = world.plain(next(numbers))
    made = api.post(collection, body)
    assert made.status == 201, made.content
    return f"{collection}/{made.json['id']}"


class TestIdempotency:
    def test_it_does_fifty_identical_posts_once(
        self, api: RemoteApi, world: World, numbers: Iterator[int], server_database: str
    ) -> None:
        collection, body = world.plain(next(numbers))

        def post(_: int) -> Answer:
            return api.post(collection, body, Idempotency_Key="retry-50")

        # A waiter that the lock time-out reaches is told to come back; when it does, it gets the same answer.
        answers = [answer if answer.status == 201 else post(0) for answer in at_once(50, post)]
        assert {(answer.status, answer.content, answer.etag, answer.header("Location")) for answer in answers} == {
            (201, answers[0].content, answers[0].etag, answers[0].header("Location"))
        }
        assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
        with psycopg.connect(server_database) as connection:
            same = f"SELECT count(*) FROM {world.table} WHERE {world.unique} = %s"
            assert connection.execute(same, [body[world.unique]]).fetchone() == (1,)


class TestLostUpdates:
    def test_it_lets_one_of_twenty_writers_win(self, api: RemoteApi, world: World, path: str) -> None:
        edits = list(world.edits)
        assert len(edits) > 1
        answers = at_once(20, lambda number: api.patch(path, edits[number % len(edits)], If_Match='"1"'))
        assert Counter(answer.status for answer in answers) == {200: 1, 412: 19}
        winner = next(answer for answer in answers if answer.status == 200)
        assert api.get(path).json == winner.json
        assert winner.json["version"] == 2

    def test_it_lets_one_of_twenty_transitions_win(self, api: RemoteApi, world: World, path: str) -> None:
        answers = at_once(20, lambda _: api.post(f"{path}/transitions", world.first_move, If_Match='"1"'))
        assert Counter(answer.status for answer in answers) == {200: 1, 412: 19}
        again = api.post(f"{path}/transitions", world.first_move, If_Match=api.get(path).etag)
        assert (again.status, again.json["code"]) == (409, "illegal-transition")

    def test_it_refuses_what_is_unique_to_all_but_one(
        self, api: RemoteApi, world: World, numbers: Iterator[int]
    ) -> None:
        collection, body = world.plain(next(numbers))
        answers = at_once(10, lambda _: api.post(collection, body))
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 9}
