"""Servers of the bench: a stack each, one process of it, all at once on the same cores."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.processes import family
from tests.servers import ROOT, free_port, product_environment

START_SECONDS = 60
PORTS_TRIED = 3


@dataclass
class Answer:
    """What a stack says to one request."""

    status: int
    body: bytes
    etag: str


@dataclass
class Stack:
    """One way to do the work: a command in which PORT stands for the port.

    `paging` is the parameter by which its lists go on: `page` a number, `after` a key, `cursor` what the server signed.
    `checks` is whether it judges what is sent.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    paging: str = "after"
    checks: bool = True
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    output: Path | None = None

    def start(self, folder: Path, variables: dict[str, str], cores: Sequence[int]) -> None:
        """On a free port, and without waiting: see `wait`."""
        self.port = self.port or free_port()
        self.output = folder / f"{self.name}.log"
        with self.output.open("wb") as printed:
            self.process = subprocess.Popen(
                [each.replace("PORT", str(self.port)) for each in self.command],
                cwd=ROOT,
                env=product_environment(**{**self.environment, **variables}),
                stdout=printed,
                stderr=subprocess.STDOUT,
                # Out of reach of the terminal's Ctrl-C: it is the bench that stops it.
                start_new_session=True,
            )
        with suppress(psutil.Error):  # when it has ended already, which `wait` will tell
            psutil.Process(self.process.pid).cpu_affinity(list(cores))

    def wait(self, folder: Path, variables: dict[str, str], cores: Sequence[int]) -> None:
        """Until it is ready. Where another took its port meanwhile, it starts again on the next."""
        for left in reversed(range(PORTS_TRIED)):
            if self._becomes_ready():
                return
            self.stop()
            if not left or not self._port_was_taken():
                break
            self.port = 0
            self.start(folder, variables, cores)
        raise SystemExit(f"bench: {self.name} did not start. It said:\n{self.said()[-2000:]}")

    def _becomes_ready(self) -> bool:
        assert self.process
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None and not self._port_was_taken():
            with suppress(OSError, HTTPException):
                if self.listens() and self.call("GET", "/readyz").status == 200:
                    return True
            time.sleep(0.05)
        return False

    def listens(self) -> bool:
        """Whether it is this stack that listens there: on a busy port another program would be measured in its name."""
        found: list[int] = []
        for process in self.processes():
            with suppress(psutil.Error):
                found += [each.laddr.port for each in process.net_connections("tcp") if each.status == "LISTEN"]
        return self.port in found

    def _port_was_taken(self) -> bool:
        return "in use" in self.said()

    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace") if self.output else ""

    def call(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """One request on a connection of its own."""
        named = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if body is not None:
            named["Content-Type"] = "application/json"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers.get("ETag", ""))
        finally:
            connection.close()

    def stop(self) -> None:
        """At once, with all its processes; nothing of it is kept."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Its master and workers, or none when it has ended."""
        try:
            return family(self.process.pid) if self.process else []
        except psutil.NoSuchProcess:
            return []


@contextmanager
def running(stacks: Sequence[Stack], variables: dict[str, str], cores: Sequence[int]) -> Iterator[None]:
    """All of them, ready. They start together: one alone takes seconds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="careway-bench-")))
        for each in stacks:
            stack.callback(each.stop)
            each.start(folder, variables, cores)
        for each in stacks:
            each.wait(folder, variables, cores)
        yield


def half_of_the_cores() -> tuple[list[int], list[int]]:
    """Those of the stack, and those of the load; on a single one they share it."""
    cores = sorted(os.sched_getaffinity(0))
    half = max(1, len(cores) // 2)
    return cores[:half], cores[half:] or cores
