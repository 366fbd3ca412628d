"""A database whose password rotates: the roles as docs/operating.md has them, and a volume as the kubelet keeps it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from tests.postgres import Postgres
from tests.servers import ROOT, Server, migrate

OWNER = "careway_genomics"
USERS = (f"{OWNER}_a", f"{OWNER}_b")
DATABASE = "careway"
# Whoever is not the superuser of the tests has to know the password.
ACCESS = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all postgres trust\n"
SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)


class Volume:
    """`user` and `password`, links that all change at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = itertools.count(1)
        for name in ("user", "password"):
            (folder / name).symlink_to(Path("..data") / name)

    def write(self, user: str, password: str) -> None:
        version = self.folder / f"..{next(self._versions)}"
        version.mkdir()
        (version / "user").write_text(user, encoding="utf-8")
        (version / "password").write_text(password, encoding="utf-8")
        (self.folder / "..new").symlink_to(version.name)
        (self.folder / "..new").rename(self.folder / "..data")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "DATABASE_USER_FILE": str(self.folder / "user"),
            "DATABASE_PASSWORD_FILE": str(self.folder / "password"),
        }


def documented() -> str:
    """The statements that make two users out of one."""
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    found = SQL.search(page.split("## Rotating the database's password")[1])
    assert found
    return found[1]


def prepare(postgres: Postgres, volume: Volume) -> Server:
    """A database of the owner, migrated by the first user; its server, which is not started, finds both in the files."""
    postgres.execute(f"CREATE ROLE {OWNER} LOGIN")
    postgres.create_database(DATABASE, owner=OWNER)
    for statement in documented().split(";\n"):
        if statement.strip():
            postgres.execute(statement.replace("…", "first"))
    url = f"postgresql://127.0.0.1:{postgres.port}/{DATABASE}"
    migrate(postgres.url(DATABASE, user=USERS[0], password="first"))
    volume.write(USERS[0], "first")
    return Server(url, environment=volume.variables)


def logged_in(postgres: Postgres) -> dict[str, int]:
    """Sessions of the service by who logged in."""
    found = postgres.execute(
        "SELECT usename::text, count(*) FROM pg_stat_activity WHERE application_name = 'careway' GROUP BY 1"
    )
    return dict(found)


def end_sessions(postgres: Postgres, user: str) -> None:
    """As an operator would who cannot wait."""
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'")
