"""Many files at once on the production server: one ingestion an analysis, and a bounded number a process."""

from __future__ import annotations

import time
from http.client import HTTPConnection

from tests.api import Answer, RemoteApi, token
from tests.collector import Collector
from tests.genomics import factories
from tests.servers import Server


class TestIngestion:
    def test_it_lets_one_of_two_ingestions_into_an_analysis(self, server: Server) -> None:
        analysis = factories.analysis(server.api)
        path = f"analyses/{analysis['id']}/vcf"
        first = SlowUpload(server.api, path, factories.VCF)
        second = server.api.call("PUT", path, factories.VCF, content_type="text/vcf")
        assert (second.status, second.json["code"]) == (409, "in-use")
        assert second.header("Retry-After")
        assert first.finish().status == 201

    def test_it_bounds_how_many_run_at_once(self, server_database: str) -> None:
        one = {"CAREWAY_WORKERS": "1", "CAREWAY_INGESTIONS_PER_PROCESS": "2"}
        with Collector() as collector:
            server = Server(server_database, {**one, **collector.environment}, "genomics").start()
            try:
                paths = [f"analyses/{factories.analysis(server.api)['id']}/vcf" for _ in range(3)]
                running = [SlowUpload(server.api, path, factories.VCF) for path in paths[:2]]
                refused = server.api.call("PUT", paths[2], factories.VCF, content_type="text/vcf")
                assert (refused.status, refused.json["code"], refused.header("Retry-After")) == (503, "busy", "10")
                assert [upload.finish().status for upload in running] == [201, 201]
                assert server.api.call("PUT", paths[2], factories.VCF, content_type="text/vcf").status == 201
            finally:
                server.stop()
            outcomes = collector.counted_at_last("careway.ingestions", "outcome")
            assert outcomes == {"stored": 3, "repeated": 0, "refused": 0, "failed": 0}
            requests = collector.totals("careway.requests", "outcome")
            assert (requests["limited"], requests["failed"]) == (1, 0)


class SlowUpload:
    """A PUT whose body's second half waits for `finish`; by the time this exists, the server has its first half."""

    def __init__(self, api: RemoteApi, path: str, body: bytes) -> None:
        host, port = api.url.removeprefix("http://").split(":")
        self.connection = HTTPConnection(host, int(port), timeout=60)
        self.connection.putrequest("PUT", f"/genomics/v1/{path}")
        self.connection.putheader("Authorization", f"Bearer {token()}")
        self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders()
        self.connection.send(body[:100])
        self.rest = body[100:]
        time.sleep(0.5)

    def finish(self) -> Answer:
        self.connection.send(self.rest)
        response = self.connection.getresponse()
        content = response.read()
        self.connection.close()
        return Answer(response.status, dict(response.getheaders()), content)
