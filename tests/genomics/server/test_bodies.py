"""Files over real sockets: chunked ones are read, early answers reach ordinary clients, cut and slow ones end clearly."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from tests.api import Answer, token
from tests.genomics import factories
from tests.server.clients import CLIENTS, urllib_call
from tests.servers import Server, peak_memory

LARGE = 20 * 1024 * 1024


@pytest.mark.parametrize("chunked", [False, True], ids=["counted", "chunked"])
@pytest.mark.parametrize("call", CLIENTS)
class TestAnEarlyAnswer:
    def test_it_tells_of_a_file_that_is_no_vcf(self, server: Server, call: Any, chunked: bool) -> None:
        analysis = factories.analysis(server.api)
        url = f"{server.url}/genomics/v1/analyses/{analysis['id']}/vcf"
        status, content = call(url, "PUT", b"BZh91AY" + b"\0" * LARGE, "application/octet-stream", chunked=chunked)
        assert (status, json.loads(content)["code"]) == (415, "unsupported-media-type")

    def test_it_tells_of_a_state_that_takes_no_file(self, server: Server, call: Any, chunked: bool) -> None:
        analysis = factories.analysis(server.api)
        assert server.api.move(f"analyses/{analysis['id']}", "cancelled").status == 200
        url = f"{server.url}/genomics/v1/analyses/{analysis['id']}/vcf"
        status, content = call(url, "PUT", b"#" * LARGE, "text/vcf", chunked=chunked)
        assert (status, json.loads(content)["code"]) == (409, "wrong-state")


class TestAChunkedFile:
    def test_it_is_ingested(self, server: Server) -> None:
        analysis = factories.analysis(server.api)
        url = f"{server.url}/genomics/v1/analyses/{analysis['id']}/vcf"
        status, content = urllib_call(url, "PUT", gzip.compress(factories.VCF), "application/gzip", chunked=True)
        assert (status, json.loads(content)["stored"]) == (201, 2)


class TestABodyThatDoesNotEnd:
    @pytest.fixture
    def impatient(self, server_database: str) -> Iterator[Server]:
        """A server that waits one second for the next byte."""
        running = Server(
            server_database, {"CAREWAY_BODY_IDLE_SECONDS": "1", "CAREWAY_THREADS": "2"}, "genomics"
        ).start()
        yield running
        assert running.stop() == 0

    def open(self, server: Server, path: str, length: int, body: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        head = (
            f"PUT /genomics/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return connection

    def test_it_changes_nothing_when_the_connection_is_cut(self, server: Server, server_database: str) -> None:
        analysis = factories.analysis(server.api)
        for _ in range(10):  # more than the pool has connections
            self.open(server, f"analyses/{analysis['id']}/vcf", 10_000, factories.VCF).close()
            time.sleep(0.05)
        until = time.monotonic() + 10
        while server.api.call("PUT", f"analyses/{analysis['id']}/vcf", b"", content_type="text/vcf").status in {
            409,
            503,
        }:
            assert time.monotonic() < until, "the analysis stayed locked"
            time.sleep(0.2)
        assert server.api.get(f"analyses/{analysis['id']}").json["status"] == "registered"
        with psycopg.connect(server_database) as connection:
            found = connection.execute(
                "SELECT count(*) FROM genomics_variant WHERE analysis_id = %s", [analysis["id"]]
            ).fetchone()
        assert found == (0,)
        assert (
            server.api.call("PUT", f"analyses/{analysis['id']}/vcf", factories.VCF, content_type="text/vcf").status
            == 201
        )

    def test_it_answers_a_body_that_stalls(self, impatient: Server) -> None:
        analysis = factories.analysis(impatient.api)
        connection = self.open(impatient, f"analyses/{analysis['id']}/vcf", 10_000, factories.VCF)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        connection.close()
        assert answer.startswith(b"HTTP/1.1 408 "), answer[:200]
        assert b'"code":"timeout"' in answer
        assert impatient.api.get(f"analyses/{analysis['id']}").json["status"] == "registered"

    def test_it_answers_a_body_that_trickles(self, impatient: Server) -> None:
        """A byte now and then is never idle, but far below the least rate."""
        analysis = factories.analysis(impatient.api)
        connection = self.open(impatient, f"analyses/{analysis['id']}/vcf", 10_000, factories.VCF[:20])
        started = time.monotonic()
        with suppress(OSError):  # the server closes its end
            while time.monotonic() - started < 30:
                connection.sendall(b"#")
                connection.settimeout(0.3)
                with suppress(TimeoutError):
                    if answer := connection.recv(65_536):
                        break
        connection.close()
        assert answer.startswith(b"HTTP/1.1 408 "), answer[:200]

    def test_it_keeps_serving_others_meanwhile(self, impatient: Server) -> None:
        analysis = factories.analysis(impatient.api)
        connection = self.open(impatient, f"analyses/{analysis['id']}/vcf", 10_000, factories.VCF[:200])
        assert impatient.api.get("analyses").status == 200
        connection.close()


class TestAFileThatIsTooMuch:
    @pytest.fixture
    def strict(self, server_database: str) -> Iterator[Server]:
        """A server whose files expand to at most 10 MB."""
        limits = {"CAREWAY_VCF_EXPANDED_BYTES": "10000000", "CAREWAY_WORKERS": "1"}
        running = Server(server_database, limits, "genomics").start()
        yield running
        assert running.stop() == 0

    def put(self, server: Server, body: bytes, content_type: str = "application/gzip") -> Answer:
        analysis = factories.analysis(server.api)
        answer = server.api.call("PUT", f"analyses/{analysis['id']}/vcf", body, content_type=content_type)
        assert server.api.get(f"analyses/{analysis['id']}").json["status"] == "registered"
        return answer

    def test_it_refuses_a_gzip_bomb(self, strict: Server) -> None:
        bomb = gzip.compress(factories.HEADER.encode() + b"#" * 200_000_000)
        answer = self.put(strict, bomb)
        assert (answer.status, answer.json["code"]) == (413, "too-large")

    def test_it_refuses_a_file_that_expands_too_far(self, strict: Server) -> None:
        line = factories.PIK3CA.encode()
        rows = b"".join(line.replace(b"179218303", str(1_000_000 + number).encode()) for number in range(200_000))
        answer = self.put(strict, factories.HEADER.encode() + rows, "text/vcf")
        assert (answer.status, answer.json["code"]) == (413, "too-large")

    def test_it_refuses_a_line_without_end_in_flat_memory(self, strict: Server) -> None:
        before = peak_memory(strict)
        answer = self.put(strict, factories.HEADER.encode() + b"chr3\t1\t" + b"A" * 25_000_000, "text/vcf")
        assert (answer.status, answer.json["code"]) in {(413, "too-large"), (422, "unprocessable-file")}
        assert peak_memory(strict) - before < 16 * 1024
