"""`manage.py doctor` of this service, which needs another one; what it says of all else, tests/server/test_doctor.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clinical.server import pair
from tests.servers import Server


@pytest.fixture(scope="module")
def genomics() -> Iterator[Server]:
    running = pair.genomics_server().start()
    yield running
    assert running.stop() == 0


def finding(genomics_url: str, **variables: str) -> dict[str, Any]:
    done = pair.manage("doctor", "--json", **{**pair.clinical_variables(genomics_url), **variables})
    (found,) = [each for each in json.loads(done.stdout) if each["check"] == "genomics"]
    assert done.returncode == int(found["outcome"] != "ok")
    return dict(found)


def test_the_other_service_is_well_when_it_takes_our_token(genomics: Server) -> None:
    assert finding(genomics.url)["outcome"] == "ok"


def test_it_is_wrong_when_it_does_not(genomics: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("no.good.token")
    found = finding(genomics.url, CAREWAY_GENOMICS_TOKEN_FILE=str(tmp_path / "token"))
    assert (found["outcome"], "identity" in found["message"]) == ("wrong", True)
    assert "CAREWAY_GENOMICS_TOKEN_FILE" in found["hint"]


def test_it_is_wrong_when_nobody_is_there() -> None:
    found = finding(pair.nobody())
    assert (found["outcome"], "refused" in found["message"]) == ("wrong", True)
