"""What the telemetry exporters have to say about a dead collector, once a minute instead of several times a second.

While a collector is down each attempt of each signal in each worker is a line or two. The SDK's own filter covers its
logs alone, and lets through what alternates; no library of ours has another.
"""

from __future__ import annotations

import logging
import threading
import time

SECONDS = 60.0
NAMES = ("opentelemetry.exporter.", "opentelemetry.sdk.")


class Repeats(logging.Filter):
    """Of each exporter one line of each level a minute; `repeats` says how many were left out before it."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        # As many as there are loggers and levels.
        self._next: dict[tuple[str, int], float] = {}
        self._left_out: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(NAMES):
            return True
        key, now = (record.name, record.levelno), time.monotonic()
        with self._lock:
            if now < self._next.get(key, 0.0):
                self._left_out[key] = self._left_out.get(key, 0) + 1
                return False
            self._next[key] = now + SECONDS
            if left_out := self._left_out.pop(key, 0):
                record.repeats = left_out
        return True
