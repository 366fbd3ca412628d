"""The programs that build images, behind one shape: Docker (BuildKit) where its daemon answers, else buildah."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Builder:
    """`build` begins the command that takes the flags which both know; `{image}` and `{path}` are filled in."""

    name: str
    answers: tuple[str, ...]
    build: tuple[str, ...]
    inspect: tuple[str, ...]
    save: tuple[str, ...]

    def is_there(self) -> bool:
        """Whether it is installed and can build: Docker's program alone, without its daemon, cannot."""
        try:
            return subprocess.run(self.answers, capture_output=True, check=False, timeout=30).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def has(self, image: str) -> bool:
        return subprocess.run(_filled(self.inspect, image=image), capture_output=True, check=False).returncode == 0

    def layers(self, image: str) -> list[str]:
        """The digests of an image's layers, uncompressed, from below."""
        found = self._inspected(image)
        return list(found["RootFS"]["Layers"] if "RootFS" in found else found["OCIv1"]["rootfs"]["diff_ids"])

    def labels(self, image: str) -> dict[str, str]:
        """What an image says of itself."""
        found = self._inspected(image)
        configuration = found["Config"] if "RootFS" in found else found["OCIv1"]["config"]
        return dict(configuration.get("Labels") or {})

    def _inspected(self, image: str) -> Any:
        done = subprocess.run(_filled(self.inspect, image=image), capture_output=True, check=True)
        found: Any = json.loads(done.stdout)
        return found[0] if isinstance(found, list) else found  # Docker answers a list

    def write(self, image: str, path: Path) -> None:
        """Writes the image as an archive of Docker's form."""
        subprocess.run(
            _filled(self.save, image=image, path=str(path)), check=True, stdin=subprocess.DEVNULL, capture_output=True
        )


def _filled(words: Sequence[str], **values: str) -> list[str]:
    return [word.format_map(values) for word in words]


BUILDERS = (
    Builder(
        name="docker",
        answers=("docker", "version"),
        build=("docker", "build"),
        inspect=("docker", "image", "inspect", "{image}"),
        save=("docker", "image", "save", "--output", "{path}", "{image}"),
    ),
    Builder(
        name="buildah",
        answers=("buildah", "version"),
        # Without --layers all that lies on the base would be one layer. From its cache buildah takes a step also when only
        # the build arguments differ: labels and times would be those of another commit.
        build=("buildah", "build", "--layers", "--no-cache"),
        inspect=("buildah", "inspect", "--type", "image", "{image}"),
        save=("buildah", "push", "--quiet", "{image}", "docker-archive:{path}:{image}"),
    ),
)


def builder() -> Builder:
    """The first that is there. Ends the program where there is none."""
    for each in BUILDERS:
        if each.is_there():
            return each
    raise SystemExit("There is no builder here: start Docker, or install buildah.")
