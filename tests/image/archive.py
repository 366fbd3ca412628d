"""An image as every builder can save it: its configuration, its layers, and the file system that they make together."""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

# In a layer, a file of this beginning says that another one is gone, or that all below were.
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class Layer:
    """One layer: the digest and the size of its uncompressed archive."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True)
class File:
    """A file of the final image: its entry, and the layer that it comes from."""

    layer: str
    entry: tarfile.TarInfo


@dataclass
class Archive:
    """An image that was saved at `path`. Each question reads the archive anew; it is some hundred megabytes."""

    path: Path
    configuration: dict[str, Any] = field(init=False)
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        with tarfile.open(self.path) as archive:
            (manifest,) = json.load(_member(archive, "manifest.json"))
            self.configuration = json.load(_member(archive, manifest["Config"]))
            self.names = list(manifest["Layers"])

    @contextmanager
    def opened(self, name: str) -> Iterator[tarfile.TarFile]:
        """A layer, which some versions of Docker compress."""
        with tarfile.open(self.path) as archive, tarfile.open(fileobj=_member(archive, name), mode="r:*") as layer:
            yield layer

    def layers(self) -> list[Layer]:
        """From below. An uncompressed size is what the layer takes on a node's disk, more or less."""
        digests = self.configuration["rootfs"]["diff_ids"]
        sizes = [sum(map(len, self._pieces(name))) for name in self.names]
        return list(map(Layer, self.names, digests, sizes))

    def compressed(self, layer: Layer) -> int:
        """Roughly how much of a layer is pulled; slow, because it is compressed for that."""
        packer = zlib.compressobj(6, wbits=31)
        return sum(len(packer.compress(piece)) for piece in self._pieces(layer.name)) + len(packer.flush())

    def _pieces(self, name: str) -> Iterator[bytes]:
        with tarfile.open(self.path) as archive:
            file = _member(archive, name)
            is_packed = file.read(2) == b"\x1f\x8b"  # as newer versions of Docker may save them
            file.seek(0)
            content: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if is_packed else file
            while piece := content.read(1 << 20):
                yield piece

    def files(self) -> dict[str, File]:
        """The final file system, by absolute path: what a layer hides, or says is gone, is not in it."""
        found: dict[str, File] = {}
        for name in self.names:
            with self.opened(name) as layer:
                entries = layer.getmembers()
            for entry in entries:
                path = PurePosixPath("/", entry.name)
                if path.name == OPAQUE:
                    _remove(found, str(path.parent), itself=False)
                elif path.name.startswith(WHITEOUT):
                    _remove(found, str(path.with_name(path.name.removeprefix(WHITEOUT))))
            for entry in entries:
                path = PurePosixPath("/", entry.name)
                if not path.name.startswith(WHITEOUT):
                    if not entry.isdir():
                        _remove(found, str(path))
                    found[str(path)] = File(name, entry)
        return found

    def unpack(self, folder: Path) -> None:
        """Lays the final file system out in an empty folder, with owners and permissions: for root alone."""
        files = self.files()
        for name in self.names:
            with self.opened(name) as layer:
                kept = [entry for entry in layer if _is(files.get(str(PurePosixPath("/", entry.name))), name, entry)]
                layer.extractall(folder, members=kept, numeric_owner=True, filter="fully_trusted")

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every regular file of the final file system, and what is in it."""
        files = self.files()
        for name in self.names:
            with self.opened(name) as layer:
                for entry in layer:
                    path = str(PurePosixPath("/", entry.name))
                    if entry.isreg() and _is(files.get(path), name, entry):
                        yield path, _member(layer, entry).read()


def _is(file: File | None, layer: str, entry: tarfile.TarInfo) -> bool:
    return file is not None and file.layer == layer and file.entry.offset == entry.offset


def _member(archive: tarfile.TarFile, name: str | tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"The archive has no file {name}")
    return file


def _remove(files: dict[str, File], path: str, *, itself: bool = True) -> None:
    """Takes a path away, and all below it where it is a folder."""
    found = files.pop(path, None) if itself else files.get(path)
    if found and found.entry.isdir():
        for each in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
            del files[each]
