"""bench/load.py, by the real generator on a server that counts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.load import Load, Window, has_generator
from bench.serving import Stack
from bench.works import Target, Work

pytestmark = pytest.mark.skipif(not has_generator(), reason="there is no wrk here")


class Counted(ThreadingHTTPServer):
    """What was asked so far."""

    asked: list[tuple[str, str, str, str]]
    status: int
    block_on_close = False
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counted

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.asked.append(
            (self.path, self.headers["If-None-Match"] or "", self.headers["Idempotency-Key"] or "", body)
        )
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def handle(self) -> None:
        with suppress(ConnectionError):  # the load ends in the middle of a request
            super().handle()

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def counting(status: int = 200) -> Iterator[tuple[Stack, Counted]]:
    server = Counted(("127.0.0.1", 0), Handler)
    server.asked, server.status = [], status
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Stack("counted", [], port=server.server_port), server
    finally:
        server.shutdown()
        server.server_close()


def window(stack: Stack, folder: Path, work: Work, seconds: float = 0.3, **options: float) -> Window:
    return Load(folder, os.getpid(), sorted(os.sched_getaffinity(0))).window(stack, work, seconds, **options)


def test_each_target_is_asked_with_its_version(tmp_path: Path) -> None:
    work = Work("etag-304", {"counted": [Target("/a", '"1"'), Target("/b", '"2"')]})
    with counting() as (stack, server):
        found = window(stack, tmp_path, work)
        assert {each[:2] for each in server.asked} == {("/a", '"1"'), ("/b", '"2"')}
    assert 0 < found.requests <= len(server.asked)
    # That of this process, which the server is in.
    assert found.postgres > 0


def test_each_body_and_key_is_sent_once(tmp_path: Path) -> None:
    work = Work("post-one", {"counted": [Target("/a")]}, body='{"accession": "W-NUMBER"}', status=201)
    load = Load(tmp_path, os.getpid(), sorted(os.sched_getaffinity(0)))
    with counting() as (stack, server):
        for _ in range(2):
            load.window(stack, work, 0.2)
        asked = list(server.asked)  # the last ones may still be on their way
    bodies = [json.loads(each[3])["accession"] for each in asked]
    keys = [each[2] for each in asked]
    assert len(bodies) == len(set(bodies)) == len(set(keys)) > 10
    assert all(len(each) <= 32 for each in bodies)


def test_a_rate_is_kept_about(tmp_path: Path) -> None:
    with counting() as (stack, _):
        found = window(stack, tmp_path, Work("get-one", {"counted": [Target("/a")]}), 2, rate=40)
    assert 0 < found.rate < 60


def test_a_request_that_fails_ends_the_bench(tmp_path: Path) -> None:
    with counting(500) as (stack, _), pytest.raises(SystemExit, match=r"counted failed \d+ of \d+ requests of get-one"):
        window(stack, tmp_path, Work("get-one", {"counted": [Target("/a")]}))


def test_capacity_is_of_the_slower_one() -> None:
    assert Window(app=0.002, postgres=0.001, rate=1, p50=1, p99=1, requests=1).capacity == 500
    assert Window(app=0.001, postgres=0.004, rate=1, p50=1, p99=1, requests=1).capacity == 250
