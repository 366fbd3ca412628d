"""Load by wrk, and what it cost: processor time of the stack and of PostgreSQL, as the operating system counts it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.contenders import THREADS
from bench.environment import refuse
from bench.processes import cpu_seconds, family
from bench.serving import Stack
from bench.works import Work

CONNECTIONS = 16
# As many as threads: gunicorn's own worker gives a new connection a thread for half a second, whether it speaks or not.
CALM_CONNECTIONS = THREADS
# wrk ends by itself when we do not end it.
LONGEST_SECONDS = 600
# A page by number of a stack that reads all rows before it takes a sixth of a second, and sixteen wait in its queue.
SETTLING_SECONDS = 20
# Targets in their order, or bodies that are all different. A target's ETag stands behind a tab. At a given rate each
# connection waits before each request, for a time that is random so that they do not march in step.
SCRIPT = """
local paths, tags = {}, {}
for line in io.lines("<TARGETS>") do
  local path, tag = line:match("^(.-)\\t(.*)$")
  paths[#paths + 1], tags[#tags + 1] = path, tag
end
local at = 0
local headers = <HEADERS>
request = function()
  at = at + 1
  local path, tag = paths[(at - 1) % #paths + 1], tags[(at - 1) % #paths + 1]
  if "<METHOD>" == "GET" then
    if tag ~= "" then headers["If-None-Match"] = tag end
    return wrk.format("GET", path, headers)
  end
  headers["Idempotency-Key"] = "<SEED>-" .. at
  return wrk.format("POST", path, headers, (<BODY>:gsub("NUMBER", "<SEED>-" .. at)))
end
if <DELAY> > 0 then delay = function() return math.random(0, 2 * <DELAY>) end end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT{"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f}\\n', summary.requests,
    summary.duration / 1e6, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Window:
    """One stretch of load: seconds of processor time for a request, requests a second, latencies in milliseconds."""

    app: float
    postgres: float
    rate: float
    p50: float
    p99: float
    requests: int

    @property
    def capacity(self) -> float:
        """Requests a second of a core for the stack and one for PostgreSQL: the slower of the two is the limit."""
        return 1 / max(self.app, self.postgres, 1e-6)


def has_generator() -> bool:
    return shutil.which("wrk") is not None


def check_generator() -> None:
    """Ends the program where there is none."""
    if not has_generator():
        refuse("the load generator wrk is missing; install it with `apt-get install wrk` (or `brew install wrk`)")


@dataclass
class Load:
    """What is asked of a stack, from the given cores; PostgreSQL is known by its postmaster."""

    folder: Path
    postmaster: int
    cores: Sequence[int]
    windows: int = 0

    def window(self, stack: Stack, work: Work, seconds: float, *, rate: float = 0) -> Window:
        """At full speed, or at about `rate` requests a second. Raises SystemExit where any request fails."""
        self.windows += 1
        script = self._script(stack, work, rate)
        processes = stack.processes(), family(self.postmaster)
        self._settle(processes[1])
        before = [cpu_seconds(each) for each in processes]
        found = self._run(script, stack.port, seconds, CALM_CONNECTIONS if rate else CONNECTIONS)
        app, postgres = (cpu_seconds(each) - used for each, used in zip(processes, before, strict=True))
        number = int(found["requests"])
        if not number and not found["failed"] and seconds < LONGEST_SECONDS / 10:
            # On a busy machine a short window may be over before the first answer.
            return self.window(stack, work, seconds * 3, rate=rate)
        if found["failed"] or not number:
            said = f": {stack.said()[-1000:]}" if stack.process and stack.process.poll() is not None else ""
            raise SystemExit(
                f"bench: {stack.name} failed {found['failed']:.0f} of {number} requests of {work.name}{said}"
            )
        rate_reached = number / found["seconds"]
        return Window(app / number, postgres / number, rate_reached, found["p50"], found["p99"], number)

    def _run(self, script: Path, port: int, seconds: float, connections: int) -> dict[str, float]:
        """Ended by a signal, since wrk counts in whole seconds; it then says what it has."""
        command = ["taskset", "-c", ",".join(map(str, self.cores))]
        command += ["wrk", "-t1", f"-c{connections}", f"-d{LONGEST_SECONDS}s", "-s", str(script)]
        with subprocess.Popen(
            [*command, f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as generator:
            try:
                told = _told(generator, seconds)
            finally:
                generator.kill()
        if "RESULT" not in told and generator.returncode not in {-signal.SIGINT, 128 + signal.SIGINT}:
            raise SystemExit(f"bench: wrk said no result:\n{told[-1000:]}")
        found: dict[str, float] = json.loads(told.partition("RESULT")[2] or '{"requests": 0, "failed": 0}')
        return found

    def _settle(self, postgres: list[psutil.Process]) -> None:
        """Until PostgreSQL has done what the window before has left it: its load has gone, its queries have not."""
        until, used = time.monotonic() + SETTLING_SECONDS, cpu_seconds(postgres)
        while time.monotonic() < until:
            time.sleep(0.05)
            last, used = used, cpu_seconds(postgres)
            if used - last < 0.005:
                return

    def _script(self, stack: Stack, work: Work, rate: float) -> Path:
        targets = self.folder / "targets"
        lines = [f"{target.path}\t{target.etag}\n" for target in work.targets[stack.name]]
        targets.write_text("".join(lines), encoding="utf-8")
        headers = {**stack.headers, **({"Content-Type": "application/json"} if work.body else {})}
        values = {
            "TARGETS": str(targets),
            "HEADERS": "{"
            + ", ".join(f"[{json.dumps(name)}]={json.dumps(each)}" for name, each in headers.items())
            + "}",
            "METHOD": "POST" if work.body else "GET",
            "BODY": f"({json.dumps(work.body)})",
            "SEED": f"{self.windows}",
            "DELAY": str(round(CALM_CONNECTIONS / rate * 1000) if rate else 0),
        }
        text = SCRIPT
        for name, value in values.items():
            text = text.replace(f"<{name}>", value)
        script = self.folder / "load.lua"
        script.write_text(text, encoding="utf-8")
        return script


def _told(generator: subprocess.Popen[str], seconds: float) -> str:
    """What wrk says when it is ended. On a busy machine the first signal may find it before it listens, or sleeps."""
    for each in (seconds, *[0.5] * 60):
        with suppress(subprocess.TimeoutExpired):
            return generator.communicate(timeout=each)[0]
        generator.send_signal(signal.SIGINT)
    raise SystemExit("bench: wrk does not end")
