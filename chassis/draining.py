"""Draining: told to stop, the server says that it is not ready, and goes on serving until those before it have noticed.

gunicorn closes its listener as soon as it gets SIGTERM. A load balancer or kube-proxy hears of it seconds later, and
what it sends until then would be refused. Imports nothing of the house: gunicorn's master loads this.
"""

from __future__ import annotations

import logging
import mmap
import signal
from typing import Any

logger = logging.getLogger("careway.server")

# One byte of anonymous memory that master and workers share, since workers are forks: seen by all at once, and by a
# worker too that is started while the others drain. It outlives a reload, which reads the configuration again.
_mark = mmap.mmap(-1, 1)


def is_draining() -> bool:
    """Has the server been told to stop?"""
    return _mark[0] == 1


def wrap_sigterm(arbiter: Any, seconds: int) -> None:
    """From now on the master drains for `seconds` before it does what gunicorn does on SIGTERM.

    It never blocks: it goes on to replace workers that die, and SIGINT, SIGQUIT or a second SIGTERM end the wait. A timer
    of the kernel is used, because the master forks, and a thread would not survive that.
    """
    stop = arbiter.handle_term
    begun = False

    def mark(number: int, frame: Any) -> None:
        # Between any two instructions of the master: no logging here, no lock.
        _mark[0] = 1
        arbiter.signal(number, frame)

    def drain() -> None:
        nonlocal begun
        if begun or not seconds:
            stop()
        begun = True
        logger.info("draining", extra={"seconds": seconds})
        signal.setitimer(signal.ITIMER_REAL, seconds)

    # The master's loop looks its handler up by this name, for every signal that was put into its queue.
    arbiter.handle_term = drain
    signal.signal(signal.SIGTERM, mark)
    signal.signal(signal.SIGALRM, lambda *_: arbiter.signal(signal.SIGTERM, None))
