"""bench/serving.py: servers that find their port taken, that do not start, and that are to be gone afterwards."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.serving import Stack, running

SERVER = """
import http.server, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CORES = [min(psutil.Process().cpu_affinity())]


def stack(name: str = "one", program: str = SERVER) -> Stack:
    return Stack(name, [sys.executable, "-c", program, "PORT"])


def test_a_busy_port_is_left_for_another() -> None:
    """Another program that answers there is not measured in its name."""
    taken = stack("first")
    with running([taken], {}, CORES):
        late = stack("second")
        late.port = taken.port
        with running([late], {}, CORES):
            assert late.port != taken.port
            assert late.call("GET", "/").status == 200
            assert {each.pid for each in late.processes()}.isdisjoint(each.pid for each in taken.processes())


def test_one_port_after_another_being_busy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr("bench.serving.free_port", lambda: port)
        with pytest.raises(SystemExit, match=r"one did not start(.|\n)*in use"), running([stack()], {}, CORES):
            pass


def test_what_does_not_start_says_why_and_ends_all_the_others() -> None:
    good, bad = stack("good"), stack("bad", "raise SystemExit('no table')")
    with pytest.raises(SystemExit, match=r"bad did not start. It said:\nno table"), running([good, bad], {}, CORES):
        pass
    assert (good.processes(), bad.processes()) == ([], [])


@pytest.mark.parametrize("failure", [None, SystemExit(1), KeyboardInterrupt()], ids=["well", "badly", "by Ctrl-C"])
def test_nothing_is_left_however_it_ends(
    failure: BaseException | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    processes: list[psutil.Process] = []
    with suppress(SystemExit, KeyboardInterrupt), running([stack()], {}, CORES):
        children = psutil.Process().children(recursive=True)
        processes += [each for each in children if "sleep(600)" in str(each.cmdline())]
        assert processes
        assert list(tmp_path.iterdir())
        if failure:
            raise failure
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert list(tmp_path.iterdir()) == []


def test_it_runs_on_the_cores_that_it_is_given() -> None:
    one = stack()
    with running([one], {}, CORES):
        assert [each.cpu_affinity() for each in one.processes()] == [CORES, CORES]
