"""Reading under limits, on a real pair of sockets."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator

import pytest

from chassis.pace import PACES, Pace


@pytest.fixture
def pair() -> Iterator[tuple[Pace, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Pace(ours), theirs


class TestPace:
    def test_it_is_found_by_its_socket(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert PACES.get(ours) is None
            pace = Pace(ours)
            assert pace is PACES[ours]

    def test_it_is_forgotten_with_its_connection(self) -> None:
        """A few kilobytes of each connection would be kept for ever."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours)
            gone = weakref.ref(pace)
            del pace
            gc.collect()
            assert gone() is None
            assert ours not in PACES

    def test_it_reads_without_limits_until_told(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        client.sendall(b"abc")
        assert pace.recv(10) == b"abc"
        assert pace.gettimeout() is None

    def test_it_ends_what_is_idle(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, _ = pair
        pace.limit(idle_seconds=0.05, minimum_rate=0, deadline_seconds=10)
        with pytest.raises(TimeoutError):
            pace.recv(10)

    def test_headers_that_do_not_end_are_an_end(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        pace.limit_headers(0.05)
        client.sendall(b"G")
        assert pace.recv(10) == b"G"
        assert pace.recv(10) == b""
        pace.limit(idle_seconds=0.05, minimum_rate=0, deadline_seconds=10)
        with pytest.raises(TimeoutError):
            pace.recv(10)

    def test_it_ends_what_is_slow(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        over = threading.Event()

        def trickle() -> None:
            while not over.wait(0.02):
                client.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        pace.limit(idle_seconds=0.2, minimum_rate=10_000, deadline_seconds=60)
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            deque(iter(lambda: pace.recv(1), b""), maxlen=0)
        over.set()
        thread.join()
        assert time.monotonic() - started < 10

    def test_it_ends_what_is_past_its_deadline(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        client.sendall(b"x" * 1000)
        pace.limit(idle_seconds=10, minimum_rate=0, deadline_seconds=0.05)
        time.sleep(0.1)
        with pytest.raises(TimeoutError):
            pace.recv(1)

    def test_it_forgets_its_limits(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        pace.limit(idle_seconds=0.01, minimum_rate=10**9, deadline_seconds=0.01)
        time.sleep(0.02)
        pace.release()
        client.sendall(b"y")
        assert pace.recv(1) == b"y"

    def test_between_limits_a_write_has_its_own(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours, resting=0.05)
            pace.limit(idle_seconds=10, minimum_rate=0, deadline_seconds=10)
            pace.release()
            with pytest.raises(TimeoutError):
                ours.sendall(b"x" * 10_000_000)
