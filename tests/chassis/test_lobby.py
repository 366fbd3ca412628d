"""Waiting without a thread, on real sockets; drill/test_slow_sockets.py has hundreds of them on a real server."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from chassis import lobby
from chassis.lobby import Lobby

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere gunicorn's own way is taken")
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

    def __post_init__(self) -> None:
        self.poller = self.stack.enter_context(selectors.DefaultSelector())
        self.listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.lobby = Lobby(self.poller, ready=lambda conn, seen: self.ready.append((conn, seen)), gone=self.gone.append)

    def visitor(self, says: bytes = b"") -> tuple[Conn, socket.socket]:
        """Comes in, having said that."""
        theirs = self.stack.enter_context(socket.create_connection(self.listener.getsockname()))
        ours = self.stack.enter_context(self.listener.accept()[0])
        theirs.sendall(says)
        time.sleep(0.01)
        conn = Conn(ours)
        assert self.lobby.takes(conn)
        self.lobby.receive(conn)
        return conn, theirs

    def turn(self) -> int:
        """One turn of the worker's loop; answers how many events there were."""
        events = self.poller.select(0.1)
        for key, _ in events:
            key.data(key.fileobj)
        self.lobby._swept = 0
        self.lobby.sweep()
        return len(events)


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


def test_a_whole_request_does_not_wait_and_is_still_there_to_be_read(house: House) -> None:
    conn, _ = house.visitor(REQUEST)
    assert house.ready == [(conn, REQUEST)]
    assert conn.sock.recv(1000) == REQUEST
    assert len(house.lobby) == 0


def test_one_that_comes_in_pieces_is_ready_with_the_last(house: House) -> None:
    conn, theirs = house.visitor()
    for start in range(len(REQUEST) - 1):
        theirs.sendall(REQUEST[start : start + 1])
        house.turn()
    assert house.ready == []
    theirs.sendall(REQUEST[-1:])
    house.turn()
    assert house.ready == [(conn, REQUEST)]
    assert conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1


def test_what_is_there_already_wakes_nobody(house: House) -> None:
    """Else the loop would spin on each half request."""
    house.visitor(b"GET / HT")
    assert [house.turn() for _ in range(3)] == [0, 0, 0]


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
    conn, _ = house.visitor(b"x" * lobby.PEEK)
    assert [ready for ready, _ in house.ready] == [conn]


def test_a_full_lobby_sends_away_who_waits_longest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "PLACES", 2)
    (first, theirs), *_ = [house.visitor(b"G") for _ in range(3)]
    assert house.gone == [first]
    assert len(house.lobby) == 2
    assert has_ended(theirs)


def test_who_had_to_go_is_not_called_by_an_event_of_the_same_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby, "PLACES", 1)
    first, theirs = house.visitor(b"G")
    theirs.sendall(b"E")
    events = house.poller.select(1)
    house.visitor(b"G")
    for key, _ in events:
        key.data(key.fileobj)
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
    house.turn()
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


def test_when_the_worker_stops_nobody_waits_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "LAST_SECONDS", 0.05)
    conn, _ = house.visitor()
    house.lobby.sweep(stopping=True)
    assert house.gone == []
    time.sleep(0.1)
    house.turn()
    assert house.gone == [conn]


def test_a_unix_socket_is_not_taken(house: House) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not house.lobby.takes(Conn(ours))
