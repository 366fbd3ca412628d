"""What telemetry still holds is sent when a process ends, in a time that no collector can stretch.

The SDK would do this by itself at exit, but one signal after the other, each with up to 30 seconds, and time-outs of a
single attempt bound neither: a collector that never answers costs one for each batch that waits, and one that drips its
answer never comes to a time-out at all.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable
from threading import Thread

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

logger = logging.getLogger(__name__)

# What a healthy collector takes in milliseconds; beyond this an end is not worth waiting for.
SECONDS = 1.5

_last_counts: list[Callable[[], None]] = []


def before_end(count: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that counts what the end of the process cuts off: nobody comes to count it later."""
    _last_counts.append(count)
    return count


def export(seconds: float = 1.0) -> None:
    """Sends metrics once, right after the start: a rate sees what a counter has gained between two samples, so one that
    is not known at zero seems to have counted nothing.

    Waits so long at most: a collector that drips its answer holds who exports for as long as it likes.
    """
    if send := getattr(metrics.get_meter_provider(), "force_flush", None):
        thread = Thread(target=send, name="first-export", daemon=True)
        thread.start()
        thread.join(seconds)


def flush(seconds: float = SECONDS) -> bool:
    """Ends traces, metrics and logs side by side; answers whether all was sent in time.

    Call it before the interpreter ends, as gunicorn's worker_exit does: since Python 3.12 no thread may start later.
    """
    for count in _last_counts:
        count()
    providers = {"traces": trace.get_tracer_provider(), "metrics": metrics.get_meter_provider()}
    signals = {**providers, "logs": get_logger_provider()}
    ends = {name: provider.shutdown for name, provider in signals.items() if hasattr(provider, "shutdown")}
    # Daemons: what still hangs in a socket after that does not keep the process.
    threads = {name: Thread(target=end, name=f"flush-{name}", daemon=True) for name, end in ends.items()}
    for name, thread in threads.items():
        atexit.unregister(ends[name])  # it would wait once more, for as long as it likes
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    unsent = [name for name, thread in threads.items() if thread.is_alive()]
    if unsent:
        logger.warning("telemetry was not sent in time and is lost", extra={"signals": unsent})
    return not unsent
