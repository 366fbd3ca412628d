"""Many clients at once on the production server: exactly once, no lost update, one ingestion."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import psycopg

from tests.api import Answer, RemoteApi, token
from tests.genomics import factories
from tests.servers import Server


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    """Calls in as many threads, let loose together."""
    gate = threading.Barrier(count)

    def run(number: int) -> Answer:
        gate.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def body_of(accession: str) -> dict[str, Any]:
    return {"accession": accession, "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline"}


class TestIdempotency:
    def test_it_does_fifty_identical_posts_once(self, server: Server, server_database: str) -> None:
        answers = at_once(50, lambda _: server.api.post("samples", body_of("RETRY-50"), Idempotency_Key="retry-50"))
        # A waiter that the lock time-out reaches is told to come back; when it does, it gets the same answer.
        answers = [
            answer
            if answer.status == 201
            else server.api.post("samples", body_of("RETRY-50"), Idempotency_Key="retry-50")
            for answer in answers
        ]
        assert {(answer.status, answer.content, answer.etag, answer.header("Location")) for answer in answers} == {
            (201, answers[0].content, answers[0].etag, answers[0].header("Location"))
        }
        assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
        with psycopg.connect(server_database) as connection:
            rows = connection.execute("SELECT count(*) FROM genomics_sample WHERE accession = 'RETRY-50'").fetchone()
        assert rows == (1,)


class TestLostUpdates:
    def test_it_lets_one_of_twenty_writers_win(self, server: Server) -> None:
        sample = factories.sample(server.api)
        path = f"samples/{sample['id']}"
        kinds = ["saliva", "tissue", "dna", "rna", "other"] * 4
        answers = at_once(20, lambda number: server.api.patch(path, {"kind": kinds[number]}, If_Match='"1"'))
        assert Counter(answer.status for answer in answers) == {200: 1, 412: 19}
        winner = next(answer for answer in answers if answer.status == 200)
        assert server.api.get(path).json == winner.json
        assert winner.json["version"] == 2

    def test_it_lets_one_of_twenty_transitions_win(self, server: Server) -> None:
        sample = factories.sample(server.api)
        path = f"samples/{sample['id']}/transitions"
        answers = at_once(20, lambda _: server.api.post(path, {"to": "available"}, If_Match='"1"'))
        assert Counter(answer.status for answer in answers) == {200: 1, 412: 19}

    def test_it_refuses_the_same_accession_to_all_but_one(self, server: Server) -> None:
        answers = at_once(10, lambda _: server.api.post("samples", body_of("RACE-1")))
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 9}


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
        server = Server(server_database, {"CAREWAY_WORKERS": "1", "CAREWAY_INGESTIONS_PER_PROCESS": "2"}).start()
        try:
            paths = [f"analyses/{factories.analysis(server.api)['id']}/vcf" for _ in range(3)]
            running = [SlowUpload(server.api, path, factories.VCF) for path in paths[:2]]
            refused = server.api.call("PUT", paths[2], factories.VCF, content_type="text/vcf")
            assert (refused.status, refused.json["code"], refused.header("Retry-After")) == (503, "unavailable", "10")
            assert [upload.finish().status for upload in running] == [201, 201]
            assert server.api.call("PUT", paths[2], factories.VCF, content_type="text/vcf").status == 201
        finally:
            server.stop()


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
