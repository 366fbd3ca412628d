"""Memory stays flat whatever the file's size. `make bench` shows it for ten million records."""

from bench.generate_vcf import vcf
from bench.upload import put
from tests.servers import Server, make_database, peak_memory


def test_it_does_not_grow_with_the_file() -> None:
    server = Server(make_database("careway_memory"), {"CAREWAY_WORKERS": "1"}, "genomics").start()
    try:
        put(server, vcf(10_000))
        small = peak_memory(server)
        put(server, vcf(300_000))
        assert peak_memory(server) - small < 32 * 1024
    finally:
        server.stop()
