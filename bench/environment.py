"""Imported first by each measurement: no database but a local one is touched, and the tests' variables are set.

A measurement writes millions of rows and drops what it finds under its own names, so another machine's PostgreSQL is
refused before anything connects to it.
"""

from __future__ import annotations

import os
import signal
import sys
from ipaddress import ip_address
from types import FrameType
from typing import NoReturn

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def refuse(why: str) -> NoReturn:
    """Ends with one sentence and status 2, as for wrong arguments: nothing was measured. A failed check ends with 1."""
    sys.stderr.write(f"bench: {why}\n")
    raise SystemExit(2)


def check_local(url: str) -> None:
    """Ends the program unless the URL is of a PostgreSQL on this machine."""
    try:
        found = conninfo_to_dict(url)
    except ProgrammingError:
        refuse("the database's URL is not one of PostgreSQL: postgresql://user@127.0.0.1:5432/database")
    if "service" in found:
        refuse("the database is named by a service file, which may lead anywhere; name it by host and port")
    # libpq takes the address before the name, and what is not said from the environment; several may be listed.
    hosts = found.get("hostaddr") or found.get("host") or os.environ.get("PGHOSTADDR") or os.environ.get("PGHOST") or ""
    for host in str(hosts).split(","):
        if not _is_local(host):
            refuse(f"the database at {host} is not on this machine, and the bench would fill it; name a local one")


def _is_local(host: str) -> bool:
    if host in {"", "localhost"} or host.startswith(("/", "@")):  # the last are Unix sockets
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def end_on_signals() -> None:
    """Ctrl-C and SIGTERM unwind the program once, so that each context stops what it started; a second one waits."""

    def unwind(number: int, frame: FrameType | None) -> NoReturn:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        sys.stderr.write("bench: interrupted; stopping what was started\n")
        raise SystemExit(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, unwind)


check_local(os.environ.get("DATABASE_URL", ""))

import tests.environment  # noqa: E402, F401  (starts the embedded PostgreSQL where no other is named)
