"""Waiting without a thread, on real sockets; drill/test_slow_sockets.py has hundreds of them on a real server."""

from __future__ import annotations

import gc
import select
import selectors
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from chassis import lobby
from chassis.lobby import Lobby

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="elsewhere gunicorn's own way is taken")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Conn:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def close(self) -> None:
        self.sock.close()


@dataclass
class House:
    """A lobby, its listener, and what became of those who came."""

    stack: ExitStack
    ready: list[tuple[Any, bytes]] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    keepalive: float = 30.0

    def __post_init__(self) -> None:
        self.others = self.stack.enter_context(selectors.DefaultSelector())
        self.listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.lobby = Lobby(
            self.others.fileno(),
            keepalive=self.keepalive,
            ready=lambda conn, seen: self.ready.append((conn, seen)),
            gone=self.gone.append,
        )
        self.stack.callback(self.lobby.close)

    def visitor(self, says: bytes = b"") -> tuple[Conn, socket.socket]:
        """Comes in, having said that."""
        theirs = self.stack.enter_context(socket.create_connection(self.listener.getsockname()))
        ours = self.stack.enter_context(self.listener.accept()[0])
        theirs.sendall(says)
        conn = Conn(ours)
        self.lobby.admit(conn)
        if says:
            self.turn()
        return conn, theirs

    def turn(self) -> bool:
        """One turn of the worker's loop; answers whether the others have something."""
        others = self.lobby.turn(0.1)
        self.lobby._swept = 0
        self.lobby.sweep()
        return others


def has_ended(theirs: socket.socket) -> bool:
    """Where something was sent that nobody read, it is a reset."""
    try:
        return theirs.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def house() -> Iterator[House]:
    with ExitStack() as stack:
        yield House(stack)


def test_a_whole_request_does_not_wait_and_is_handed_over(house: House) -> None:
    conn, _ = house.visitor(REQUEST)
    assert house.ready == [(conn, REQUEST)]
    assert house.lobby.waiting == 0


def test_one_that_comes_in_pieces_is_ready_with_the_last(house: House) -> None:
    conn, theirs = house.visitor()
    for start in range(len(REQUEST) - 1):
        theirs.sendall(REQUEST[start : start + 1])
        house.turn()
    assert house.ready == []
    assert house.lobby.waiting == 1
    theirs.sendall(REQUEST[-1:])
    house.turn()
    assert house.ready == [(conn, REQUEST)]


def test_what_is_read_wakes_nobody_again(house: House) -> None:
    """Else the loop would spin on each half request."""
    house.visitor(b"GET / HT")
    started = time.monotonic()
    house.lobby.turn(0.1)
    assert time.monotonic() - started > 0.09


def test_what_a_thread_has_is_left_to_it(house: House) -> None:
    """A body belongs to the thread that reads it."""
    conn, theirs = house.visitor(REQUEST)
    theirs.sendall(b"body")
    house.turn()
    assert conn.sock.recv(100) == b"body"
    assert house.ready == [(conn, REQUEST)]


def test_it_tells_when_the_others_have_something(house: House) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        house.others.register(ours, selectors.EVENT_READ)
        assert house.turn() is False
        theirs.sendall(b"x")
        assert house.turn() is True


class TestBetweenRequests:
    def test_the_next_request_is_handed_over(self, house: House) -> None:
        conn, theirs = house.visitor(REQUEST)
        house.lobby.rest(conn)
        assert (house.lobby.resting, house.lobby.waiting) == (1, 0)
        theirs.sendall(REQUEST)
        house.turn()
        assert house.ready == [(conn, REQUEST)] * 2
        assert house.lobby.resting == 0

    def test_one_that_has_come_already_is_handed_over(self, house: House) -> None:
        conn, theirs = house.visitor(REQUEST)
        theirs.sendall(REQUEST)
        house.lobby.rest(conn)
        house.turn()
        assert len(house.ready) == 2

    def test_another_thread_may_put_it_back_while_the_loop_waits(self, house: House) -> None:
        conn, theirs = house.visitor(REQUEST)
        thread = threading.Timer(0.05, house.lobby.rest, [conn])
        thread.start()
        theirs.sendall(REQUEST)
        house.lobby.turn(5)
        thread.join()
        assert len(house.ready) == 2

    def test_half_of_the_next_request_waits_for_the_rest(self, house: House) -> None:
        conn, theirs = house.visitor(REQUEST)
        house.lobby.resume(conn, REQUEST[:10])
        assert (house.lobby.resting, house.lobby.waiting, len(house.ready)) == (0, 1, 1)
        theirs.sendall(REQUEST[10:])
        house.turn()
        assert house.ready == [(conn, REQUEST)] * 2

    def test_a_client_that_leaves_costs_no_thread(self, house: House) -> None:
        conn, theirs = house.visitor(REQUEST)
        house.lobby.rest(conn)
        theirs.close()
        house.turn()
        assert (house.gone, len(house.ready)) == ([conn], 1)

    def test_it_is_not_kept_for_ever(self) -> None:
        with ExitStack() as stack:
            house = House(stack, keepalive=0.05)
            conn, theirs = house.visitor(REQUEST)
            house.lobby.rest(conn)
            time.sleep(0.1)
            house.turn()
            assert house.gone == [conn]
            assert has_ended(theirs)


