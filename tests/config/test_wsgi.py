"""config/wsgi.py, loaded by a process of its own, as gunicorn's worker loads it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.servers import ROOT, product_environment

PROGRAM = """
import gc, json, sys
import config.wsgi
from django.urls import get_resolver
loaded = set(sys.modules)
routes = [str(each.pattern) for each in get_resolver().url_patterns]
print(json.dumps({
    "frozen": gc.get_freeze_count(), "left": len(gc.get_objects()), "enabled": gc.isenabled(),
    "views": "chassis.viewsets" in loaded, "routes": len(routes), "later": sorted(set(sys.modules) - loaded),
    "documents": [name for name in sys.argv[1:] if name in loaded],
}))
"""
# What only OpenAPI documents need, and the page that shows them.
DOCUMENTS = ["chassis.schema", "chassis.swagger", "drf_spectacular.generators", "drf_spectacular.plumbing"]


@pytest.fixture(scope="module")
def found() -> Any:
    program = [sys.executable, "-c", PROGRAM, *DOCUMENTS]
    done = subprocess.run(program, cwd=ROOT, env=product_environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_it_is_whole_before_the_first_request(found: Any) -> None:
    assert found["views"]
    assert found["routes"] > 1
    assert found["later"] == []


def test_what_the_start_made_is_left_out_of_later_collections(found: Any) -> None:
    """A full one would look through all of it, and stop every thread for as long."""
    assert found["frozen"] > 50_000
    assert found["left"] < found["frozen"] / 20


def test_garbage_is_collected_again(found: Any) -> None:
    assert found["enabled"]


def test_what_makes_documents_is_left_to_their_first_reader(found: Any) -> None:
    assert found["documents"] == []
