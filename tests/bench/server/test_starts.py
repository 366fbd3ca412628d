"""bench/starts.py, on a server of a few lines."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from bench.serving import Stack
from bench.starts import Start, measure, rows, start

SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(503 if len(asked) < 3 else 200)
        self.end_headers()
asked = []
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def stack(code: str = SERVER) -> Stack:
    return Stack("small", [sys.executable, "-c", code, "PORT"])


class TestAStart:
    def test_it_lasts_until_the_first_200(self, tmp_path: Path) -> None:
        small = stack()
        taken = start(small, tmp_path, {})
        assert small.said().count("GET /readyz") == 3
        assert 0 < taken.cpu < 5
        assert taken.wall > 0

    def test_it_leaves_no_process_behind(self, tmp_path: Path) -> None:
        small = stack()
        start(small, tmp_path, {})
        assert small.process
        assert not psutil.pid_exists(small.process.pid)

    def test_one_that_ends_early_is_told_in_its_own_words(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match=r"small did not start\. It said:\nno such database"):
            start(stack("raise SystemExit('no such database')"), tmp_path, {})

    def test_the_first_round_is_not_counted(self, tmp_path: Path) -> None:
        assert [len(taken) for taken in measure([stack()], tmp_path, {}, 2).values()] == [2]


class TestTheRows:
    def test_a_ratio_is_to_the_floor_of_the_same_round(self) -> None:
        starts = {"plain": [Start(1, 1), Start(4, 2), Start(2, 1)], "own": [Start(2, 4), Start(8, 4), Start(8, 2)]}
        plain, own = rows(starts, "plain", packages="image")
        assert (plain["stack"], plain["ratio_to_floor"], plain["lowest"]) == ("plain", 1, 1)
        assert (own["ratio_to_floor"], own["lowest"], own["highest"]) == (0.5, 0.25, 0.5)
        assert (own["cpu_ratio"], own["start_s"], own["cpu_s"], own["rounds"]) == (0.5, 8, 4, 3)
        assert own["packages"] == "image"
