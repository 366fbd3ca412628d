"""The one Secret that the chart makes is a trial's: its password is random, is kept by upgrades, and stands nowhere else.

Upgrades look the Secret up, which `helm template` does not do; so a small API server answers the real helm here.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.chart.api_server import helm
from tests.chart.releases import SHAPES, trial
from tests.chart.rendering import CHART, Object, Objects, named, parsed, render, render_copy


def render_in(objects: Objects, folder: Path) -> Objects:
    """The trial as an upgrade renders it, in a cluster that holds these objects."""
    return parsed(helm("template", "--is-upgrade", "--dry-run=server", values=trial(), folder=folder, held=objects))


def as_stored(secret: Object) -> Object:
    """As the API server gives it back."""
    data = {key: base64.b64encode(text.encode()).decode() for key, text in secret["stringData"].items()}
    return {**{key: value for key, value in secret.items() if key != "stringData"}, "data": data}


class TestATrial:
    def test_its_password_is_another_in_each_release(self) -> None:
        first, second = (named(render_copy(trial(), CHART), "Secret", "own")["stringData"] for _ in range(2))
        assert first["password"] != second["password"]
        assert first["secret-key"] != second["secret-key"]
        assert len(first["password"]) == 32

    def test_its_password_is_kept_by_an_upgrade(self, tmp_path: Path) -> None:
        installed = render_copy(trial(), CHART)
        secret = named(installed, "Secret", "own")
        upgraded = render_in([as_stored(secret)], tmp_path)
        assert named(upgraded, "Secret", "own")["stringData"] == secret["stringData"]
        database = "own-trial-database"
        assert named(upgraded, "Deployment", database) == named(installed, "Deployment", database)

    def test_without_one_that_is_there_it_is_made(self, tmp_path: Path) -> None:
        assert len(named(render_in([], tmp_path), "Secret", "own")["stringData"]["password"]) == 32


@pytest.mark.parametrize("shape", SHAPES)
def test_no_variable_holds_one(shape: str) -> None:
    """Secrets are files, of which the process is told the path."""
    settings = named(render(SHAPES[shape]), "ConfigMap", "own")["data"]
    secret = {name: text for name, text in settings.items() if re.search("SECRET|PASSWORD|USER", name)}
    assert secret
    assert all(name.endswith("_FILE") and text.startswith("/etc/careway/secrets/") for name, text in secret.items())
