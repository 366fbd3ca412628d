"""Memory stays flat whatever the file's size. `make bench` shows it for two million records."""

from bench.ingestion_memory import ingest
from tests.servers import Server, make_database, peak_memory


def test_it_does_not_grow_with_the_file() -> None:
    server = Server(make_database("careway_memory"), {"CAREWAY_WORKERS": "1"}, "genomics").start()
    try:
        ingest(server, 10_000)
        small = peak_memory(server)
        ingest(server, 300_000)
        assert peak_memory(server) - small < 32 * 1024
    finally:
        server.stop()
