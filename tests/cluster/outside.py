"""What is outside the cluster, on this machine: a PostgreSQL that takes TLS alone, with a database and a role a service."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.pgbouncer import Authority, PgBouncer
from tests.postgres import Postgres

# Whoever is not the superuser of the proof has to know a password; from other machines all come through the bouncer.
ACCESS = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all postgres trust\n"


class Database:
    """Use as a context. Each service has a database, its owner, and two users that take turns (docs/operating.md)."""

    def __init__(self, address: str, services: Sequence[str], folder: Path) -> None:
        self.address = address
        self.services = services
        self._folder = folder
        self._open = ExitStack()
        # Letters, digits, hyphens and underscores: nothing that SQL or a bouncer's file would have to quote.
        self._passwords = {user: secrets.token_urlsafe(24) for service in services for user in self.users(service)}

    @staticmethod
    def users(service: str) -> tuple[str, str]:
        return f"careway_{service}_a", f"careway_{service}_b"

    def login(self, user: str) -> dict[str, str]:
        """As RDS writes it to Secrets Manager."""
        return {"username": user, "password": self._passwords[user]}

    def __enter__(self) -> Self:
        self.postgres = self._open.enter_context(Postgres(access=ACCESS, options={"max_connections": "300"}))
        for service in self.services:
            self._prepare(service)
        self.authority = Authority(self._folder, "database")
        self.stranger = Authority(self._folder, "stranger")
        certificate, key = self.authority.certify(self._folder, self.address, "localhost")
        bouncer = PgBouncer(
            port=self.postgres.port,
            certificate=certificate,
            key=key,
            address=self.address,
            users=self._passwords,
            sessions=True,
        )
        self._bouncer = self._open.enter_context(bouncer)
        self.port = bouncer.port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _prepare(self, service: str) -> None:
        owner = f"careway_{service}"
        self.postgres.execute(f"CREATE ROLE {owner} NOLOGIN")
        self.postgres.create_database(owner, owner=owner)
        self.postgres.execute(f"REVOKE CONNECT ON DATABASE {owner} FROM PUBLIC")
        for user in self.users(service):
            self.postgres.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{self._passwords[user]}' IN ROLE {owner}")
            # What ends TLS here passes no start-up options on, so the role has them.
            for setting in (f"role = {owner}", "lock_timeout = '5s'", "statement_timeout = '15s'"):
                self.postgres.execute(f"ALTER ROLE {user} SET {setting}")

    def change_password(self, user: str) -> dict[str, str]:
        """A new one for a user, here and in the bouncer; its login."""
        self._passwords[user] = secrets.token_urlsafe(24)
        self.postgres.execute(f"ALTER ROLE {user} LOGIN PASSWORD '{self._passwords[user]}'")
        self._bouncer.change(user, self._passwords[user])
        return self.login(user)

    def lock(self, user: str) -> None:
        """Nobody logs in as this user any more."""
        self.postgres.execute(f"ALTER ROLE {user} NOLOGIN")

    def sessions(self, service: str) -> dict[str, int]:
        """How many sessions each user of a service has."""
        found = self.postgres.execute(
            f"SELECT usename::text, count(*) FROM pg_stat_activity WHERE datname = 'careway_{service}' GROUP BY 1"
        )
        return dict(found)

    def rows(self, service: str, query: str) -> list[tuple[object, ...]]:
        """What a query answers in the database of a service, past everything that might refuse it."""
        return self.postgres.execute(query, f"careway_{service}")
