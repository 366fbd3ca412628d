"""The real kubectl, as people use it: what it is told is what a platform engineer can repeat by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("kubectl") or "kubectl"
Object = dict[str, Any]
NOBODY = re.compile(r"connection to the server .* was refused|Unable to connect to the server|cluster unreachable")
# An exec over WebSockets ends a minute after one ping was late by two seconds, as it is where two cores do all the work.
os.environ.setdefault("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")


class Failed(AssertionError):
    """A command that ended with something else than 0; `told` is what it said."""

    def __init__(self, command: Sequence[str], told: str) -> None:
        super().__init__(f"{' '.join(command)}: {told}")
        self.told = told


class Unreachable(Exception):
    """Nobody answered for the cluster. That is no promise broken: nothing was tried."""


def run(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float = 300,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """What a command writes to stdout. Raises Failed with all it said, and Unreachable."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout, env=environment, cwd=folder
    )
    if done.returncode:
        told = (done.stderr + done.stdout).strip()
        raise (Unreachable if NOBODY.search(told) else Failed)(command, told)
    return done.stdout


def kubectl(*words: str, stdin: str | None = None, timeout: float = 300) -> str:
    return run([PROGRAM, *words], stdin=stdin, timeout=timeout)


def refusal(*words: str, stdin: str | None = None) -> str:
    """What kubectl says when it is refused. Raises AssertionError when it is not."""
    try:
        answer = kubectl(*words, stdin=stdin)
    except Failed as error:
        return error.told
    raise AssertionError(f"kubectl {' '.join(words)} was not refused: {answer}")


def get(namespace: str, kind: str, *words: str) -> Any:
    """An object, or a list's items."""
    found = json.loads(kubectl("--namespace", namespace, "get", kind, *words, "--output", "json"))
    return found["items"] if found["kind"] == "List" else found


def apply(objects: Iterable[Object], *words: str) -> str:
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return kubectl("apply", "--filename", "-", *words, stdin=listed)


def within(
    namespace: str, pod: str, *command: str, stdin: str | None = None, container: str = "", timeout: float = 120
) -> str:
    """Runs a command in a pod, or in a pod of a Deployment (`deployment/name`)."""
    chosen = ["--container", container] if container else []
    given = ["--stdin"] if stdin is not None else []
    words = ["--namespace", namespace, "exec", *given, pod, *chosen, "--", *command]
    return kubectl(*words, stdin=stdin, timeout=timeout)


def rolled_out(namespace: str, deployment: str, seconds: int = 180) -> None:
    kubectl("--namespace", namespace, "rollout", "status", f"deployment/{deployment}", f"--timeout={seconds}s")


def pods(namespace: str, labels: str) -> list[Object]:
    """Pods with these labels that nobody has told to end."""
    found = get(namespace, "pods", "--selector", labels)
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


def name_of(found: Object) -> str:
    return str(found["metadata"]["name"])


def patch(namespace: str, kind: str, name: str, operation: str, path: str, value: object) -> None:
    """One operation of a JSON Patch (RFC 6902)."""
    change = json.dumps([{"op": operation, "path": path, "value": value}])
    kubectl("--namespace", namespace, "patch", kind, name, "--type=json", f"--patch={change}")


def eventually(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true answer. Raises AssertionError with the last one, or with the last failure, when time is over."""
    until = time.monotonic() + seconds
    last: Any = None
    while True:
        try:
            if last := holds():
                return last
        except (AssertionError, Unreachable, subprocess.TimeoutExpired) as error:
            last = error
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last: {last}")
        time.sleep(1)
