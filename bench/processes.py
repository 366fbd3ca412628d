"""What processes cost, as the operating system counts it: processor time and memory."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil
import psycopg

from bench.environment import refuse


def family(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    head = psutil.Process(pid)
    return [head, *head.children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """User and system time of those that live, so far."""
    found = 0.0
    for process in processes:
        # The process' own clock (clock_getcpuclockid(3), which Python does not have), to the nanosecond and with threads
        # that have ended. What /proc says comes in ticks of 10 ms, as long as ten requests.
        with suppress(OSError):
            found += time.clock_gettime((~process.pid << 3) | 2)
    return found


def resident_mib(processes: list[psutil.Process]) -> float:
    """Of the largest of them: the worker, where there is a master."""
    sizes = [0]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss)
    return max(sizes) / 2**20


def postmaster_of(url: str) -> int:
    """The process that a server's connections belong to. Ends the program where it is not one of this machine's."""
    with psycopg.connect(url) as connection, suppress(psutil.Error):
        backend = psutil.Process(connection.info.backend_pid)
        parent = backend.parent()
        # A tunnel's end is local as well, and so is a container's port: the process behind it is another's, or none.
        if parent and "postgres" in backend.name():
            return int(parent.pid)
    return refuse("the database's processes are not among this machine's, so their cost cannot be read")
