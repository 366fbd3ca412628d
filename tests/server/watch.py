"""Clients that ask a server all the time, so that a test can tell what was answered during a fault and after it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from tests.api import Answer
from tests.servers import Server
from tests.worlds import world_of

_numbers = itertools.count(1)


class Seen(NamedTuple):
    """One answer: when it was asked for, how long it took, and whether a 503 was a problem with `Retry-After`."""

    kind: str
    at: float
    seconds: float
    status: int
    worded: bool


@dataclass
class Fault:
    """The time of a fault; `with` it, and the fault is from there to the end of the block.

    To make one and to mend it take time themselves, during which both kinds of answer are right: `lasts` waits while
    the fault is all there.
    """

    began: float = 0.0
    ended: float = 0.0
    _lasted: tuple[float, float] | None = field(default=None, init=False)

    def lasts(self, seconds: float) -> None:
        begin = time.monotonic()
        time.sleep(seconds)
        self._lasted = (begin, time.monotonic())

    @property
    def there(self) -> tuple[float, float]:
        """From when it was made to when its mending began."""
        return self._lasted or (self.began, self.ended)

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.monotonic()


class Watch:
    """Use as a context: `clients` readers and as many writers, one that asks `/readyz` and one that asks `/livez`."""

    def __init__(self, server: Server, *, clients: int = 4) -> None:
        self.server = server
        self.seen: list[Seen] = []
        self._over = threading.Event()
        tasks: list[tuple[str, Callable[[], Answer]]] = [("read", self._read), ("write", self._write)] * clients
        tasks += [("ready", lambda: server.api.get("/readyz")), ("alive", lambda: server.api.get("/livez"))]
        self._threads = [threading.Thread(target=self._ask, args=task) for task in tasks]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> Answer:
        return self.server.api.get(f"{world_of(self.server.service).plain(0)[0]}?limit=1")

    def _write(self) -> Answer:
        return self.server.api.post(*world_of(self.server.service).plain(next(_numbers)))

    def _ask(self, kind: str, call: Callable[[], Answer]) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                answer = call()
            except OSError:
                answer = Answer(0, {}, b"")  # no answer at all, which no fault of the database excuses
            worded = bool(answer.header("Retry-After")) and answer.header("Content-Type") == "application/problem+json"
            self.seen.append(Seen(kind, began, time.monotonic() - began, answer.status, worded))
            time.sleep(0.02)

    def during(self, fault: Fault, *kinds: str, settle: float = 0.0) -> list[Seen]:
        """What was asked and answered while it was there, from `settle` seconds after its beginning."""
        begin, end = fault.there
        return [s for s in self.seen if s.kind in kinds and s.at >= begin + settle and s.at + s.seconds <= end]

    def after(self, fault: Fault, *kinds: str, settle: float = 0.0) -> list[Seen]:
        """What was asked from `settle` seconds after its end."""
        return [s for s in self.seen if s.kind in kinds and s.at >= fault.ended + settle]

    def slowest(self, fault: Fault, *kinds: str) -> float:
        """Of all whose time overlaps the fault or the second after it."""
        overlapping = (s for s in self.seen if s.kind in kinds and s.at + s.seconds > fault.began)
        return max(s.seconds for s in overlapping if s.at < fault.ended + 1)

    def back(self, fault: Fault, kind: str) -> float:
        """Seconds from its end to the first success."""
        return min(s.at + s.seconds for s in self.after(fault, kind) if s.status < 300) - fault.ended
