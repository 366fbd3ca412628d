"""From the start of the process to the first 200, beside plain Django with one view: `python -m bench.startup`.

All are asked for `/readyz` on the same gunicorn, with bytecode written and a migrated PostgreSQL. Careway has production's
settings, and serves one service. The packages are those of the image, where they can be installed: beside those of the
tests, telemetry imports more. A round starts each stack once, alone, in changing order. Of the two times that of the
processor is disturbed less by other programs. `--quick` takes fewer rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import bench.own_database  # noqa: F401  (before settings load)
from bench import results
from bench.contenders import gunicorn, ours
from bench.database import ORGANIZATION, database
from bench.environment import end_on_signals
from bench.serving import Stack
from bench.starts import measure, rows
from tests.servers import ROOT

SECTION = "startup"
FLOOR = "plain"
ROUNDS, QUICK_ROUNDS = 21, 5


def stacks(collector: str, folder: Path, python: str) -> list[Stack]:
    """Plain Django, then Careway as contenders.py has it, but for its settings, which are production's."""
    from chassis.development import development_issuers

    keys = development_issuers(folder / "key.json")[0]["jwks_file"]
    issuer = {"name": "bench", "issuer": "https://issuer.bench.invalid", "audiences": ["careway"], "jwks_file": keys}
    own = {
        "CAREWAY_ENVIRONMENT": "production",
        "CAREWAY_SECRET_KEY": os.urandom(32).hex(),
        "CAREWAY_ALLOWED_HOSTS": "127.0.0.1",
        "CAREWAY_TRUSTED_ISSUERS": json.dumps([{**issuer, "organization": ORGANIZATION}]),
        # Empty is unset: without bytecode every start would compile all packages anew.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    found = [Stack(FLOOR, gunicorn("bench.stacks.plain")), *ours(collector, "")]
    return [
        replace(each, command=[python, *each.command[1:]], environment={**each.environment, **own}) for each in found
    ]


def image_python(folder: Path) -> str:
    """A Python that has the image's packages and no other; empty where they cannot be installed."""
    python = folder / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    install = ["pip", "install", "--require-hashes", "--compile-bytecode", "--python", str(python)]
    lock = str(ROOT / "requirements" / "runtime.txt")
    for command in (["venv", "--python", sys.executable, str(folder / "venv")], [*install, "--requirement", lock]):
        if subprocess.run([*uv, *command], check=False).returncode:
            sys.stderr.write("bench: the image's packages cannot be installed; those of the tests are taken\n")
            return ""
    return str(python)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.startup", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds in place of {ROUNDS}")
    asked = parser.parse_args(arguments)
    end_on_signals()
    import django

    django.setup()
    from tests.broken_collector import failing, serving

    with (
        database(1, 0) as migrated,
        serving(failing(b"200 OK")) as collector,
        TemporaryDirectory(prefix="careway-bench-") as name,
    ):
        folder = Path(name)
        python = image_python(folder)
        variables = {"DATABASE_URL": migrated.url, "BENCH_ORGANIZATION": ORGANIZATION}
        found = stacks(collector, folder, python or sys.executable)
        starts = measure(found, folder, variables, QUICK_ROUNDS if asked.quick else ROUNDS)
    packages = "image" if python else "development"
    results.add(SECTION, list(rows(starts, FLOOR, packages=packages)), quick=asked.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
