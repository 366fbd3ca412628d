"""A file on its way to a worker: the real HTTP PUT, in pieces as they are made."""

from __future__ import annotations

import time
from collections.abc import Iterable
from http.client import HTTPConnection
from typing import Any

from tests.api import token
from tests.servers import Server


def put(server: Server, pieces: Iterable[bytes], **analysis: Any) -> float:
    """Registers an analysis, puts the file into it, and answers the seconds that the PUT took."""
    from tests.genomics import factories

    made = factories.analysis(server.api, **analysis)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=3600)
    started = time.perf_counter()
    connection.request(
        "PUT",
        f"/genomics/v1/analyses/{made['id']}/vcf",
        body=pieces,
        headers={"Authorization": f"Bearer {token()}", "Content-Type": "text/vcf"},
        encode_chunked=True,
    )
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 201:
        raise SystemExit(f"bench: the file was refused: {answer[:500].decode()}")
    return time.perf_counter() - started
