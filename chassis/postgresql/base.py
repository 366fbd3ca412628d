"""The module that Django looks for in a database's ENGINE."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from .pool import Pool

READ_ONLY = "25006"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL, from the process's pool."""

    # Django's own, which its stubs leave out.
    _connection_pools: ClassVar[dict[str, Pool]]
    _configure_connection: Callable[[Any], bool]

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), **self.settings_dict["CREDENTIALS"].current()}

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
