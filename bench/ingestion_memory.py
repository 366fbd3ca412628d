"""Peak memory of a worker by size of file, through the real HTTP PUT: `python -m bench.ingestion_memory 10000 2000000`."""

from __future__ import annotations

import sys
import time
from http.client import HTTPConnection
from typing import Any

import tests.environment  # noqa: F401  (the embedded PostgreSQL, before settings load)
from bench.generate_vcf import vcf


def ingest(server: Any, records: int) -> float:
    """Puts a generated file, chunked as it is made; answers the seconds it took."""
    from tests.api import token
    from tests.genomics import factories

    analysis = factories.analysis(server.api)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=3600)
    started = time.perf_counter()
    connection.request(
        "PUT",
        f"/genomics/v1/analyses/{analysis['id']}/vcf",
        body=vcf(records),
        headers={"Authorization": f"Bearer {token()}", "Content-Type": "text/vcf"},
        encode_chunked=True,
    )
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    assert response.status == 201, answer
    return time.perf_counter() - started


def main(sizes: list[int]) -> None:
    import django

    django.setup()
    from tests.servers import Server, make_database, peak_memory

    print("records      peak RSS of a worker      records/s, generator included")
    first = None
    for records in sizes:
        server = Server(make_database("careway_bench"), {"CAREWAY_WORKERS": "1"}).start()
        seconds = ingest(server, records)
        peak = peak_memory(server)
        first = first or peak
        print(f"{records:>9,}    {peak / 1024:7.1f} MiB ({(peak - first) / 1024:+.1f})    {records / seconds:>9,.0f}")
        server.stop()


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [10_000, 2_000_000])
