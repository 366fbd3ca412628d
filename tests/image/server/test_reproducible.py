"""Builds of this checkout, for real: two have the same layers, and no secret of a build is kept.

It takes as long as a first build. CAREWAY_BUILD_FLAGS are the flags that the builder needs on this machine; they may be
empty, and without the variable this is skipped.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docker.build import name_of
from docker.builders import builder
from tests.image.archive import Archive
from tests.test_house import ROOT

IMAGE = os.environ.get("CAREWAY_IMAGE", "")
FLAGS = os.environ.get("CAREWAY_BUILD_FLAGS")
pytestmark = pytest.mark.skipif(not IMAGE or FLAGS is None, reason="CAREWAY_IMAGE or CAREWAY_BUILD_FLAGS is not set")
AGAIN = "built-again"
CANARY = "made-up-canary-of-pip-conf"


def built(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docker.build", "--tag", AGAIN, "--", "--no-cache", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def with_the_secret(path: Path, text: str) -> list[str]:
    """The flags, with a pip.conf that says this as well as what the machine's own says."""
    words = shlex.split(FLAGS or "")
    own = next((word for word in words if word.startswith("id=pip,src=")), "")
    path.write_text((Path(own.partition("src=")[2]).read_text() if own else "") + f"\n{text}\n")
    return [*(word for word in words if word != own), *(() if own else ("--secret",)), f"id=pip,src={path}"]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("again")
    done = built(*with_the_secret(folder / "pip.conf", f"# {CANARY}"))
    assert done.returncode == 0, done.stderr
    builder().write(name_of("", AGAIN), folder / "image.tar")
    return Archive(folder / "image.tar")


def test_two_builds_have_the_same_packages_and_the_same_code(again: Archive) -> None:
    """Below them what the base loses: a builder dates such a loss by its clock."""
    layers = builder().layers(IMAGE)
    assert len(layers) > 3
    assert again.configuration["rootfs"]["diff_ids"][-2:] == layers[-2:]


def test_no_layer_and_no_history_holds_the_secret(again: Archive) -> None:
    assert CANARY not in json.dumps(again.configuration)
    assert [name for name, content in everything(again) if CANARY.encode() in content] == []


def everything(archive: Archive) -> Iterator[tuple[str, bytes]]:
    """Each file of each layer, hidden ones too."""
    for name in archive.names:
        with archive.opened(name) as layer:
            for entry in layer:
                if file := layer.extractfile(entry) if entry.isreg() else None:
                    yield entry.name, file.read()


def test_an_index_that_is_not_there_ends_the_build_and_is_not_quoted_with_its_password(tmp_path: Path) -> None:
    index = f"[install]\nindex-url = https://someone:{CANARY}@127.0.0.1:9/simple\nretries = 0"
    done = built(*with_the_secret(tmp_path / "pip.conf", index))
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "127.0.0.1" in said, "pip was told"
    assert CANARY not in said
