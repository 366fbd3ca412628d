"""The chart as it is published: packaged by helm, tied to one image, and of one version with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from docker.build import PROJECT, ROOT

CHART = ROOT / "chart"
# That of the lock, and not whatever the machine has.
PROGRAM = str(Path(sys.executable).with_name("helm"))
# Helm adds the chart's name to where it pushes, so a chart and an image of one name cannot lie beside each other.
FOLDER = "charts"
NAME = f"{FOLDER}/{PROJECT['name']}"
# Where the packaged values differ from the checkout's.
REPOSITORY, DIGEST, TRIAL_IMAGE = "image.repository", "image.digest", "database.trialImage"


def login_file() -> Path:
    """Where `helm registry login` writes."""
    done = subprocess.run([PROGRAM, "env", "HELM_REGISTRY_CONFIG"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip().strip('"'))


def package(folder: Path, version: str, values: Mapping[str, str]) -> Path:
    """The chart of the checkout with these values as its defaults, as an archive in the folder."""
    copy = folder / "chart"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    text = (copy / "values.yaml").read_text(encoding="utf-8")
    for place, value in values.items():
        text = set_value(text, place, value)
    (copy / "values.yaml").write_text(text, encoding="utf-8")
    versions = ["--version", version, "--app-version", version]
    words = [PROGRAM, "package", str(copy), *versions, "--destination", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return folder / f"{PROJECT['name']}-{version}.tgz"


def set_value(values: str, place: str, text: str) -> str:
    """Changes one line and nothing else: a reader of YAML would lose the comments, which are the values' manual."""
    block, name = place.split(".")
    line = re.compile(rf"^({block}:\n(?:(?: .*)?\n)*?  {name}: ).*$", re.MULTILINE)
    changed, found = line.subn(lambda before: before[1] + json.dumps(text), values)
    if not found:
        raise SystemExit(f"chart/values.yaml has no {place} on a line of its own: that line gets the published one.")
    return changed


def differences(package: bytes, other: bytes) -> list[str]:
    """The files that are not the same. The archives never are: they hold the time of packaging."""
    return sorted({name for name, _ in _contents(package) ^ _contents(other)})


def _contents(package: bytes) -> set[tuple[str, bytes]]:
    with tarfile.open(fileobj=BytesIO(package)) as archive:
        files = [(entry.name, archive.extractfile(entry)) for entry in archive if entry.isfile()]
        return {(name, file.read()) for name, file in files if file}
