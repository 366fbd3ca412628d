"""`make image-sbom`: what is in the image, as CycloneDX: Debian's packages and Python's, read from the image itself.

The tool is trivy, in an environment of its own, made from hashes. It asks nobody for anything: what is vulnerable is
another question, for a scanner with a database of today.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.build import PROJECT, ROOT, name_of
from docker.builders import builder

TOOL = ROOT / "build" / "trivy"
LOCK = ROOT / "docker" / "trivy.txt"
# How trivy says where a component comes from.
KINDS = {"debian": "Debian's packages", "python-pkg": "Python's packages"}


def trivy() -> Path:
    """The tool's program. Made anew, from nothing, whenever its lock changes."""
    mark = TOOL / "made-from-lock"
    if not mark.exists() or mark.read_bytes() != LOCK.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TOOL)], check=True)
        pip = [str(TOOL / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "--requirement", str(LOCK)], check=True)
        mark.write_bytes(LOCK.read_bytes())
    return TOOL / "bin" / "trivy"


def counted(document: Path) -> dict[str, int]:
    """How many components of each kind the document lists."""
    components = json.loads(document.read_text(encoding="utf-8"))["components"]
    found = Counter(
        each["value"]
        for component in components
        if component["type"] == "library"
        for each in component.get("properties", ())
        if each["name"] == "aquasecurity:trivy:PkgType"
    )
    return {words: found[kind] for kind, words in KINDS.items()}


def written(image: str) -> Path:
    """The document of an image on this machine; a line on stdout tells what it lists."""
    program = builder()
    if not program.has(image):
        raise SystemExit(f"There is no image {image} here: make image builds it.")
    document = ROOT / "build" / f"{image.rpartition('/')[2].replace(':', '-')}.cdx.json"
    tool = trivy()
    with TemporaryDirectory(prefix="careway-sbom-") as folder:
        archive = Path(folder, "image.tar")
        program.write(image, archive)
        quietly = ["--quiet", "--offline-scan", "--skip-version-check", "--disable-telemetry", "--cache-dir", folder]
        form = ["--format", "cyclonedx", "--output", str(document)]
        subprocess.run([str(tool), "image", *quietly, *form, "--input", str(archive)], check=True)
    found = counted(document)
    if not all(found.values()):
        raise SystemExit(f"{document} is not whole: {found}")
    listed = ", ".join(f"{number} of {kind}" for kind, number in found.items())
    sys.stdout.write(f"{document.relative_to(ROOT)}: {listed}\n")
    return document


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="docker.sbom", description=__doc__.partition("\n")[0])
    parser.add_argument("--image", default=name_of("", PROJECT["version"]), help="default: the one of this checkout")
    written(parser.parse_args(words).image)


if __name__ == "__main__":
    main(sys.argv[1:])
