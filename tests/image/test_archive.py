"""An archive of two layers, made by hand: what the upper one hides, replaces and takes away."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.image.archive import Archive

BELOW = {
    "usr/": "",
    "usr/kept": "kept",
    "usr/replaced": "old",
    "usr/gone": "gone",
    "old/": "",
    "old/deep/": "",
    "old/deep/file": "x",
}
ABOVE = {
    "usr/": "",
    "usr/replaced": "new",
    "usr/.wh.gone": "",
    ".wh.old": "",
    "emptied/": "",
    "emptied/.wh..wh..opq": "",
}


def packed(files: dict[str, str], *, compressed: bool) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if name.endswith("/") else (tarfile.REGTYPE, 0o640)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue()) if compressed else buffer.getvalue()


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Archive:
    manifest = [{"Config": "config.json", "Layers": ["below.tar", "above.tar"]}]
    below = packed({**BELOW, "emptied/": "", "emptied/file": "x"}, compressed=request.param)
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "config.json": json.dumps({"rootfs": {"diff_ids": ["sha256:b", "sha256:a"]}}).encode(),
        "below.tar": below,
        "above.tar": packed(ABOVE, compressed=request.param),
    }
    with tarfile.open(tmp_path / "image.tar", "w") as written:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            written.addfile(entry, io.BytesIO(content))
    return Archive(tmp_path / "image.tar")


def test_the_files_are_those_that_are_left(archive: Archive) -> None:
    assert set(archive.files()) == {"/usr", "/usr/kept", "/usr/replaced", "/emptied"}


def test_the_contents_are_those_of_the_upper_layer(archive: Archive) -> None:
    assert dict(archive.contents()) == {"/usr/kept": b"kept", "/usr/replaced": b"new"}


def test_it_is_unpacked_as_it_is_listed(archive: Archive, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    archive.unpack(root)
    assert {f"/{path.relative_to(root)}" for path in root.rglob("*")} == set(archive.files())
    assert (root / "usr" / "replaced").read_text() == "new"
    assert (root / "usr" / "kept").stat().st_mode & 0o777 == 0o640


def test_the_layers_are_in_order_and_have_sizes(archive: Archive) -> None:
    assert [each.digest for each in archive.layers()] == ["sha256:b", "sha256:a"]
    assert [each.size for each in archive.layers()] == [10_240, 10_240], "a tar of few files, uncompressed"
    assert all(0 < archive.compressed(each) < 1000 for each in archive.layers())
