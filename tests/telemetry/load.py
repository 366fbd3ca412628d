"""Constant, bounded load on a service: so many requests a second, reads and writes, whatever becomes of them."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from tests.api import Answer, RemoteApi
from tests.worlds import world_of

THREADS = 2
# Of each thread, from one request to the next: an answer may take most of it, and the rate stays what it is.
PERIOD_SECONDS = 0.8
PER_SECOND = THREADS / PERIOD_SECONDS


class Seen(NamedTuple):
    """An answer: when it was asked for (as `time.monotonic` counts), its status, and how long it took."""

    at: float
    status: int
    seconds: float


@dataclass
class Load:
    """Use as a context. `linked` is a patient of clinical and their analysis: while it is set, clinical is asked to link
    the one to the other, in a consultation after the other."""

    api: RemoteApi
    linked: tuple[str, str] | None = None
    seen: list[Seen] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for number in range(THREADS):
            # Apart by so much that no two make the same record.
            self._threads.append(threading.Thread(target=self._ask, args=(1 + number * 1_000_000,), daemon=True))
        for thread in self._threads:
            thread.start()
            time.sleep(PERIOD_SECONDS / THREADS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def since(self, began: float) -> list[Seen]:
        """What was asked for since then, and has been answered."""
        return [each for each in list(self.seen) if each.at >= began]

    def statuses(self, began: float) -> Counter[int]:
        return Counter(each.status for each in self.since(began))

    def _ask(self, first: int) -> None:
        turn = time.monotonic()
        for number in itertools.count(first):
            cycle = self._cycle(number)
            while True:
                asked = time.monotonic()
                answer = next(cycle, None)
                if answer is None:
                    break
                answered = time.monotonic()
                self.seen.append(Seen(asked, answer.status, answered - asked))
                # Who is late asks at once, and makes up for nothing: a burst after a fault would be another load.
                turn = max(turn + PERIOD_SECONDS, answered)
                if self._over.wait(turn - answered):
                    return

    def _cycle(self, number: int) -> Iterator[Answer]:
        """Makes a record, reads it, changes it, and lists its like; what was not made is not asked for."""
        world = world_of(self.api.service)
        collection, body = world.plain(number)
        made = self.api.post(collection, body)
        yield made
        if made.status == 201:
            path = f"{collection}/{made.json['id']}"
            yield self.api.get(path)
            yield self.api.patch(path, world.edits[0], If_Match=made.etag)
        yield self.api.get(f"{collection}?limit=5")
        if self.linked:
            yield from self._link(*self.linked)

    def _link(self, patient: str, analysis: str) -> Iterator[Answer]:
        visit = self.api.post("consultations", {"kind": "AMB", "patient": patient})
        yield visit
        if visit.status == 201:
            path = f"consultations/{visit.json['id']}/genomic-links"
            yield self.api.post(path, {"analysis_id": analysis, "relation": "reviewed"})
