"""chassis/streams.py; what the server's own sockets do is in tests/server/."""

from __future__ import annotations

import io
import socket
from typing import Any

import pytest

from chassis import streams
from chassis.pace import Pace
from chassis.problems import Problem
from chassis.streams import PIECE, BodyReader


class Broken(io.BytesIO):
    """Fails with `error` once `good` bytes have been read."""

    def __init__(self, good: bytes, error: Exception) -> None:
        super().__init__(good)
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) or self._fail()

    def _fail(self) -> bytes:
        raise self.error


class Steady:
    """Gives what it is asked for, and takes a second of the test's own clock for it."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock

    def read(self, size: int) -> bytes:
        self.clock[0] += 1
        return bytes(size)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that time.monotonic() tells."""
    seconds = [0.0]
    monkeypatch.setattr("chassis.streams.time.monotonic", lambda: seconds[0])
    return seconds


def environ(source: Any, length: int | None = None, **more: Any) -> dict[str, Any]:
    counted = {} if length is None else {"CONTENT_LENGTH": str(length)}
    return {"wsgi.input": source, **counted, **more}


def reader(source: Any, length: int | None = None, **more: Any) -> BodyReader:
    return BodyReader(environ(source, length, **more), idle_seconds=5)


def chunked(source: Any, **options: Any) -> BodyReader:
    return BodyReader(environ(source, HTTP_TRANSFER_ENCODING="chunked"), idle_seconds=5, **options)


class TestACountedBody:
    def test_it_is_read_to_its_length_and_not_beyond(self) -> None:
        body = reader(io.BytesIO(b"abcdef"), 4)
        assert b"".join(body) == b"abcd"
        assert body.finished
        assert body.received == body.declared == 4

    def test_it_comes_in_pieces_of_at_most_64_kib(self) -> None:
        sizes = [len(piece) for piece in reader(io.BytesIO(bytes(PIECE * 2 + 1)), PIECE * 2 + 1)]
        assert sizes == [PIECE, PIECE, 1]

    @pytest.mark.parametrize("length", [None, 0])
    def test_an_empty_one_is_finished_at_once(self, length: int | None) -> None:
        body = reader(Broken(b"", AssertionError("was read")), length)
        assert list(body) == []
        assert body.finished

    def test_one_cut_short_is_noticed(self) -> None:
        with pytest.raises(Problem) as refused:
            list(reader(io.BytesIO(b"abc"), 4))
        assert refused.value.code == "malformed-body"


class TestAChunkedBody:
    def test_it_is_read_to_its_end_whatever_content_length_says(self) -> None:
        body = BodyReader(environ(io.BytesIO(b"abc"), 0, HTTP_TRANSFER_ENCODING="Chunked"), idle_seconds=5)
        assert body.declared is None
        assert b"".join(body) == b"abc"
        assert body.finished

    def test_an_empty_one_ends(self) -> None:
        assert list(chunked(io.BytesIO())) == []

    def test_broken_chunks_are_a_malformed_body(self) -> None:
        with pytest.raises(Problem) as refused:
            list(chunked(Broken(bytes(PIECE), ValueError("chunk"))))
        assert refused.value.code == "malformed-body"


class TestASlowBody:
    def test_silence_is_a_timeout(self) -> None:
        with pytest.raises(Problem) as refused:
            list(reader(Broken(b"", TimeoutError()), 4))
        assert refused.value.code == "timeout"

    def test_a_reset_connection_is_a_malformed_body(self) -> None:
        with pytest.raises(Problem) as refused:
            list(reader(Broken(b"", ConnectionResetError()), 4))
        assert refused.value.code == "malformed-body"

    def test_the_socket_is_limited_while_it_is_read_and_free_after(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours)
            theirs.sendall(b"abcd")
            members = {"gunicorn.socket": pace}
            seen = [pace.limited for _ in BodyReader(environ(Source(pace), 4, **members), idle_seconds=5)]
            assert seen == [True]
            assert not pace.limited

    def test_it_is_ended_by_the_pace(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pace = Pace(ours)
            body = BodyReader(environ(Source(pace), 4, **{"gunicorn.socket": pace}), idle_seconds=0.05)
            with pytest.raises(Problem) as refused:
                list(body)
            assert refused.value.code == "timeout"
            assert body.finished
            assert not pace.limited


class Source:
    """Reads from a socket as gunicorn does: until it has what was asked for."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size and (data := self.pace.recv(size - len(found))):
            found += data
        return found


class TestDiscarding:
    def test_it_reads_what_is_left(self) -> None:
        source = io.BytesIO(bytes(PIECE * 3))
        body = reader(source, PIECE * 3)
        next(iter(body))
        body.discard()
        assert body.finished
        assert source.tell() == PIECE * 3

    def test_it_stops_at_32_mib(self) -> None:
        class Endless:
            def read(self, size: int) -> bytes:
                return bytes(size)

        body = chunked(Endless())
        body.discard()
        assert not body.finished
        assert body.received == streams.DISCARD_BYTES

    def test_it_stops_after_10_seconds(self, clock: list[float]) -> None:
        body = reader(Steady(clock), PIECE * 100)
        body.discard()
        assert not body.finished
        assert clock[0] == streams.DISCARD_SECONDS

    def test_it_hides_a_broken_connection(self) -> None:
        body = reader(Broken(b"", ConnectionResetError()), 4)
        body.discard()
        assert body.finished


class TestTheReader:
    def test_it_leaves_itself_for_the_middleware(self) -> None:
        source = environ(io.BytesIO(b""), 0)
        assert BodyReader(source, idle_seconds=5) is source["careway.body"]
