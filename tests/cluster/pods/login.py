"""Connects to the database as the service does, but for the options of libpq in its arguments (name=value); prints how.

What stands on stdin is /tmp/ca.pem then, for another authority.
"""

import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg


def outcome(*words: str) -> str:
    found = urlsplit(os.environ["DATABASE_URL"])
    parameters: dict[str, str | int | None] = {"host": found.hostname, "port": found.port, "dbname": found.path[1:]}
    for name in ("user", "password"):
        parameters[name] = Path(os.environ[f"DATABASE_{name.upper()}_FILE"]).read_text()
    options = dict(parse_qsl(found.query)) | dict(word.split("=") for word in words)
    try:
        with psycopg.connect(**parameters | options) as connection:  # type: ignore[arg-type]  # strings, whatever they are
            return "connected, with TLS" if connection.pgconn.ssl_in_use else "connected in the clear"
    except psycopg.OperationalError as error:
        return f"refused: {error}"


if __name__ == "__main__":
    Path("/tmp/ca.pem").write_text(sys.stdin.read())
    print(outcome(*sys.argv[1:]))
