"""The process's pool: psycopg's, which notices an outage at once, refuses while it lasts, and notices its end.

psycopg's own pool lets every request wait out its time-out while the database is away. A few such requests hold all
threads, and who needs no database waits behind them. It also backs off for up to minutes, so that it would return long after the
database. Here nobody waits for a database that is known to be away, and one thread asks every half second.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg.pq import ExecStatus
from psycopg_pool import ConnectionPool, PoolTimeout

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.75
"""How long a pooled connection may take for an empty query before it counts as dead. Usually that is a millisecond."""
PROBE_SECONDS = 0.5
"""How often an unreachable database is asked, by one thread of each process."""
SCARCE_SECONDS = 0.1
"""How long a request waits for another one's connection while the database gives no new ones."""
RENEW_SECONDS = 1.0


class Unreachable(OperationalError):
    """Raised instead of waiting: the last attempt to connect failed."""


class Pool(ConnectionPool[Connection[Any]]):
    """Use as psycopg's; `timeout` bounds the check of a connection too."""

    def __init__(self, *, kwargs: Callable[[], dict[str, Any]], **options: Any) -> None:
        # Without a time-out for reconnection an attempt is made twice, then given up: what follows is ours.
        super().__init__(kwargs=kwargs, open=False, reconnect_timeout=0, **options)
        self._settings = kwargs
        self._state = threading.Lock()
        self.away = False  # known to be: no connection could be made, or one said nothing
        self._renewed_at = 0.0

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """A connection that has just answered. Raises Unreachable at once while the database is known to be away."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                connection = super().getconn(self._patience(until))
            except PoolTimeout:
                self._notice_outage()
                raise
            # psycopg's own check has no deadline, and sleeps for seconds after each connection found dead.
            sound = answers(connection, min(CHECK_SECONDS, max(0.0, until - time.monotonic())))
            if sound:
                return connection
            silent = sound is None
            connection.close()
            self.putconn(connection)
            if silent:  # its host has vanished: to ask the others would take as long for each of them
                self._notice_outage()
                self.renew()

    def renew(self) -> None:
        """Replaces every connection, those in use when they return.

        At most once a second: on a server that stays read-only, every write asks for it.
        """
        with self._state:
            now = time.monotonic()
            if now - self._renewed_at < RENEW_SECONDS:
                return
            self._renewed_at = now
        self.drain()

    def reconnect_failed(self) -> None:
        """psycopg calls this when a connection could not be made."""
        self._notice_outage()
        with self._lock:
            if self._nconns:
                return  # another request's connection may yet come back
            # As `close` does it; there is no public way to end a wait.
            waiting = list(self._waiting)
            self._waiting.clear()
        for each in waiting:
            each.fail(Unreachable("the database is out of reach"))

    def _patience(self, until: float) -> float:
        """How long to wait for a connection."""
        remaining = until - time.monotonic()
        if not self.away:
            return remaining
        measures = self.get_stats()
        if measures["pool_available"]:
            return remaining
        if not measures["pool_size"]:
            raise Unreachable("the database is out of reach")
        return min(remaining, SCARCE_SECONDS)

    def _notice_outage(self) -> None:
        with self._state:
            if self.away or self.closed:
                return
            # First, since it fails where no thread can be had; nobody else would ever end what it waits for.
            threading.Thread(target=self._await_return, name=f"{self.name}-probe", daemon=True).start()
            self.away = True
        logger.warning("the database is out of reach")

    def _await_return(self) -> None:
        since = time.monotonic()
        while not self.closed:
            time.sleep(PROBE_SECONDS)
            # Whatever it is that keeps it from connecting: this thread alone ends the outage.
            with suppress(Exception):
                # One of its own, in this thread: the pool's attempts cannot be asked how they went.
                Connection.connect(**self._settings()).close()
                self.away = False
                logger.warning("the database is back", extra={"seconds": round(time.monotonic() - since, 1)})
                return


def answers(connection: Connection[Any], seconds: float) -> bool | None:
    """Does it answer an empty query? None if it says nothing within `seconds`, as when its host has vanished.

    Below psycopg's cursors, since those wait without a deadline.
    """
    server = connection.pgconn
    until = time.monotonic() + seconds
    try:
        server.send_query(b"")
        poll = select.poll()
        poll.register(server.socket, select.POLLIN)
        sound = False
        while True:
            while server.is_busy():
                if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                    return None
                server.consume_input()
            result = server.get_result()
            if result is None:
                return sound
            sound = result.status == ExecStatus.EMPTY_QUERY
    except Error:
        return False
