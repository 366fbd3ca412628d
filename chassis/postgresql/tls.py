"""Whether the way to the database is safe, told from its URL before anything is sent on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chassis.environment import Environment

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# `system` are the certificates of the operating system, and no file.
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


def judge(env: Environment, database: Mapping[str, Any], *, production: bool) -> None:
    """Notes the faults of DATABASE_URL; reads the setting that lifts the rule of production."""
    plaintext_allowed = env.flag(
        "CAREWAY_ALLOW_PLAINTEXT_DATABASE",
        "A database on another machine need not be asked with `sslmode=verify-full`: the network protects the way.",
        default=False,
    )
    for fault in faults_in(database, verified=production and not plaintext_allowed):
        env.fault("DATABASE_URL", fault)


def faults_in(database: Mapping[str, Any], *, verified: bool) -> Iterator[str]:
    """What is wrong with the TLS of `database`, as Django has it; `verified` asks for verify-full to another machine.

    libpq's own default is `prefer`: it takes no TLS for an answer, and any certificate. Anything below verify-full lets
    whoever stands in between read patients' data and the password's proof.
    """
    options = database.get("OPTIONS", {})
    mode = options.get("sslmode", "prefer")
    if mode not in MODES:
        yield f"has an unknown sslmode; known are {', '.join(MODES)}"
        return
    for option in FILES:
        path = options.get(option)
        if path and path != "system" and (error := _unreadable(Path(str(path)))):
            yield f"names a file as {option} that cannot be read ({error})"
    if mode == "verify-full" and "sslrootcert" not in options:
        yield "needs sslrootcert with sslmode=verify-full: the file of the CA that signed the server, or `system`"
    if verified and mode != "verify-full" and not _is_this_machine(database):
        yield (
            "needs sslmode=verify-full, since the database is on another machine (or CAREWAY_ALLOW_PLAINTEXT_DATABASE,"
            " where the network protects the way)"
        )


def _unreadable(path: Path) -> str:
    try:
        path.read_bytes()
    except OSError as error:
        return type(error).__name__
    return ""


def _is_this_machine(database: Mapping[str, Any]) -> bool:
    """Every host of a list is; without one libpq takes the Unix socket."""
    options = database.get("OPTIONS", {})
    named = options.get("hostaddr") or options.get("host") or database.get("HOST") or ""
    return all(_is_local(unquote(host)) for host in str(named).split(","))


def _is_local(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
