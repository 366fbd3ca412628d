"""Reading under limits, on a real pair of sockets."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.pace import JOINED, Pace, arrival, pace_of


@pytest.fixture
def pair() -> Iterator[tuple[Pace, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Pace(ours), theirs


class TestPace:
    def test_it_reads_without_limits_until_told(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        client.sendall(b"abc")
        assert pace.recv(10) == b"abc"
        assert not pace.limited

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


class TestARequest:
    def test_what_its_client_lets_us_wait_is_added_up(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        pace.begin(0.0)
        for _ in range(2):
            threading.Timer(0.1, client.sendall, [b"ab"]).start()
            assert pace.recv(2) == b"ab"
        assert 0.18 <= pace.waited < 10
        client.sendall(b"cd")
        before = pace.waited
        assert pace.recv(2) == b"cd"  # that was here already
        assert pace.waited == before

    def test_so_is_what_was_waited_in_vain(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, _ = pair
        pace.limit(idle_seconds=0.1, minimum_rate=0, deadline_seconds=10)
        with pytest.raises(TimeoutError):
            pace.recv(1)
        assert pace.waited >= 0.09

    def test_to_send_is_no_wait_for_it(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours, resting=0.05)
            with pytest.raises(TimeoutError):
                pace.sendall(b"x" * 10_000_000)
        assert pace.waited == 0

    def test_the_next_one_begins_at_nothing(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, _ = pair
        pace.waited = 7
        pace.begin(5.0)
        assert (pace.arrived, pace.waited) == (5.0, 0)
        assert arrival({"gunicorn.socket": pace}) == 5.0

    @pytest.mark.parametrize("environ", [{}, {"gunicorn.socket": "of another worker"}])
    def test_without_a_server_of_ours_it_arrives_when_somebody_asks(self, environ: dict[str, str]) -> None:
        before = time.perf_counter()
        assert before <= arrival(environ) <= time.perf_counter()
        assert pace_of(environ) is None


class TestAnswers:
    def test_one_that_is_not_taken_is_given_up(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours, resting=0.05)
            pace.limit(idle_seconds=10, minimum_rate=0, deadline_seconds=10)
            pace.release()
            with pytest.raises(TimeoutError):
                pace.sendall(b"x" * 10_000_000)

    def test_one_that_is_taken_now_and_then_is_given_up_too(self) -> None:
        """The limit is of a piece as a whole, not of each byte."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            over = threading.Event()
            pace = Pace(ours, resting=0.3)
            thread = threading.Thread(target=sip, args=(theirs, over))
            thread.start()
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                pace.sendall(b"x" * 100_000_000)
            over.set()
            thread.join()
            assert 0.2 < time.monotonic() - started < 10

    def test_one_that_is_longer_than_the_buffers_arrives_whole(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        sent = bytes(range(256)) * 20_000
        thread = threading.Thread(target=pace.sendall, args=(sent,))
        thread.start()
        assert receive(client, len(sent)) == sent
        thread.join()

    @pytest.mark.parametrize("size", [1, 3 * JOINED])
    def test_the_head_goes_with_the_content(self, pair: tuple[Pace, socket.socket], size: int) -> None:
        pace, client = pair
        pace.hold()
        pace.sendall(b"head ")
        assert not readable(client)
        thread = threading.Thread(target=pace.sendall, args=(b"x" * size,))
        thread.start()
        assert receive(client, 5 + size) == b"head " + b"x" * size
        thread.join()
        pace.sendall(b"more")  # nothing is held any more
        assert client.recv(10) == b"more"

    def test_what_is_long_is_not_copied_to_be_joined(self) -> None:
        sent = Recorder()
        pace = Pace(sent)
        for size in (1, JOINED):
            pace.hold()
            pace.sendall(b"head ")
            pace.sendall(b"x" * size)
        assert sent.sizes == [6, 5, JOINED]

    def test_a_head_alone_goes_in_the_end(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        pace.hold()
        pace.sendall(b"head")
        pace.flush()
        assert client.recv(10) == b"head"
        pace.flush()
        assert not readable(client)

    def test_what_is_dropped_is_never_sent(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, client = pair
        pace.hold()
        pace.sendall(b"head")
        pace.drop()
        pace.sendall(b"error")
        assert client.recv(10) == b"error"

    def test_a_file_is_sent_after_its_head(self, pair: tuple[Pace, socket.socket], tmp_path: Path) -> None:
        pace, client = pair
        (tmp_path / "file").write_bytes(b"content")
        pace.hold()
        pace.sendall(b"head ")
        with (tmp_path / "file").open("rb") as file:
            pace.sendfile(file, offset=0, count=7)
        assert receive(client, 12) == b"head content"
        assert not pace.getblocking()

    def test_a_file_that_is_not_taken_is_given_up(self, tmp_path: Path) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs, (tmp_path / "file").open("wb+") as file:
            file.truncate(10_000_000)
            with pytest.raises(TimeoutError):
                Pace(ours, resting=0.05).sendfile(file)

    def test_gunicorn_may_limit_what_is_left_of_a_body(self, pair: tuple[Pace, socket.socket]) -> None:
        pace, _ = pair
        pace.settimeout(0.05)
        assert pace.gettimeout() == 0.05
        with pytest.raises(TimeoutError):
            pace.recv(1)


class Recorder:
    """A socket that takes all."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def setblocking(self, blocking: bool) -> None:
        pass

    def send(self, data: memoryview) -> int:
        self.sizes.append(len(data))
        return len(data)


def sip(sock: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.02):
        sock.recv(50_000)


def receive(sock: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += sock.recv(65_536)
    return found


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0.05)[0])
