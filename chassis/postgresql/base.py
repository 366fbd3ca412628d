"""The module that Django looks for in a database's ENGINE."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL, from the process's pool."""

    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params()

    @property
    def pool(self) -> Any:
        """The pool of this process; None where there is none."""
        pool = super().pool
        if pool:
            # Asked for each new connection, and not once: credentials rotate.
            pool.kwargs = lambda: {**self.get_connection_params(), "autocommit": True}
        return pool
