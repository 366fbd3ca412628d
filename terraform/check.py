"""`make check-terraform`: format, tables, validity and the tests of every module, offline, against mocks.

All of it on a copy: `terraform init` writes beside what it reads. Two at a time, for each of them starts the provider.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from terraform import document
from terraform.document import GROUND
from terraform.environment import ENVIRONMENTS

TESTS = "tests"
AT_ONCE = 2
LEFT_OUT = shutil.ignore_patterns(".terraform", "*.tfstate*", "__pycache__", "double", "*.tfplan")


class Step(NamedTuple):
    """What is checked, the folder it is checked in, and Terraform's words; the first that fails ends it."""

    name: str
    folder: Path
    commands: Sequence[Sequence[str]]


def steps(ground: Path) -> Iterator[Step]:
    init = ("init", "-backend=false", "-input=false", "-no-color")
    # The longest first, so that the last one does not run alone.
    files = sorted((ground / TESTS).glob("*.tftest.hcl"), key=lambda file: -file.stat().st_size)
    for file in files:
        test = ("test", f"-test-directory={TESTS}", f"-filter={TESTS}/{file.name}", "-no-color")
        yield Step(f"test {file.name}", ground, [test])
    for folder in [
        *sorted(path for path in (ground / ENVIRONMENTS.name).iterdir() if path.is_dir()),
        ground / "bootstrap",
    ]:
        yield Step(f"validate {folder.relative_to(ground)}", folder, [init, ("validate", "-no-color")])


def run(step: Step) -> tuple[Step, str, float]:
    """What it said where it failed, else nothing, and its seconds."""
    started = time.monotonic()
    for words in step.commands:
        done = subprocess.run(["terraform", *words], cwd=step.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return step, done.stdout + done.stderr, time.monotonic() - started
    said = done.stdout.strip().splitlines()[-1]
    # A file whose runs were all left out passes as well, says Terraform.
    return step, said if "Success! 0 passed" in said else "", time.monotonic() - started


def main() -> None:
    if not shutil.which("terraform"):
        raise SystemExit("There is no terraform here: install it, 1.11 or later.")
    document.main(["--check"])
    if subprocess.run(["terraform", "fmt", "-check", "-recursive", str(GROUND)], check=False).returncode:
        raise SystemExit("These are not laid out as `terraform fmt -recursive terraform` does it.")
    with TemporaryDirectory(prefix="careway-terraform-") as scratch:
        ground = Path(shutil.copytree(GROUND, Path(scratch) / "terraform", ignore=LEFT_OUT))
        init = ["terraform", "init", "-backend=false", "-input=false", f"-test-directory={TESTS}"]
        if subprocess.run(init, cwd=ground, stdout=subprocess.DEVNULL, check=False).returncode:
            raise SystemExit("terraform init failed: see above.")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failed = 0
            for step, said, seconds in pool.map(run, steps(ground)):
                sys.stdout.write(f"{'FAILED' if said else 'ok':6}  {seconds:5.1f} s  {step.name}\n")
                failed += bool(said)
                if said:
                    sys.stdout.write(said + "\n")
    if failed:
        raise SystemExit(f"{failed} failed: see above.")


if __name__ == "__main__":
    main()
