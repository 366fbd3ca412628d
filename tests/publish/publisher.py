"""Somebody who publishes: a home, logins and images of their own, and `make publish` as a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docker import helm
from docker.build import ROOT
from tests.publish.registry import PASSWORD, USER

POSTGRES = f"registry.example/postgres:18@sha256:{'a' * 64}"
BASE = f"registry.example/python@sha256:{'b' * 64}"
COMMIT = "c" * 40
# Far from what is ever released, so that nobody takes one for it.
VERSION = "0.0.0-test.1"
BUILDAH = shutil.which("buildah")


@dataclass
class Publisher:
    folder: Path
    host: str
    authority: Path | None
    variables: dict[str, str] = field(init=False)
    sbom: Path = field(init=False)

    def __post_init__(self) -> None:
        programs = self.folder / "programs"
        programs.mkdir(parents=True)
        # Whatever this machine has: its Docker would not trust a certificate of this test.
        (programs / "docker").write_text("#!/bin/sh\nexit 1\n")
        (programs / "docker").chmod(0o755)
        storage = {"driver": "vfs", "graphroot": self.folder / "images", "runroot": self.folder / "run"}
        lines = "\n".join(f'{name} = "{text}"' for name, text in storage.items())
        (self.folder / "storage.conf").write_text(f"[storage]\n{lines}\n")
        self.variables = {
            **{name: text for name, text in os.environ.items() if not name.startswith("HELM_")},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "HELM_REGISTRY_CONFIG": str(self.folder / "helm" / "config.json"),
        }
        self.sbom = self.folder / "made-up.cdx.json"
        self.sbom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}))

    @property
    def registry(self) -> str:
        return f"{self.host}/team"

    def log_in(self, password: str = PASSWORD) -> None:
        trust = ("--password-stdin", "--ca-file", str(self.authority))
        words = [helm.PROGRAM, "registry", "login", self.host, "--username", USER, *trust]
        subprocess.run(words, input=password, text=True, env=self.variables, check=True, capture_output=True)

    def build(self, name: str, content: str, labels: Mapping[str, str] | None = None) -> str:
        """The smallest image that there is."""
        place = self.folder / "context"
        place.mkdir(exist_ok=True)
        (place / "hello").write_text(content)
        (place / "Containerfile").write_text("FROM scratch\nCOPY hello /hello\n")
        known = {"version": VERSION, "revision": COMMIT, "base.name": BASE, **(labels or {})}
        flags = [word for key, text in known.items() for word in ("--label", f"org.opencontainers.image.{key}={text}")]
        self.run("buildah", "build", "--quiet", "--tag", name, *flags, str(place)).check_returncode()
        return name

    def publish(self, *words: str, image: str = "", version: str = VERSION) -> subprocess.CompletedProcess[str]:
        asked = {"--registry": self.registry, "--tag": version, "--postgres": POSTGRES, "--sbom": str(self.sbom)}
        given = {**asked, "--image": image, "--authority": str(self.authority or "")}
        flags = [word for pair in given.items() for word in pair]
        return self.run(sys.executable, "-m", "docker.publish", *flags, *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False)

    def helm(self, *words: str) -> str:
        trust = ["--ca-file", str(self.authority)] if self.authority else []
        done = self.run(helm.PROGRAM, *words, *trust)
        assert done.returncode == 0, done.stderr
        return done.stdout
