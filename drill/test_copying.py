"""The template claim at full length: in a copy of the house, what is not the service's own passes its tests as well."""

from __future__ import annotations

from pathlib import Path

from drill.conftest import Row
from tests.test_copying import OWN_WORDS, Copy, database, fresh, pharmacy

__all__ = ["database", "pharmacy"]  # fixtures

# Of what `make test` leaves out, all but these. The chassis is the same in both, so what is slow to prove about it is
# proved here: the embedded database's life, races for the development key, rows enough to see the cost of a page, what
# waits for clocks; and on the server the fuzzing, the crashes and the browser.
TESTS = [
    *("tests/chassis", "tests/config"),
    *("tests/server/test_canaries.py", "tests/server/test_rotation.py", "tests/server/test_tls.py"),
    *("--ignore=tests/chassis/test_migrator.py", "--ignore=tests/chassis/test_postgresql.py"),
    *("--deselect=tests/chassis/test_postgres.py", "--deselect=tests/chassis/test_development.py"),
    "--deselect=tests/chassis/test_pagination.py::TestTheCost",
]


def test_the_tests_of_the_chassis_pass_in_a_copy(pharmacy: Copy, row: Row) -> None:
    passed = pharmacy.test(*TESTS)
    row("a copy of the house, one service deleted and one renamed", f"{passed} tests of the chassis pass in it")
    assert passed > 1200


def test_one_service_less_takes_data_alone(tmp_path: Path, database: str) -> None:
    house = fresh(tmp_path / "house", database)
    house.follow("1. Delete a service", "One service less")
    told_of_both = ["tests/server/test_walkthrough.py", "tests/server/test_generated_client.py"]
    told_of_both += ["tests/cluster", "tests/telemetry"]
    house.run("git", "rm", "-rq", *told_of_both, "tests/test_copying.py", "drill/test_copying.py")
    house.run("sed", "-i", r"/docs\/clinical.md/d", "README.md")
    edited = house.edited()
    lists = {"config/settings.py", "pyproject.toml", ".dockerignore", "docs/api.md", "chart/files/services.yaml"}
    assert set(edited) - OWN_WORDS == lists
    assert edited["config/settings.py"] == 2
    house.lint()
    house.test("tests/observability", "tests/test_runbooks.py")
    house.test("tests/test_docs.py", "tests/test_house.py", "tests/genomics/test_samples.py")
