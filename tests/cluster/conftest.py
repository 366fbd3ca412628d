"""The world of the proof, made once, and what came of it: a table, and build/proof.json."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docker.builders import builder

from .kubectl import run
from .registry import Registry, versions
from .world import World

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROOF = ROOT / "build" / "proof.json"
POSTGRES = "docker.io/library/postgres:18"
Told = Callable[..., None]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("proof")
    registry = Registry.of_environment(folder)
    first, second = os.environ.get("CAREWAY_PROOF_VERSIONS", "").split() or versions()
    if not os.environ.get("CAREWAY_PROOF_VERSIONS"):
        postgres = _stand_in(registry, first)
        for version in (first, second):
            registry.publish(version, postgres)
            # It is in the registry; a machine that proves often would fill up.
            run([builder().name, "rmi", f"careway:{version}", f"{registry.place}/careway:{version}"])
    with World(folder, registry, (first, second)) as made:
        yield made


def _stand_in(registry: Registry, version: str) -> str:
    """A PostgreSQL 18 where the official image cannot be had; its name in the registry."""
    if given := os.environ.get("CAREWAY_PROOF_POSTGRES"):
        return given
    name = f"{registry.place}/postgres:18-{version}"
    context = registry.folder / "postgres"
    shutil.copytree(HERE / "postgres", context)
    shutil.copy(ROOT / "requirements" / "development.txt", context)
    program, flags = builder(), os.environ.get("CAREWAY_BUILD_FLAGS", "").split()
    run([*program.build, "--tag", POSTGRES, "--tag", name, *flags, str(context)], timeout=600)
    trusted = []
    if registry.authority and program.name == "buildah":  # Docker trusts what its daemon does
        (registry.folder / "trusted").mkdir()
        shutil.copy(registry.authority, registry.folder / "trusted" / "ca.crt")
        trusted = ["--cert-dir", str(registry.folder / "trusted")]
    run([program.name, "push", *trusted, name], environment=registry.environment)
    run([program.name, "rmi", POSTGRES, name])
    return name


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Told:
    """Writes a row of the proof."""

    def add(id: str, promise: str, tried: str, evidence: str, outcome: str, began: float) -> None:
        seconds = round(time.monotonic() - began, 1)
        row = {
            "id": id,
            "promise": promise,
            "tried": tried,
            "evidence": evidence,
            "outcome": outcome,
            "seconds": seconds,
        }
        record_property("proof", row)

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed", "skipped") for report in terminalreporter.getreports(kind)]
    reports.sort(key=lambda report: float(report.start))
    rows = [value for report in reports for name, value in report.user_properties if name == "proof"]
    if not rows:
        return
    PROOF.parent.mkdir(exist_ok=True)
    PROOF.write_text(json.dumps({"promises": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    terminalreporter.section("promises")
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        line = f"{row['id']:<{width}}  {row['outcome']:<9}  {row['seconds']:>6} s  {row['promise']}: {row['evidence']}"
        terminalreporter.line(line)
