"""An environment's ground on a double of AWS of its own: built, compared, destroyed, by the verbs of the Makefile.

The environment is applied as it stands in the repository, from a copy: an override file beside its `main.tf` names the
double, and keeps the state in a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "terraform" / "environments"
BACKEND = """
terraform {
  backend "local" {}
}
"""
PROVIDER = """
provider "aws" {
  %s
  access_key                  = "made-up"
  secret_key                  = "made-up"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 2
}
"""
LEFT_OUT = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")


class Failed(Exception):
    """Terraform's own words."""


@dataclass(frozen=True)
class Ground:
    environment: str
    work: Path
    endpoint: str = ""

    @property
    def folder(self) -> Path:
        """What an account is prepared with is beside the environments."""
        ground = self.work / "terraform"
        return (
            ground / self.environment if self.environment == "bootstrap" else ground / "environments" / self.environment
        )

    def copy(self) -> None:
        shutil.copytree(ROOT / "terraform", self.work / "terraform", ignore=LEFT_OUT)
        written = "".join(file.read_text(encoding="utf-8") for file in self.folder.glob("*.tf"))
        aliases = ["", *re.findall(r"^\s*alias\s*=.*", written, re.MULTILINE)]
        override = BACKEND + "".join(PROVIDER % alias.strip() for alias in aliases)
        (self.folder / "double_override.tf").write_text(override, encoding="utf-8")

    def terraform(self, *words: str) -> str:
        return self._run(["terraform", f"-chdir={self.folder}", *words])

    def value(self, name: str) -> str:
        """One of the environment's own."""
        found = re.search(rf'^{name}\s*=\s*"(.+)"', self.values, re.MULTILINE)
        assert found, f"{name} is not in terraform.tfvars."
        return found[1]

    @property
    def values(self) -> str:
        return (ENVIRONMENTS / self.environment / "terraform.tfvars").read_text(encoding="utf-8")

    def apply(self, *words: str) -> None:
        self.terraform("init", "-input=false", "-no-color")
        self.terraform("apply", "-input=false", "-no-color", "-auto-approve", "-parallelism=20", *words)

    def destroy(self) -> None:
        self.terraform("destroy", "-input=false", "-no-color", "-auto-approve", "-parallelism=20")

    def resources(self) -> Iterator[dict[str, Any]]:
        """Every resource of the state, with what Terraform knows of it."""
        waiting = [json.loads(self.terraform("show", "-json"))["values"]["root_module"]]
        while waiting:
            module = waiting.pop()
            waiting += module.get("child_modules", [])
            yield from (each for each in module.get("resources", []) if each["mode"] == "managed")

    def drift(self) -> list[dict[str, Any]]:
        """What `make drift` finds, from the file that it writes."""
        self._run([sys.executable, "-m", "terraform.drift", self.environment], fine=(0, 2))
        report = self.work / "build" / "terraform" / f"{self.environment}-drift.json"
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
        return found

    def _run(self, words: list[str], *, fine: tuple[int, ...] = (0,)) -> str:
        # No credentials of the machine, and no address but the double's.
        mine = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_", "TF_DATA"))
        }
        environment = mine | {"AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
        done = subprocess.run(words, cwd=self.work, env=environment, capture_output=True, text=True, check=False)
        with (self.work / "said.log").open("a", encoding="utf-8") as log:
            log.write(done.stdout * ("-json" not in words) + done.stderr)
        if done.returncode not in fine:
            raise Failed(done.stdout[-2000:] + done.stderr[-8000:])
        return done.stdout


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start_double(account: str, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The double, answering, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "terraform.tests.double", str(port)]
    environment = os.environ | {"MOTO_ACCOUNT_ID": account}
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT)
    answers(port)
    return process, f"http://127.0.0.1:{port}"


def answers(port: int) -> None:
    """Once somebody listens there; the double needs seconds, for it loads what it wraps."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise Failed(f"Nobody answers at port {port}.")
