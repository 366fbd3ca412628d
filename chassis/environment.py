"""Typed reading of the environment that reports every fault at once, so that an operator restarts once and not six times.

Each reading has its bounds or choices, secrets may come from `<NAME>_FILE`, and django-environ reads the database's URL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment:
    """Reads variables from `source`; faults wait until `finish()`."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self._source = source
        self.faults: list[str] = []

    def fault(self, name: str, what: str) -> None:
        self.faults.append(f"{name}: {what}")

    def text(self, name: str, *, default: str | None = None, choices: Sequence[str] = ()) -> str:
        """The variable as it is; without a default it is required."""
        value = self._source.get(name) or default
        if value is None:
            self.fault(name, "is required and not set")
            return choices[0] if choices else ""
        if choices and value not in choices:
            self.fault(name, f"must be one of {', '.join(choices)}")
            return choices[0]
        return value

    def words(self, name: str, *, default: Sequence[str]) -> list[str]:
        """A list separated by commas; blanks around a word are dropped."""
        value = self._source.get(name)
        return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)

    def integer(self, name: str, *, default: int, minimum: int, maximum: int) -> int:
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

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._source.get(name)
        if not value:
            return default
        if value.lower() not in {"true", "false"}:
            self.fault(name, "must be true or false")
            return default
        return value.lower() == "true"

    def service_url(self, name: str, *, default: str | None = None) -> str:
        """Where another service answers: `http(s)://host[:port]`, without a slash at its end."""
        value = self.text(name, default=default)
        if value and not _is_origin(value):
            # Not repeated: what stands before an @ may be a password.
            self.fault(name, "must be an http or https URL of a host, without user, path, query and fragment")
        return value.removesuffix("/")

    def absolute_path(self, name: str, *, default: Path | None = None) -> Path:
        """A path from the root on. What is there may come later, and be another file every hour."""
        path = Path(self.text(name, default=str(default) if default else None))
        if path.parts and not path.is_absolute():
            self.fault(name, "must be an absolute path")
        return path

    def secret(self, name: str) -> str | None:
        """`name`, or the content of the file that `<name>_FILE` points to; None when neither is set."""
        path = self._source.get(f"{name}_FILE")
        value = self._source.get(name)
        if path and value:
            self.fault(name, f"is set twice, also as {name}_FILE; keep one")
        if not path:
            return value or None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.fault(f"{name}_FILE", f"cannot be read ({type(error).__name__})")
            return None

    def json(self, name: str) -> Any:
        """A JSON document in the variable or in the file `<name>_FILE` points to; None when neither is set."""
        value = self.secret(name)
        if value is None:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            self.fault(name, f"is not JSON ({error})")
            return None

    def database(self, name: str) -> dict[str, Any] | None:
        """`postgresql://user:password@host:port/name?option=value` as Django's dictionary; None when not set."""
        value = self.secret(name)
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
        return parsed

    def finish(self) -> None:
        """Raises ImproperlyConfigured that lists every fault found."""
        if self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise ImproperlyConfigured(
                f"Careway cannot start. Mend these variables:\n{lines}\nThey are described in docs/operating.md."
            )


def _is_origin(url: str) -> bool:
    try:
        address = urlsplit(url)
        plain = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
        (address.hostname or "").encode("idna")  # no empty label, such as that of a namespace nobody filled in
    except ValueError:  # UnicodeError is one
        return False
    # Put together again from scheme and host it must be the same, so there is nothing else in it.
    return plain and url.removesuffix("/") == f"{address.scheme}://{address.netloc}" and not {"@", " "} & {*url}
