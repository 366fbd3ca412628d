"""chart/files/prove.py as a module: in a cluster it is one file beside nothing, told by variables what to try."""

from __future__ import annotations

import json
import runpy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chart.releases import FIRST, SERVICES
from tests.chart.rendering import CHART

FILE = CHART / "files" / "prove.py"


def loaded(monkeypatch: pytest.MonkeyPatch, address: str, **variables: str) -> SimpleNamespace:
    """Its names; `address` is host and port of what it tries."""
    told = {
        "CAREWAY_SERVICES": FIRST,
        "CAREWAY_COLLECTION": f"/{FIRST}/v1/{SERVICES[FIRST]['collection']}",
        "CAREWAY_PROVED": address,
        "CAREWAY_POLICIES": "false",
        **variables,
    }
    for name, text in told.items():
        monkeypatch.setenv(name, text)
    return SimpleNamespace(**runpy.run_path(str(FILE)))


def set_in(module: SimpleNamespace, **names: Any) -> None:
    """Its constants, where its own functions look for them."""
    module.main.__globals__.update(names)


def outcomes(printed: str) -> dict[str, str]:
    lines = [json.loads(line) for line in printed.splitlines()]
    return {line["promise"]: line["outcome"] for line in lines}
