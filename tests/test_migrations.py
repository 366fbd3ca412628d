"""The linter of migrations passes what has landed, and refuses what the version before could not live with."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.servers import ROOT, product_environment
from tests.test_house import EXAMPLE

SETTINGS = """
from tests.settings import *
MIGRATION_MODULES = {"example": "another_release"}
"""
MIGRATION = """
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("example", "{before}")]
    operations = [{operation}]
"""
# What a careful release does, then what none should; each is a migration of its own, in this order.
WELL = {
    "nullable": 'migrations.AddField("specimen", "a", models.TextField(null=True))',
    "with_a_default": 'migrations.AddField("specimen", "b", models.TextField(db_default=""))',
    "not_validated": 'AddConstraintNotValid("specimen", models.CheckConstraint(condition=~models.Q(a=""), name="c"))',
    "concurrent": 'AddIndexConcurrently("specimen", models.Index(fields=["a"], name="i"))',
}
ILL = {
    "required": 'migrations.AddField("specimen", "d", models.TextField(default="x"))',
    "another_type": 'migrations.AlterField("specimen", "a", models.IntegerField(null=True))',
    "renamed": 'migrations.RenameField("specimen", "b", "bb")',
    "dropped": 'migrations.RemoveField("specimen", "bb")',
    "unique": 'migrations.AddConstraint("specimen", models.UniqueConstraint(fields=["a"], name="u"))',
    "locking": 'migrations.AddIndex("specimen", models.Index(fields=["a", "kind"], name="j"))',
    "irreversible": "migrations.RunPython(lambda apps, schema_editor: None)",
    "gone": 'migrations.DeleteModel("specimen")',
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter says of each migration, with the options of pyproject.toml as `make lint` has them."""
    folder = tmp_path_factory.mktemp("lint")
    (folder / "another_settings.py").write_text(SETTINGS, encoding="utf-8")
    release = folder / "another_release"
    shutil.copytree(ROOT / EXAMPLE / "migrations", release)
    before = max(path.stem for path in release.glob("0*.py"))
    for name, operation in {**WELL, **ILL}.items():
        text = MIGRATION.format(before=before, operation=operation, atomic=name != "concurrent")
        (release / f"{name}.py").write_text(text, encoding="utf-8")
        before = name
    done = subprocess.run(
        [sys.executable, "manage.py", "lintmigrations"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=product_environment(DJANGO_SETTINGS_MODULE="another_settings", PYTHONPATH=str(folder)),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return {
        f"{app}.{name}": said for app, name, said in re.findall(r"^\((\w+), (\w+)\)\.\.\. (\w+)", done.stdout, re.M)
    }


@pytest.mark.parametrize("name", ILL)
def test_it_refuses(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[f"example.{name}"] == "ERR"


@pytest.mark.parametrize("name", WELL)
def test_it_lets_pass(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[f"example.{name}"] == "OK"


def test_all_that_has_landed_passes_without_an_exception(verdicts: dict[str, str]) -> None:
    landed = {
        f"{path.parts[-3]}.{path.stem}"
        for path in ROOT.glob("*/migrations/0*.py")
    }  # fmt: skip
    assert landed
    assert {name for name in landed if verdicts[name] != "OK"} == set()
