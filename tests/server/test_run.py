"""`make run`: says where it serves, seeds once, stops everything it started, and words a busy port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings

from tests.servers import ROOT, free_port, make_database
from tests.worlds import world_of

# Whose list the process proposes to try.
SERVICE = settings.SERVICES[0]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": make_database("careway_run"), "CAREWAY_LOG_LEVEL": "ERROR"}


def start(environment: dict[str, str], port: int, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "run", *arguments],
        cwd=ROOT,
        env={**environment, "CAREWAY_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_until_ready(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(URLError), urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200
            return
        time.sleep(0.2)
    raise AssertionError("not ready in 60 s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_serves_and_stops_all_it_started(environment: dict[str, str], number: signal.Signals) -> None:
    port = free_port()
    process = start(environment, port, "--without-demo")
    wait_until_ready(port)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 0, output
    assert f"http://127.0.0.1:{port}/{SERVICE}/v1/docs" in output
    (example,) = re.findall(r'curl -s -H "Authorization: Bearer \$TOKEN" "(\S+)"', output)
    assert example == f"http://127.0.0.1:{port}/{SERVICE}/v1/{world_of(SERVICE).plain(1)[0]}?limit=2"
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):  # noqa: PT011  (refused or reset)
        pass


def test_it_words_a_busy_port(environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(environment, port)
        output, _ = process.communicate(timeout=40)
    assert process.returncode != 0
    assert f"Port {port} is in use" in output
    assert "Traceback" not in output


def test_it_makes_a_token_alone_on_its_line(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "token", "--scope", "", "--subject", "", "--organization", ""],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.count("\n") == 1
    assert done.stdout.count(".") == 2
