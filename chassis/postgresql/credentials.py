"""The database's user and password from files, read for each new connection: they rotate while the process runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from chassis.environment import Environment

logger = logging.getLogger(__name__)

ATTEMPTS = 5
# A file's device, inode, time stamp and size: another file, or another content.
Stamp = tuple[int, int, int, int]


class CredentialsUnreadable(psycopg.OperationalError):
    """Of the kind of "the database does not answer", so that requests are answered 503 meanwhile."""


class Credentials:
    """What the files hold, which are named by libpq's parameters: `{"user": …, "password": …}`.

    One that cannot be read does no harm as long as the last pair is good: that one is used on, and one line is logged.
    Django asks at every request, although its connection is mostly there already; so unchanged files cost a stat each.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._last: dict[str, str] = {}
        self._stamps: list[Stamp] | None = None
        self._in_trouble = False

    def current(self) -> dict[str, str]:
        """What a new connection logs in with."""
        try:
            stamps = self._stamped()
            if stamps != self._stamps:
                self._last, self._stamps = self._settled(stamps)
            self._in_trouble = False
        except (OSError, ValueError) as error:  # a UnicodeDecodeError is a ValueError
            if not self._in_trouble:
                logger.error("the database's credentials cannot be read", extra={"error": type(error).__name__})
            self._in_trouble = True
            if not self._last:
                raise CredentialsUnreadable("the database's credentials cannot be read") from None
        return self._last

    def _settled(self, before: list[Stamp]) -> tuple[dict[str, str], list[Stamp]]:
        """What was read while no file changed: the kubelet exchanges them all at once, also between two of our reads."""
        for _ in range(ATTEMPTS):
            found, trouble = self._read()
            after = self._stamped()
            if after == before and trouble:
                raise trouble
            if after == before:
                return found, after
            before = after
        raise ValueError("the files change all the time")

    def _read(self) -> tuple[dict[str, str], OSError | ValueError | None]:
        try:
            return {parameter: _content(path) for parameter, path in self._files.items()}, None
        except (OSError, ValueError) as error:
            return {}, error

    def _stamped(self) -> list[Stamp]:
        found = [path.stat() for path in self._files.values()]
        return [(each.st_dev, each.st_ino, each.st_mtime_ns, each.st_size) for each in found]


def read(env: Environment, database: Mapping[str, Any]) -> Credentials:
    """Reads the settings that name the files; `database` is what the URL says, as Django has it."""
    user = env.secret_file(
        "DATABASE_USER_FILE", "A file with the user, instead of the one in the URL. Read at each new connection."
    )
    password = env.secret_file(
        "DATABASE_PASSWORD_FILE", "A file with the password, instead of one in the URL. Read at each new connection."
    )
    if password and database.get("PASSWORD"):
        env.fault("DATABASE_PASSWORD_FILE", "is set, and DATABASE_URL has a password too; keep one")
    if user and not password:
        env.fault("DATABASE_USER_FILE", "needs DATABASE_PASSWORD_FILE: the two rotate together")
    files = {"user": user, "password": password}
    return Credentials({parameter: path for parameter, path in files.items() if path})


def _content(path: Path) -> str:
    if text := path.read_text(encoding="utf-8").strip():
        return text
    raise ValueError("an empty file")
