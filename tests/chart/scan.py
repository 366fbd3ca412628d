"""`make chart-scan`: what static scanners find in the rendered chart and the Dockerfile, but for what skips.yaml explains.

The scanners have an environment of their own (requirements/scanners.txt): they pin what the house does not want pinned.
A skip that met nothing fails as well: it would hide the next finding.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.chart.places import HASH
from tests.chart.releases import SHAPES
from tests.chart.rendering import ROOT, render

SKIPS = Path(__file__).parent / "skips.yaml"
DOCKERFILE = "Dockerfile"


class Finding(NamedTuple):
    """What a scanner's check says of a resource, such as `a-single-pod Deployment own`."""

    check: str
    resource: str
    says: str


def write(folder: Path) -> None:
    """A folder for each shape, a file for each object: a scanner's finding is known by its file."""
    for shape, values in SHAPES.items():
        room = folder / shape.replace(" ", "-")
        room.mkdir()
        for each in render(values):
            name = HASH.sub(r"\1", each["metadata"]["name"])
            text = yaml.safe_dump(each, sort_keys=False)
            (room / f"{each['kind']} {name}.yaml").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "docker" / DOCKERFILE, folder)


def resource(path: str) -> str:
    """`/a-single-pod/Deployment own.yaml` is `a-single-pod Deployment own`."""
    return path.strip("/").removesuffix(".yaml").replace("/", " ")


def checkov(folder: Path, programs: Path) -> Iterator[Finding]:
    """Offline: it may neither download policies nor tell anybody of what it found."""
    words = [str(programs / "checkov"), "--directory", str(folder), "--framework", "kubernetes", "dockerfile"]
    for report in run([*words, "--output", "json", "--compact", "--skip-download"]):
        if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
            raise SystemExit(f"checkov could not read everything: {report['summary']}")
        for each in report["results"]["failed_checks"]:
            yield Finding(each["check_id"], resource(each["file_path"]), each["check_name"])


def trivy(folder: Path, programs: Path) -> Iterator[Finding]:
    """Offline as well, with the checks that it brings."""
    words = [str(programs / "trivy"), "config", "--skip-check-update", "--quiet", "--format", "json", str(folder)]
    (report,) = run(words)
    for result in report["Results"]:
        for each in result.get("Misconfigurations", []):
            yield Finding(each["ID"], resource(result["Target"]), each["Title"])


def run(words: Sequence[str]) -> list[Any]:
    """The reports that a scanner prints; one that found something does not end with 0."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"{Path(words[0]).name} says nothing: {done.stderr[-2000:]}")
    reports = json.loads(done.stdout)
    return reports if isinstance(reports, list) else [reports]


def unexplained(findings: set[Finding], skips: list[dict[str, Any]]) -> tuple[list[Finding], list[str]]:
    """Findings without a reason, and reasons without a finding."""
    met: set[tuple[str, str]] = set()
    strays: list[Finding] = []
    asked = {(check, pattern) for skip in skips for check in skip["checks"] for pattern in skip["of"]}
    for each in sorted(findings):
        fitting = [pair for pair in asked if pair[0] == each.check and fnmatchcase(each.resource, pair[1])]
        met.update(fitting)
        strays += [] if fitting else [each]
    return strays, [f"{check} of {pattern}" for check, pattern in sorted(asked - met)]


def main(words: Sequence[str]) -> None:
    skips = yaml.safe_load(SKIPS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        findings = {each for scanner in (checkov, trivy) for each in scanner(folder, Path(words[0]))}
    strays, idle = unexplained(findings, skips)
    for each in strays:
        sys.stdout.write(f"{each.check} {each.resource}: {each.says}\n")
    for text in idle:
        sys.stdout.write(f"skips.yaml explains {text}, and it was not found\n")
    sys.stdout.write(f"{len(findings)} findings, {len(strays)} unexplained, {len(idle)} reasons that met nothing\n")
    sys.exit(bool(strays or idle))


if __name__ == "__main__":
    main(sys.argv[1:])
