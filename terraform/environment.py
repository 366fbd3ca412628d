"""One environment of the ground: its folder, its plan and its outputs, as Terraform itself tells them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "terraform" / "environments"
# Plans hold whatever the ground is made of: never in the repository.
BUILD = ROOT / "build" / "terraform"
NOTHING, CHANGES = 0, 2


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

    def plan(self) -> bool:
        """Plans into the plan's file, without a lock on the state; whether there is anything to do.

        A look must not stand in the way of an apply, and a plan that grew old is refused by Terraform itself.
        """
        self.init()
        BUILD.mkdir(parents=True, exist_ok=True)
        words = ["plan", "-input=false", "-lock=false", "-detailed-exitcode", f"-out={self.plan_file}"]
        return self._run(words, fine=(NOTHING, CHANGES)) == CHANGES

    def init(self) -> None:
        self._run(["init", "-input=false"])

    def apply(self) -> None:
        """The plan that was looked at, and no other."""
        if not self.plan_file.exists():
            raise SystemExit(f"There is no plan: `make plan ENV={self.name}` first, and read it.")
        self.init()
        self._run(["apply", "-input=false", str(self.plan_file)])
        self.plan_file.unlink()

    def planned(self) -> dict[str, Any]:
        """The plan as JSON: https://developer.hashicorp.com/terraform/internals/json-format."""
        return self._json("show", "-json", str(self.plan_file))

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last apply, by name."""
        return {name: output["value"] for name, output in self._json("output", "-json").items()}

    def _run(self, words: Sequence[str], *, fine: Sequence[int] = (NOTHING,)) -> int:
        """What Terraform says goes to stderr, so that stdout is the verb's own."""
        command = ["terraform", f"-chdir={self.folder}", *words]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode not in fine:
            raise SystemExit(f"terraform {words[0]} of {self.name} failed: see above.")
        return done.returncode

    def _json(self, *words: str) -> dict[str, Any]:
        command = ["terraform", f"-chdir={self.folder}", *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"terraform {words[0]} of {self.name} failed: see above.")
        read: dict[str, Any] = json.loads(done.stdout)
        return read
