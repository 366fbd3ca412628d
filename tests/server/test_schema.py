"""Every operation of each service's OpenAPI document, fuzzed on the running server: no crash, no undocumented answer.

`make test ARGS="tests/server/test_schema.py --fuzz 500"` tries as many examples an operation as given.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api import RemoteApi, token
from tests.routes import operations
from tests.worlds import World

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION = ROOT / "tests" / "schemathesis.toml"
# Cases that it tries of an operation, or it has not understood the document.
ENOUGH = 40


def test_it_answers_as_documented(api: RemoteApi, world: World, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    world.build(api)
    world.grow(api)
    examples = request.config.getoption("--fuzz")
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION)),
        *("run", api.url + api.url_of("openapi.json"), "--header", f"Authorization: Bearer {token()}"),
        *(
            "--checks",
            "all",
            "--exclude-checks",
            "positive_data_acceptance",
            "--max-examples",
            str(examples),
            "--workers",
            "1",
            "--request-timeout",
            "30",
            "--no-color",
        ),
        *(("--seed", "20261118") if examples == 30 else ()),
    ]
    # Where it keeps what it learns is the test's own folder.
    own = {"COLUMNS": "160", "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.server.fresh_keys"}
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    report = done.stdout[done.stdout.find("FAILURES") :] + done.stderr
    assert done.returncode == 0, report[:12_000]
    cases = re.search(r"(\d+) generated", done.stdout)
    assert cases, done.stdout[-2000:]
    assert int(cases[1]) >= ENOUGH * len([each for each in operations() if each.service == api.service and each.action])
