"""A read whose SQL was compiled by an earlier one, and one that is compiled for each request: `python -m bench.statements`.

The same requests of the same process, in turn, without an HTTP server; processor time of this process alone.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import bench.environment  # noqa: F401  (a local PostgreSQL, before settings load)

DATABASE = "careway_bench"
ROUNDS = 9
READS = 200
SAMPLES = 60
WAYS = ("compiled once", "compiled for each request")


def main() -> None:
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    from tests.servers import make_database

    make_database(DATABASE)
    settings.DATABASES["default"]["NAME"] = DATABASE  # on the same server
    django.setup()
    setup_test_environment()  # the test client makes what is read
    from chassis.statements import Question
    from tests.api import Api, token
    from tests.genomics import factories

    api = Api(service="genomics")
    samples = [factories.sample(api)["id"] for _ in range(SAMPLES)]
    print(f"{READS} reads a round, {ROUNDS} rounds\n\n| read | {WAYS[0]}: time of {WAYS[1]} (min–max) |\n|---|---|")
    for name, path in {"one record": f"/samples/{samples[0]}", "a page of 50": "/samples"}.items():
        read = reader(f"/genomics/v1{path}", f"Bearer {token()}")
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for number in range(ROUNDS):
            for way in WAYS if number % 2 else reversed(WAYS):
                if way == WAYS[0]:
                    times[way].append(seconds(read))
                else:
                    with patch.object(Question, "statement", lambda _: None):
                        times[way].append(seconds(read))
        ratios = [mine / theirs for mine, theirs in zip(*times.values(), strict=True)]
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")


def reader(path: str, authorization: str) -> Callable[[], None]:
    from config import wsgi

    application: Any = wsgi.application

    def read() -> None:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": authorization,
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
        }
        statuses: list[str] = []
        answer = application(environ, lambda status, headers, error=None: statuses.append(status))
        b"".join(answer)
        answer.close()
        if statuses != ["200 OK"]:
            raise SystemExit(f"bench: {path} was answered {statuses}")

    return read


def seconds(read: Callable[[], None]) -> float:
    read()
    begun = time.process_time()
    for _ in range(READS):
        read()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
