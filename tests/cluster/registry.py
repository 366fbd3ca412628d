"""The registry that the proof installs from: who it is, the login, and two versions that it publishes there."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chart.rendering import HELM, ROOT

from .kubectl import run


@dataclass(frozen=True)
class Registry:
    """`place` is its host and what comes before the names of repositories."""

    place: str
    user: str
    password: str
    authority: str
    folder: Path

    @classmethod
    def of_environment(cls, folder: Path) -> Registry:
        """Raises RuntimeError for a variable that is missing."""
        if not (place := os.environ.get("CAREWAY_REGISTRY", "")):
            raise RuntimeError("CAREWAY_REGISTRY is required: the registry's host, and what comes before the names.")
        file = os.environ.get("CAREWAY_REGISTRY_PASSWORD_FILE", "")
        password = Path(file).read_text(encoding="utf-8").strip() if file else ""
        authority = os.environ.get("CAREWAY_REGISTRY_CA", "")
        found = cls(place.rstrip("/"), os.environ.get("CAREWAY_REGISTRY_USER", ""), password, authority, folder)
        (folder / "config.json").write_text(found.login, encoding="utf-8")
        return found

    @property
    def host(self) -> str:
        return self.place.partition("/")[0]

    @property
    def login(self) -> str:
        """As Docker, Helm and a Secret of the kind kubernetes.io/dockerconfigjson have it."""
        told = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return json.dumps({"auths": {self.host: {"auth": told}} if self.user else {}})

    @property
    def chart(self) -> str:
        return f"oci://{self.place}/charts/careway"

    def by_digest(self, version: str) -> str:
        """The chart of a version, named by what it is. Raises AssertionError where it cannot be pulled."""
        pulls = [HELM, "pull", self.chart, "--version", version, "--destination", str(self.folder), *self.trust]
        done = subprocess.run(pulls, capture_output=True, text=True, check=False, env=self.environment)
        found = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", done.stdout + done.stderr, re.MULTILINE)
        assert found, done.stderr
        return f"{self.chart}@{found[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """For helm and for what builds images."""
        own = {"HELM_REGISTRY_CONFIG": str(self.folder / "config.json"), "DOCKER_CONFIG": str(self.folder)}
        return {**os.environ, **own, "REGISTRY_AUTH_FILE": str(self.folder / "config.json")}

    @property
    def trust(self) -> list[str]:
        return ["--ca-file", self.authority] if self.authority else []

    def helm(self, *words: str, stdin: str | None = None, timeout: float = 600, **variables: str) -> str:
        """Raises Failed."""
        return run([HELM, *words], stdin=stdin, timeout=timeout, environment=self.environment | variables)

    def publish(self, version: str, postgres: str) -> None:
        """This checkout, as any version. A minute at first; seconds where the layers are there."""
        command = ["make", "publish", f"REGISTRY={self.place}", f"TAG={version}", f"POSTGRES={postgres}", "TRIAL=yes"]
        command.append(f"BUILD_FLAGS={os.environ.get('CAREWAY_BUILD_FLAGS', '')}")
        run(command, timeout=900, environment=self.environment, folder=ROOT)


def versions() -> tuple[str, str]:
    """Two that nobody has published."""
    now = int(time.time())
    return f"0.1.0-proof.{now}.1", f"0.1.0-proof.{now}.2"
