"""`make image`: builds the image and tells it which version and which commit it is.

Flags after `--` go to the builder as they are, such as `--secret id=pip,src=pip.conf` for a private package index.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from docker.builders import builder

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


class Commit(NamedTuple):
    """What is checked out; a change that is not committed shows in the revision."""

    revision: str
    seconds: int

    @property
    def created(self) -> str:
        return datetime.fromtimestamp(self.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def commit() -> Commit:
    """Of no checkout, such as an unpacked archive, nothing is known: the revision is empty, and time begins in 1970."""
    try:
        revision, seconds = _git("log", "-1", "--format=%H %ct").split()
        dirty = bool(_git("status", "--porcelain"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return Commit("", 0)
    return Commit(f"{revision}-dirty" if dirty else revision, int(seconds))


def _git(*words: str) -> str:
    command = ["git", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def name_of(registry: str, tag: str) -> str:
    """`registry/careway:0.1.0`; without a registry the image stays on this machine."""
    return f"{registry.rstrip('/')}/{PROJECT['name']}:{tag}".lstrip("/")


def arguments(base: str, version: str, source: str) -> list[str]:
    """The build arguments, as words of the command."""
    found = commit()
    values = {
        "BASE": base,
        "VERSION": version,
        "REVISION": found.revision,
        "CREATED": found.created,
        "SOURCE": source,
        "SOURCE_DATE_EPOCH": str(found.seconds),
    }
    return [word for name, text in values.items() if text for word in ("--build-arg", f"{name}={text}")]


def built(image: str, version: str, base: str, source: str, flags: Sequence[str]) -> str:
    """Builds the image and answers its name. Ends the program where the builder fails, with its status."""
    values = arguments(base, version, source)
    command = [*builder().build, "--file", "docker/Dockerfile", "--tag", image, *values, *flags, "."]
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(status)
    return image


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="docker.build", description=__doc__.partition("\n")[0])
    parser.add_argument("--registry", default="", help="what comes before the name, such as a registry's host")
    parser.add_argument("--tag", default="", help="instead of the version in pyproject.toml")
    parser.add_argument("--base", default="", help="the base image; a release names its digest")
    parser.add_argument("--source", default="", help="where the source is published: the URL in the image's labels")
    parser.add_argument("flags", nargs="*", help="for the builder, after --")
    asked = parser.parse_args(words)
    version = asked.tag or PROJECT["version"]
    image = built(name_of(asked.registry, version), version, asked.base, asked.source, asked.flags)
    sys.stdout.write(f"{image} is built, with {builder().name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
