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
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any

import psycopg
from psycopg import Error, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus, PGconn, PollingStatus
from psycopg.waiting import Ready
from psycopg_pool import ConnectionPool, PoolTimeout

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.75
"""How long a pooled connection may take for an empty query before it counts as dead. Usually that is a millisecond."""
FRESH_SECONDS = 0.5
"""A connection that was used so recently is not asked, only looked at: the question costs more than many a statement."""
PROBE_SECONDS = 0.5
"""How often an unreachable database is asked, by one thread of each process."""
SCARCE_SECONDS = 0.1
"""How long a request waits for another one's connection while the database gives no new ones."""
RENEW_SECONDS = 1.0


class Unreachable(OperationalError):
    """Raised instead of waiting: the last attempt to connect failed."""


class Silent(OperationalError):
    """Neither a statement nor a new connection is answered."""


class Connection(psycopg.Connection[Any]):
    """One that notices a host that has vanished, where nobody asked before it was used.

    Its first statement waits as long as it has to; but if CHECK_SECONDS pass without a word, its host is asked by another
    connection, and if that hears nothing either, the statement fails.
    """

    used_at = float("-inf")
    is_trusted = False  # given without a question, and nothing has been heard since

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.made_at = time.monotonic()

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """What all waiting of psycopg goes through."""
        return super().wait(self._attended(gen) if self.is_trusted else gen, *arguments, **options)

    def _attended(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        until = time.monotonic() + CHECK_SECONDS
        try:
            waiting = next(steps)
            while True:
                ready = yield waiting  # nothing, each tenth of a second
                if ready & Ready.R:
                    self.is_trusted = False
                elif self.is_trusted and time.monotonic() > until:
                    self.is_trusted = False
                    if not speaks(self.pgconn):
                        self.close()
                        if isinstance(self._pool, Pool):
                            self._pool.notice_silence()
                        raise Silent("the database says nothing")
                waiting = steps.send(ready)
        except StopIteration as end:
            return end.value


class Pool(ConnectionPool[Connection]):
    """Use as psycopg's; `timeout` bounds the check of a connection too."""

    def __init__(self, *, kwargs: Callable[[], dict[str, Any]], **options: Any) -> None:
        # Without a time-out for reconnection an attempt is made twice, then given up: what follows is ours.
        super().__init__(kwargs=kwargs, connection_class=Connection, open=False, reconnect_timeout=0, **options)
        self._settings = kwargs
        self._state = threading.Lock()
        self.away = False  # known to be: no connection could be made, or one said nothing
        self._renewed_at = 0.0

    def getconn(self, timeout: float | None = None) -> Connection:
        """A connection that answers, or did a moment ago. Raises Unreachable at once while the database is known to be away."""
        began = time.monotonic()
        until = began + (self.timeout if timeout is None else timeout)
        while True:
            try:
                connection = super().getconn(self._patience(until))
            except PoolTimeout:
                self._notice_outage()
                raise
            if is_quiet(connection) and not self.away:
                connection.is_trusted = True
                return connection
            # psycopg's own check has no deadline, and sleeps for seconds after each connection found dead.
            sound = answers(connection, min(CHECK_SECONDS, max(0.0, until - time.monotonic())))
            if sound:
                return connection
            silent = sound is None
            connection.close()
            self.putconn(connection)
            if silent:
                self.notice_silence()
            if connection.made_at > began:  # a pooler lets in while the server behind it is away: the next is no better
                self._notice_outage()
                raise Unreachable("the database is out of reach")

    def putconn(self, conn: Connection) -> None:
        conn.used_at = time.monotonic()
        super().putconn(conn)

    def notice_silence(self) -> None:
        """A host has vanished. To ask its other connections would take as long for each of them."""
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
                if not lets_in(**self._settings()):
                    continue
                self.away = False
                logger.warning("the database is back", extra={"seconds": round(time.monotonic() - since, 1)})
                return


def is_quiet(connection: Connection) -> bool:
    """Was it used a moment ago, with nothing to read since? What the other side has closed is readable."""
    if connection.closed or time.monotonic() - connection.used_at > FRESH_SECONDS:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


def speaks(known: Any) -> bool:
    """Does the server of a connection say anything to a new one? Not even who asks is told to it. Takes CHECK_SECONDS."""
    until = time.monotonic() + CHECK_SECONDS
    # The address that it has: to look up the name may take as long as the network is away.
    where = {"host": known.host.decode(), "hostaddr": known.hostaddr.decode(), "port": known.port.decode()}
    try:
        asking = PGconn.connect_start(make_conninfo(**where, user="careway").encode())
        while (step := asking.connect_poll()) in {PollingStatus.READING, PollingStatus.WRITING}:
            reads = step == PollingStatus.READING
            poll = select.poll()
            poll.register(asking.socket, select.POLLIN if reads else select.POLLOUT)
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                return False
            if reads:
                return True
    except Error:
        pass
    return False


def lets_in(**settings: Any) -> bool:
    """Does a new connection answer? A pooler takes one also while the server behind it is away. Raises psycopg's errors."""
    with closing(psycopg.Connection.connect(**settings)) as asked:
        return bool(answers(asked, CHECK_SECONDS))


def answers(connection: psycopg.Connection[Any], seconds: float) -> bool | None:
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
