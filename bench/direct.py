"""The application called as a worker calls it, by one thread of this process and without a server."""

from __future__ import annotations

import io
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

DATABASE = "careway_bench"
NUMBERS = itertools.count(time.time_ns() // 1_000_000)

Request = Callable[[], None]


def prepared(samples: int) -> tuple[str, list[str]]:
    """The value of an Authorization header, and the ids of so many samples in a new database that the application reads."""
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    from tests.servers import make_database

    make_database(DATABASE)
    settings.DATABASES["default"]["NAME"] = DATABASE  # on the same server
    django.setup()
    setup_test_environment()  # the test client makes what is read
    from tests.api import Api, token
    from tests.genomics import factories

    api = Api(service="genomics")
    return f"Bearer {token()}", [factories.sample(api)["id"] for _ in range(samples)]


def request(method: str, path: str, authorization: str, body: dict[str, Any] | None = None) -> Request:
    """One that fails loudly. A body's accession and the key of its repeats are new each time."""
    from config import wsgi

    application: Any = wsgi.application
    named = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }

    def ask() -> None:
        environ = {**named, "wsgi.input": io.BytesIO()}
        if body:
            number = next(NUMBERS)
            sent = json.dumps({**body, "accession": f"P-{number}"}).encode()
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(sent))}
            environ |= {"wsgi.input": io.BytesIO(sent), "HTTP_IDEMPOTENCY_KEY": str(number)}
        statuses: list[str] = []
        answer = application(environ, lambda status, headers, error=None: statuses.append(status))
        b"".join(answer)
        answer.close()
        if statuses[0][0] != "2":
            raise SystemExit(f"bench: {path} was answered {statuses}")

    return ask
