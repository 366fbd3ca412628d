"""One environment of the ground: its folder, its plan and its outputs, as Terraform itself tells them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "terraform" / "environments"
# Plans hold whatever the ground is made of: never in the repository.
BUILD = ROOT / "build" / "terraform"


@dataclass(frozen=True)
class Environment:
    name: str

    @classmethod
    def named(cls, name: str) -> Self:
        """Raises SystemExit where there is no such folder, and where Terraform is not installed."""
        known = sorted(path.name for path in ENVIRONMENTS.iterdir() if path.is_dir())
        if name not in known:
            raise SystemExit(f"ENV is {name or 'not set'}: it has to be one of {', '.join(known)}.")
        if not shutil.which("terraform"):
            raise SystemExit("There is no terraform here: install it, 1.11 or later.")
        return cls(name)

    @property
    def folder(self) -> Path:
        return ENVIRONMENTS / self.name

    @property
    def plan_file(self) -> Path:
        return BUILD / f"{self.name}.tfplan"

    def plan(self) -> dict[str, Any]:
        """Writes the plan that `apply` does, and tells it (https://developer.hashicorp.com/terraform/internals/json-format)."""
        return self._plan(self.plan_file)

    def look(self) -> dict[str, Any]:
        """The same as it would be now, into a file that nobody can apply."""
        with TemporaryDirectory(prefix="careway-plan-") as scratch:
            return self._plan(Path(scratch) / "look.tfplan")

    def init(self) -> None:
        self._run(["init", "-input=false"])

    def apply(self) -> None:
        """The plan that was looked at, and no other."""
        if not self.plan_file.exists():
            raise SystemExit(f"There is no plan: `make plan ENV={self.name}` first, and read it.")
        self.init()
        self._run(["apply", "-input=false", str(self.plan_file)])
        self.plan_file.unlink()

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last apply, by name."""
        return {name: output["value"] for name, output in self._json("output", "-json").items()}

    def _plan(self, file: Path) -> dict[str, Any]:
        """Without a lock on the state: it must not stand in an apply's way, and Terraform refuses a plan that grew old."""
        self.init()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._run(["plan", "-input=false", "-lock=false", f"-out={file}"])
        return self._json("show", "-json", str(file))

    def _run(self, words: Sequence[str]) -> None:
        """What Terraform says goes to stderr, so that stdout is the verb's own."""
        command = ["terraform", f"-chdir={self.folder}", *words]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode:
            raise SystemExit(f"terraform {words[0]} of {self.name} failed: see above.")

    def _json(self, *words: str) -> dict[str, Any]:
        command = ["terraform", f"-chdir={self.folder}", *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"terraform {words[0]} of {self.name} failed: see above.")
        read: dict[str, Any] = json.loads(done.stdout)
        return read
