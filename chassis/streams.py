"""Request bodies read from the socket, with an end in sight: chunked or counted, never waiting for ever, never cut unnoticed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from .pace import pace_of
from .problems import Problem

PIECE = 64 * 1024
# An answer that is known before the body's end still reads this much of it, so that an ordinary client, which writes
# the whole body before it reads, sees the problem and not a broken pipe.
DISCARD_BYTES = 32 * 1024 * 1024
DISCARD_SECONDS = 10.0


class BodyReader:
    """Iterates over a body's bytes in pieces of at most 64 KiB.

    `declared` is the Content-Length, or None for a chunked body. Iterating raises Problem `timeout` when no byte comes
    for `idle_seconds`, when the average falls below `minimum_rate` bytes a second (after the first idle_seconds) or
    when `deadline_seconds` are over; `malformed-body` when the connection ends before the body does (RFC 9112 §8).
    """

    def __init__(
        self, environ: dict[str, Any], *, idle_seconds: float, minimum_rate: int = 0, deadline_seconds: float = 300.0
    ) -> None:
        self._input = environ["wsgi.input"]
        self._pace = pace_of(environ)
        self.chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        self.declared = None if self.chunked else int(environ.get("CONTENT_LENGTH") or 0)
        self.received = 0
        self.finished = self.declared == 0
        self.broken = False
        self._limits: dict[str, Any] = {
            "idle_seconds": idle_seconds,
            "minimum_rate": minimum_rate,
            "deadline_seconds": deadline_seconds,
        }
        environ["careway.body"] = self  # the middleware finishes what nobody read to the end

    def __iter__(self) -> Iterator[bytes]:
        if self._pace:
            self._pace.limit(**self._limits)
        try:
            while not self.finished:
                if piece := self._read():
                    yield piece
        finally:
            if self._pace:
                self._pace.release()

    def discard(self, seconds: float = DISCARD_SECONDS) -> None:
        """Reads and drops what is left, up to 32 MiB or so long; the server then closes the connection if more is left."""
        until = time.monotonic() + seconds
        limit = self.received + DISCARD_BYTES
        if self._pace:
            self._pace.limit(idle_seconds=seconds, minimum_rate=0, deadline_seconds=seconds)
        while not self.finished and self.received < limit and time.monotonic() < until:
            try:
                self._read()
            except Problem:
                self.finished = self.broken = True
        if self._pace:
            self._pace.release()
            if self.broken or not self.finished:
                self._pace.give_up()

    def _read(self) -> bytes:
        wanted = PIECE if self.declared is None else min(PIECE, self.declared - self.received)
        try:
            piece: bytes = self._input.read(wanted)
        except TimeoutError:
            self.finished = self.broken = True  # who stalled once is not waited for again
            raise Problem("timeout") from None
        except Exception as error:  # gunicorn's own errors about chunks, and any OSError of the socket
            raise Problem(
                "malformed-body", "The connection ended, or its chunks broke, before the body's end."
            ) from error
        self.received += len(piece)
        if len(piece) < wanted:
            if self.declared is not None and self.received < self.declared:
                raise Problem("malformed-body", "The connection ended before the body did.")
            self.finished = True
        elif self.declared is not None and self.received >= self.declared:
            self.finished = True
        return piece
