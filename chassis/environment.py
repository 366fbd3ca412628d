"""Typed reading of the environment that reports every fault at once, so that an operator restarts once and not six times.

Each reading has its meaning, and its bounds or choices: the tables of settings in docs/ are written from them. Secrets
may come from `<NAME>_FILE`, and django-environ reads the database's URL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

# What django-environ makes of a URL. It would take settings of Django's from it too, such as CONN_MAX_AGE.
PARTS = {"ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS"}


class Setting(NamedTuple):
    """A variable as its row in the documentation has it; `room` is "" for the house, or the service that reads it."""

    room: str
    name: str
    meaning: str
    default: str
    bounds: str


class Environment:
    """Reads variables from `source`; faults wait until `finish()`.

    Each reading takes the `meaning` of its variable; `shown` and `bounds` stand in its row where the default or the
    bounds are worked out from something else.
    """

    def __init__(self, source: Mapping[str, str]) -> None:
        self._source = source
        self.faults: list[str] = []
        self.room = ""
        self.declared: dict[str, Setting] = {}

    def _declare(self, name: str, meaning: str, default: Any, bounds: str = "") -> None:
        shown = "required" if default is None else str(default)
        self.declared[name] = Setting(self.room, name, meaning, shown, bounds)

    def fault(self, name: str, what: str) -> None:
        self.faults.append(f"{name}: {what}")

    def text(
        self,
        name: str,
        meaning: str = "",
        *,
        default: str | None = None,
        choices: Sequence[str] = (),
        shown: str | None = None,
    ) -> str:
        """The variable as it is; without a default it is required."""
        self._declare(name, meaning, shown or default, ", ".join(f"`{choice}`" for choice in choices))
        value = self._source.get(name) or default
        if value is None:
            self.fault(name, "is required and not set")
            return choices[0] if choices else ""
        if choices and value not in choices:
            self.fault(name, f"must be one of {', '.join(choices)}")
            return choices[0]
        return value

    def words(self, name: str, meaning: str = "", *, default: Sequence[str], shown: str | None = None) -> list[str]:
        """A list separated by commas; blanks around a word are dropped."""
        self._declare(name, meaning, shown or ", ".join(default))
        value = self._source.get(name)
        return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)

    def integer(
        self,
        name: str,
        meaning: str = "",
        *,
        default: int,
        minimum: int,
        maximum: int,
        shown: str | None = None,
        bounds: str | None = None,
    ) -> int:
        self._declare(name, meaning, shown or default, bounds or f"{minimum} to {maximum}")
        text = self._source.get(name)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            self.fault(name, f"must be a whole number from {minimum} to {maximum}")
            return default
        if not minimum <= value <= maximum:
            self.fault(name, f"must lie between {minimum} and {maximum}")
            return default
        return value

    def flag(self, name: str, meaning: str = "", *, default: bool) -> bool:
        self._declare(name, meaning, str(default).lower(), "`true`, `false`")
        value = self._source.get(name)
        if not value:
            return default
        if value.lower() not in {"true", "false"}:
            self.fault(name, "must be true or false")
            return default
        return value.lower() == "true"

    def service_url(self, name: str, meaning: str = "", *, default: str | None = None, shown: str | None = None) -> str:
        """Where another service answers: `http(s)://host[:port]`, without a slash at its end."""
        value = self.text(name, default=default)
        self._declare(name, meaning, shown or default, "an http or https URL of a host, without a path")
        if value and not _is_origin(value):
            # Not repeated: what stands before an @ may be a password.
            self.fault(name, "must be an http or https URL of a host, without user, path, query and fragment")
        return value.removesuffix("/")

    def absolute_path(
        self, name: str, meaning: str = "", *, default: Path | None = None, shown: str | None = None
    ) -> Path:
        """A path from the root on. What is there may come later, and be another file every hour."""
        path = Path(self.text(name, default=str(default) if default else None))
        self._declare(name, meaning, shown or default, "an absolute path")
        if path.parts and not path.is_absolute():
            self.fault(name, "must be an absolute path")
        return path

    def secret_file(self, name: str, meaning: str = "", *, shown: str = "none") -> Path | None:
        """The path of a secret that is read anew each time it is needed, and can be read now; None when not set."""
        self._declare(name, meaning, shown, "an absolute path")
        text = self._source.get(name)
        if not text:
            return None
        path = Path(text)
        if not path.is_absolute():
            self.fault(name, "must be an absolute path")
            return None
        if self._content(name, path) == "":
            self.fault(name, "names an empty file")
        return path

    def secret(self, name: str, meaning: str = "", *, bounds: str = "") -> str | None:
        """`name`, or the content of the file that `<name>_FILE` points to; None when neither is set."""
        self._declare(name, f"{meaning} Or `{name}_FILE`.", None, bounds)
        path = self._source.get(f"{name}_FILE")
        value = self._source.get(name)
        if path and value:
            self.fault(name, f"is set twice, also as {name}_FILE; keep one")
        if not path:
            return value or None
        return self._content(f"{name}_FILE", Path(path))

    def _content(self, name: str, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.fault(name, f"cannot be read ({type(error).__name__})")
            return None

    def json(self, name: str, meaning: str = "", *, bounds: str = "") -> Any:
        """A JSON document in the variable or in the file `<name>_FILE` points to; None when neither is set."""
        value = self.secret(name, meaning, bounds=bounds)
        if value is None:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            self.fault(name, f"is not JSON ({error})")
            return None

    def database(self, name: str, meaning: str = "") -> dict[str, Any] | None:
        """`postgresql://user:password@host:port/name?option=value` as Django's dictionary; None when not set."""
        value = self.secret(name, meaning)
        if value is None:
            return None
        try:
            # Of another scheme django-environ prints a warning, with the password in it.
            known = value.startswith(("postgresql://", "postgres://"))
            parsed: dict[str, Any] = environ.Env.db_url_config(value) if known else {}
        except (ValueError, ImproperlyConfigured):
            parsed = {}
        if parsed.get("ENGINE") != "django.db.backends.postgresql" or not parsed.get("NAME"):
            self.fault(
                name, "must look like postgresql://user:password@host:5432/database (PostgreSQL is the only database)"
            )
            return None
        if not {*parsed.get("OPTIONS", {}), *parsed} <= _libpq_options() | PARTS:
            # Not repeated: the rest of a password with a `?` in it would end up here.
            self.fault(name, "has an option after its `?` that libpq does not know")
        return parsed

    def finish(self) -> None:
        """Raises ImproperlyConfigured that lists every fault found."""
        if self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise ImproperlyConfigured(
                f"Careway cannot start. Mend these variables:\n{lines}\nThey are described in docs/operating.md."
            )


def _libpq_options() -> set[str]:
    from psycopg import pq  # not while settings load: a master of workers has no need of it

    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _is_origin(url: str) -> bool:
    try:
        address = urlsplit(url)
        plain = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
        (address.hostname or "").encode("idna")  # no empty label, such as that of a namespace nobody filled in
    except ValueError:  # UnicodeError is one
        return False
    # Put together again from scheme and host it must be the same, so there is nothing else in it.
    return plain and url.removesuffix("/") == f"{address.scheme}://{address.netloc}" and not {"@", " "} & {*url}
