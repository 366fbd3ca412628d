"""The module that Django looks for in a database's ENGINE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ClassVar

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from .cursor import Cursor
from .pool import Pool

READ_ONLY = "25006"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL, from the process's pool."""

    # Django's own, which its stubs leave out.
    _connection_pools: ClassVar[dict[str, Pool]]
    _configure_connection: Callable[[Any], bool]
    _is_known = False
    _last: tuple[str, Sequence[Any]] | None = None

    def get_connection_params(self) -> dict[str, Any]:
        parameters = {**super().get_connection_params(), **self.settings_dict["CREDENTIALS"].current()}
        if parameters["cursor_factory"] is ServerBindingCursor:
            parameters["cursor_factory"] = Cursor
        return parameters

    @property
    def pool(self) -> Pool | None:
        """The pool of this process; None where there is none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = Pool(kwargs=self._new_connection, configure=self._configure_connection, **options)
            # Several threads may have made one; none is open yet, and the first stays.
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]

    def connect(self) -> None:
        """Django's own, once a thread. After that what is left of it for a connection that the pool has made and set up."""
        pool, self._last = self.pool, None
        if not self._is_known or not pool or pool.closed:
            super().connect()
            self._is_known = True
            return
        self.in_atomic_block = self.needs_rollback = self.closed_in_transaction = self.errors_occurred = False
        self.savepoint_ids, self.atomic_blocks, self.run_on_commit = [], [], []
        self.health_check_enabled = False  # the pool's
        self.health_check_done = True
        self.close_at = 0.0  # at the end of the request it goes back
        self.connection = pool.getconn()
        if not self.connection.autocommit:  # it broke off in a transaction, which the pool has rolled back
            self.connection.autocommit = True
        self.autocommit = True

    def execute_last(self, sql: str, values: Sequence[Any]) -> None:
        """Executes the last statement of a transaction, whose answer nobody needs: with its COMMIT, if it is the outermost.

        Then it is the end of the `atomic` block that raises what it raises.
        """
        if values and self.in_atomic_block and len(self.atomic_blocks) == 1 and not self.savepoint_ids:
            self._last = sql, values
            return
        with self.cursor() as cursor:
            cursor.execute(sql, values)

    def _commit(self) -> None:
        if self._last is None or self.connection is None:
            super()._commit()  # type: ignore[misc]  # Django's, which its stubs leave out
            return
        last, self._last = self._last, None
        with self.wrap_database_errors:
            cursor = self.create_cursor()
            cursor.commits = True
            cursor.execute(*last)

    def _rollback(self) -> None:
        self._last = None
        super()._rollback()  # type: ignore[misc]

    def _new_connection(self) -> dict[str, Any]:
        # Asked for each new connection, and not once: credentials rotate.
        return {**self.get_connection_params(), "autocommit": True}

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _Errors(self)


class _Errors(DatabaseErrorWrapper):
    """Django's wrapping of psycopg's errors, at the one place that sees them all."""

    wrapper: DatabaseWrapper

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if getattr(error, "sqlstate", None) == READ_ONLY and (pool := self.wrapper.pool):
            # After a failover this is the old primary: new connections look its name up again, and find the new one.
            pool.renew()
        super().__exit__(kind, error, trace)
