"""Request bodies read from the socket, with an end in sight: chunked or counted, never waiting for ever, never cut unnoticed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

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
        self._socket = environ.get("gunicorn.socket")
        self.chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        self.declared = None if self.chunked else int(environ.get("CONTENT_LENGTH") or 0)
        self.received = 0
        self.finished = self.declared == 0
        self._idle = idle_seconds
        self._rate = minimum_rate
        self._deadline = deadline_seconds
        environ["careway.body"] = self

    def __iter__(self) -> Iterator[bytes]:
        started = time.monotonic()
        while not self.finished:
            piece = self._read(self._idle)
            if piece:
                yield piece
            elapsed = time.monotonic() - started
            slow = elapsed > self._idle and self.received < self._rate * elapsed
            if not self.finished and (slow or elapsed > self._deadline):
                self.finished = True
                raise Problem("timeout")

    def discard(self) -> None:
        """Reads and drops what is left, up to 32 MiB or 10 seconds; the server then closes the connection if more is left."""
        until = time.monotonic() + DISCARD_SECONDS
        limit = self.received + DISCARD_BYTES
        while not self.finished and self.received < limit and (left := until - time.monotonic()) > 0:
            try:
                self._read(left)
            except Problem:
                self.finished = True

    def _read(self, seconds: float) -> bytes:
        wanted = PIECE if self.declared is None else min(PIECE, self.declared - self.received)
        if self._socket is not None:
            self._socket.settimeout(seconds)
        try:
            piece: bytes = self._input.read(wanted)
        except TimeoutError:
            self.finished = True  # who stalled once is not waited for again
            raise Problem("timeout") from None
        except Exception as error:  # gunicorn's own errors about chunks, and any OSError of the socket
            raise Problem(
                "malformed-body", "The connection ended, or its chunks broke, before the body's end."
            ) from error
        finally:
            if self._socket is not None:
                self._socket.settimeout(None)
        self.received += len(piece)
        if len(piece) < wanted:
            if self.declared is not None and self.received < self.declared:
                raise Problem("malformed-body", "The connection ended before the body did.")
            self.finished = True
        elif self.declared is not None and self.received >= self.declared:
            self.finished = True
        return piece