@pytest.mark.parametrize(("says", "limit"), [(b"", "SILENT_SECONDS"), (b"GET", "HEADER_SECONDS")])
def test_who_takes_too_long_has_to_go(house: House, monkeypatch: pytest.MonkeyPatch, says: bytes, limit: str) -> None:
    monkeypatch.setattr(lobby, limit, 0.05)
    conn, theirs = house.visitor(says)
    house.turn()
    assert house.gone == [conn]
    assert has_ended(theirs)


def test_a_byte_now_and_then_does_not_lengthen_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "HEADER_SECONDS", 0.3)
    conn, theirs = house.visitor(b"G")
    until = time.monotonic() + 0.6
    while not house.gone and time.monotonic() < until:
        theirs.sendall(b"x")
        house.turn()
    assert house.gone == [conn]


def test_half_a_request_that_ends_is_the_parsers(house: House) -> None:
    conn, theirs = house.visitor(b"GET")
    theirs.shutdown(socket.SHUT_WR)
    house.turn()
    assert house.ready == [(conn, b"GET")]


def test_long_headers_are_read_on_by_a_thread(house: House) -> None:
    conn, theirs = house.visitor(b"x" * lobby.HEAD)
    until = time.monotonic() + 5
    while not house.ready and time.monotonic() < until:
        house.turn()
    assert house.ready == [(conn, b"x" * lobby.HEAD)]
    theirs.sendall(b"y")
    house.turn()
    assert conn.sock.recv(10) == b"y"


def test_a_full_lobby_sends_away_who_waits_longest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "PLACES", 2)
    (first, theirs), *_ = [house.visitor(b"G") for _ in range(3)]
    assert house.gone == [first]
    assert house.lobby.waiting == 2
    assert has_ended(theirs)


def test_who_had_to_go_is_not_called_by_an_event_of_the_same_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, theirs = house.visitor(b"G")
    second, others = house.visitor(REQUEST)
    monkeypatch.setattr(lobby, "PLACES", 1)
    house.lobby.rest(second)
    others.sendall(b"G")  # from now on it waits for the rest: the first has to go
    theirs.sendall(b"E")
    house.turn()
    assert house.gone == [first]


def test_one_that_leaves_hears_the_answer_though_it_still_sends(house: House) -> None:
    conn, theirs = house.visitor(REQUEST)
    conn.sock.sendall(b"answer")
    house.lobby.dismiss(conn)
    theirs.sendall(b"x" * 100_000)
    house.turn()
    assert theirs.recv(100) == b"answer"
    assert house.gone == []
    theirs.close()
    until = time.monotonic() + 5
    while not house.gone and time.monotonic() < until:
        house.turn()
    assert house.gone == [conn]


def test_one_that_does_not_leave_is_put_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "FAREWELL_SECONDS", 0.05)
    conn, theirs = house.visitor(REQUEST)
    house.lobby.dismiss(conn)
    until = time.monotonic() + 0.5
    while not house.gone and time.monotonic() < until:
        theirs.sendall(b"x")
        house.turn()
    assert house.gone == [conn]


def test_one_that_was_closed_by_its_thread_is_gone_and_its_number_free(house: House) -> None:
    conn, _ = house.visitor(REQUEST)
    number = conn.sock.fileno()
    conn.sock.close()
    with socket.create_connection(house.listener.getsockname()) as theirs:
        ours, _ = house.listener.accept()
        newcomer = Conn(ours if theirs.fileno() != number else theirs)
        assert newcomer.sock.fileno() == number
        house.lobby.admit(newcomer)
        house.lobby.dismiss(conn)
        assert house.gone == [conn]
        (theirs if newcomer.sock is ours else ours).sendall(REQUEST)
        house.turn()
        assert house.ready[-1] == (newcomer, REQUEST)
        ours.close()


@pytest.mark.parametrize("state", ["waiting", "resting"])
def test_when_the_worker_stops_nobody_waits_long(house: House, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setattr(lobby, "LAST_SECONDS", 0.05)
    conn, _ = house.visitor(b"" if state == "waiting" else REQUEST)
    if state == "resting":
        house.lobby.rest(conn)
    house.lobby._swept = 0
    house.lobby.sweep(stopping=True)
    assert house.gone == []
    time.sleep(0.1)
    house.turn()
    assert house.gone == [conn]


def test_one_that_has_gone_leaves_nothing_behind() -> None:
    """A few kilobytes of each connection would be kept until the garbage collector comes round."""
    with ExitStack() as stack:
        ours, theirs = socket.socketpair()
        house = House(stack)
        conn = Conn(ours)
        house.lobby.admit(conn)
        theirs.close()
        gc.disable()
        stack.callback(gc.enable)
        house.turn()
        assert house.gone.pop() is conn
        gone = weakref.ref(conn)
        del conn
        assert gone() is None
