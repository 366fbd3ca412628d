"""The mark and the wait, in a process that stands for gunicorn's master; tests/server/test_drain.py has the real one."""

from __future__ import annotations

import mmap
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chassis import draining


class Master:
    """What gunicorn's master has of this: a queue of signals, and a handler that its loop looks up."""

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.stopped = 0

    def signal(self, number: int, _frame: Any) -> None:
        self.queue.append(number)

    def handle_term(self) -> None:
        self.stopped += 1
        raise StopIteration

    def loop(self) -> None:
        """One turn."""
        while self.queue:
            assert self.queue.pop(0) == signal.SIGTERM
            self.handle_term()


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[Master]:
    monkeypatch.setattr(draining, "_mark", mmap.mmap(-1, 1))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    yield Master()
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_marks_at_once_and_stops_after_the_wait(master: Master) -> None:
    draining.wrap_sigterm(master, 1)
    assert not draining.is_draining()
    os.kill(os.getpid(), signal.SIGTERM)
    assert draining.is_draining()
    master.loop()
    assert not master.stopped
    time.sleep(1.2)
    with pytest.raises(StopIteration):
        master.loop()


def test_a_second_signal_stops_at_once(master: Master) -> None:
    draining.wrap_sigterm(master, 300)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopIteration):
        master.loop()


def test_without_a_wait_the_first_one_stops(master: Master) -> None:
    draining.wrap_sigterm(master, 0)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopIteration):
        master.loop()


def test_a_worker_sees_it_that_was_there_before(master: Master) -> None:
    draining.wrap_sigterm(master, 300)
    reading, writing = os.pipe()
    if not (worker := os.fork()):
        until = time.monotonic() + 5
        while not draining.is_draining() and time.monotonic() < until:
            time.sleep(0.01)
        os.write(writing, b"1" if draining.is_draining() else b"0")
        os._exit(0)
    os.kill(os.getpid(), signal.SIGTERM)
    os.waitpid(worker, 0)
    assert os.read(reading, 1) == b"1"
    os.close(reading)
    os.close(writing)
