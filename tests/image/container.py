"""The image as processes of this machine, as Kubernetes would run it: a read-only root, no rights, one processor.

By Docker where it built the image; else by runc, which needs root and lays the image out in a folder. Both leave the
machine's own network in place, so that a database on 127.0.0.1 can be reached.
"""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

from docker.builders import Builder
from tests.image.archive import Archive

USER = 10001
# The only places where files can be written; they are memory.
MEMORY = ("/tmp", "/dev/shm")
STATE = "/srv/careway/.careway"
PERIOD = 100_000


@dataclass(frozen=True)
class Run:
    """What is run: the words after `careway`, with these variables, as this user; `memory` are more places to write."""

    words: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    user: int = USER
    memory: Sequence[str] = ()


class Runner(Protocol):
    """How a container is started and ended."""

    def command(self, name: str, run: Run) -> list[str]:
        """Runs in the foreground until the container ends, whose exit status is its own."""

    def first_process(self, name: str) -> int:
        """The number that the container's first process has on this machine."""

    def signal(self, name: str, number: int) -> None: ...

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True)
class Docker:
    image: str

    def command(self, name: str, run: Run) -> list[str]:
        variables = [word for key, text in run.variables.items() for word in ("--env", f"{key}={text}")]
        memory = [word for path in (*MEMORY, *run.memory) for word in ("--tmpfs", f"{path}:{_owner(run)}")]
        return [
            *("docker", "run", "--rm", "--name", name, "--network", "host", "--cpus", "1", "--read-only"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{run.user}:{run.user}"),
            *(*memory, *variables, self.image, *run.words),
        ]

    def first_process(self, name: str) -> int:
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", name]
        return int(subprocess.run(asked, capture_output=True, check=True).stdout)

    def signal(self, name: str, number: int) -> None:
        subprocess.run(["docker", "kill", "--signal", str(number), name], capture_output=True, check=True)

    def remove(self, name: str) -> None:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


@dataclass
class Runc:
    """Each container is a folder with a configuration; all share the one root, which none of them can write."""

    archive: Archive
    folder: Path
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.folder / "root"
        self.root.mkdir()
        self.archive.unpack(self.root)

    def command(self, name: str, run: Run) -> list[str]:
        bundle = self.folder / name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(self._configuration(run)), encoding="utf-8")
        return ["runc", "run", "--no-new-keyring", "--bundle", str(bundle), name]

    def _configuration(self, run: Run) -> dict[str, Any]:
        of_image = self.archive.configuration["config"]
        variables = dict(each.split("=", 1) for each in of_image["Env"]) | dict(run.variables)
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": run.user, "gid": run.user},
                "args": [*of_image["Entrypoint"], *(run.words or of_image["Cmd"])],
                "env": [f"{name}={text}" for name, text in variables.items()],
                "cwd": of_image["WorkingDir"],
                "capabilities": {each: [] for each in ("bounding", "effective", "permitted")},
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.root), "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755", "size=65536k"]},
                *(_memory(path, _owner(run)) for path in (*MEMORY, *run.memory)),
            ],
            "linux": {
                "namespaces": [{"type": each} for each in ("pid", "mount", "ipc", "uts")],
                "resources": {"cpu": {"quota": PERIOD, "period": PERIOD}},
            },
        }

    def first_process(self, name: str) -> int:
        asked = subprocess.run(["runc", "state", name], capture_output=True, check=True)
        return int(json.loads(asked.stdout)["pid"])

    def signal(self, name: str, number: int) -> None:
        subprocess.run(["runc", "kill", name, str(number)], capture_output=True, check=True)

    def remove(self, name: str) -> None:
        subprocess.run(["runc", "delete", "--force", name], capture_output=True, check=False)


def _owner(run: Run) -> str:
    """Of a place to write: runc gives it the permissions of the folder it hides, and root, if nobody is named."""
    return f"uid={run.user},gid={run.user}"


def _memory(path: str, owner: str) -> dict[str, Any]:
    options = ["nosuid", "nodev", *owner.split(","), "size=65536k"]
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": options}


def runner_for(program: Builder, image: str, folder: Path) -> Runner:
    """`folder` is empty but for `image.tar`, which the image is saved to when it is not there."""
    if program.name == "docker":
        return Docker(image)
    path = folder / "image.tar"
    if not path.exists():
        program.write(image, path)
    return Runc(Archive(path), folder)


@dataclass
class Container:
    """Use as a context: what is run is gone afterwards."""

    runner: Runner
    run: Run
    name: str = field(default_factory=lambda: f"careway-{uuid.uuid4().hex[:12]}")
    process: subprocess.Popen[str] | None = None
    began: float = 0

    def __enter__(self) -> Container:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.runner.command(self.name, self.run),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *trouble: object) -> None:
        self.runner.remove(self.name)
        assert self.process
        self.process.communicate(timeout=30)

    def wait_until_ready(self, port: int, seconds: float = 60) -> float:
        """Asks /readyz until it is 200, and answers the seconds since the start. What ends before that says why."""
        assert self.process
        until = self.began + seconds
        while self.process.poll() is None:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3):
                return time.monotonic() - self.began
            assert time.monotonic() < until, f"{self.run.words} was not ready in {seconds:.0f} s"
            time.sleep(0.005)
        raise AssertionError(f"{self.run.words} ended before it was ready: {self.end()}")

    def end(self, timeout: float = 60) -> tuple[int, str]:
        """Waits until it ends by itself: its exit status, and all that it printed."""
        assert self.process
        output, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode, output

    def processes(self) -> list[int]:
        """Its first process and the children of that: gunicorn's master, then the workers. As this machine counts."""
        first = self.runner.first_process(self.name)
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="utf-8")
        return [first, *map(int, children.split())]
