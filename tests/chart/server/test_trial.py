"""The server of a trial, started as its pod starts it: on this machine for port-forward, and on the pod's address."""

from __future__ import annotations

import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.chart.releases import trial
from tests.chart.rendering import named, render
from tests.servers import ROOT, free_port, product_environment


def arguments(address: str, port: int) -> list[str]:
    """The words after `careway serve`, as the kubelet fills them in."""
    (server,) = named(render(trial()), "Deployment", "own")["spec"]["template"]["spec"]["containers"]
    serve, *words = server["args"]
    assert serve == "serve"
    return [word.replace("$(K8S_POD_IP)", address).replace("8000", str(port)) for word in words]


def answers(address: str, port: int) -> bool:
    try:
        with urlopen(f"http://{address}:{port}/livez", timeout=2) as response:
            return bool(response.status == 200)
    except URLError:
        return False


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
def test_it_answers_on_both_addresses(server_database: str, address: str) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", *arguments(address, port)],
        cwd=ROOT,
        env=product_environment(DATABASE_URL=server_database),
    )
    try:
        until = time.monotonic() + 30
        own = f"[{address}]" if ":" in address else address
        while time.monotonic() < until and not (answers("127.0.0.1", port) and answers(own, port)):
            time.sleep(0.1)
        assert answers("127.0.0.1", port)
        assert answers(own, port)
        assert not answers("127.0.0.3", port)
    finally:
        process.terminate()
        assert process.wait(timeout=40) == 0
