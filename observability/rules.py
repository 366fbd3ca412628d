"""The rules of a release as the chart renders them, for a Prometheus that reads files: `make observe`, and the tests of alerts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent.parent / "chart"
# The least that the chart takes: a trial, which rings as any other release does.
LEAST: dict[str, Any] = {
    "database": {"trial": True},
    "telemetry": {"endpoint": "http://127.0.0.1:4318"},
    "networkPolicy": {"enabled": False},
    "monitoring": {"rules": "configmap", "runbooks": "https://docs.example.org/runbooks"},
}


@cache
def services() -> tuple[str, ...]:
    """Those of this checkout, as the chart knows them."""
    return tuple(yaml.safe_load((CHART / "files" / "services.yaml").read_text(encoding="utf-8")))


class RulesError(Exception):
    """What helm said instead of rendering."""


def rendered(service: str, *, release: str, namespace: str, values: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The text of `rules.yaml`; the given values go before the least ones, as a second file of values would."""
    # The wheel of the development lock, and not what happens to be on the machine.
    helm = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm")
    if helm is None:
        raise RulesError("helm renders the rules, and is not on PATH")
    command = [helm, "template", release, str(CHART), "--namespace", namespace, "--show-only", "templates/rules.yaml"]
    given = merged({**LEAST, "service": service}, values)
    done = subprocess.run(
        [*command, "--values", "-"], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RulesError(done.stderr.strip())
    return str(yaml.safe_load(done.stdout)["data"]["rules.yaml"])


def merged(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Maps are merged as Helm merges them; everything else is replaced."""
    result = dict(values)
    for name, value in change.items():
        both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = merged(result[name], value) if both else value
    return result
