"""`make publish`: the image, the list of what is in it and the chart into a registry, tied to each other by digest.

What is published is never overwritten: all is looked up first, and nothing is pushed where a version holds something else.
A run that was interrupted is repeated; it pushes what is missing.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from docker import helm, sbom
from docker.build import PROJECT, built, commit, name_of
from docker.builders import Builder, builder
from docker.registry import Manifest, Registry, login_for

NAME = PROJECT["name"]
CYCLONEDX = "application/vnd.cyclonedx+json"
# What an image says of itself.
VERSION, REVISION, BASE = (f"org.opencontainers.image.{each}" for each in ("version", "revision", "base.name"))
# An image's tag has no +, so what names both has no metadata of a build.
BOTH = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40,64}")
TRIAL = "TRIAL=yes lifts this, for a registry that is thrown away."


def main(words: Sequence[str]) -> None:
    asked = _asked(words)
    program = builder()
    labels = _labels_of(asked.image, program) if asked.image else _labels_to_be(asked)
    if faults := [*_faults(asked), *([] if asked.trial else _faults_of_a_release(asked, labels))]:
        raise SystemExit("\n".join(faults))
    host, _, prefix = asked.registry.strip("/").partition("/")
    login = login_for(host, (helm.login_file(), asked.docker_login))
    with TemporaryDirectory(prefix="careway-publish-") as folder:
        Publication(asked, program, Registry(host, prefix, asked.authority, login), Path(folder), labels).run()


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="docker.publish", description=__doc__.partition("\n")[0])
    parser.add_argument("--registry", default="", help="its host, and what comes before the names of repositories")
    parser.add_argument("--tag", dest="version", default="", help="the version, instead of the one in pyproject.toml")
    parser.add_argument("--base", default="", help="the base image, with its digest")
    parser.add_argument("--postgres", default="", help="the image of the chart's trial database, with its digest")
    parser.add_argument("--source", default="", help="where the source is published: the URL in the image's labels")
    parser.add_argument("--image", default="", help="an image of this machine, instead of building one")
    parser.add_argument("--sbom", type=_file, help="what is in it, in CycloneDX, instead of looking")
    parser.add_argument("--authority", type=_file, help="the certificate authority of the registry (PEM)")
    docker_login = Path.home() / ".docker/config.json"
    parser.add_argument("--docker-login", type=Path, default=docker_login, help="logins, where helm has none")
    parser.add_argument("--sign", default="", help="a command that signs; {} becomes the name and digest to sign")
    parser.add_argument("--trial", default="", help="anything: for a registry that is thrown away")
    parser.add_argument("flags", nargs="*", help="for the builder, after --")
    asked = parser.parse_args(words)
    asked.version = asked.version or PROJECT["version"]
    return asked


def _file(text: str) -> Path | None:
    return Path(text) if text else None


def _labels_of(image: str, program: Builder) -> Mapping[str, str]:
    if not program.has(image):
        raise SystemExit(f"There is no image {image} here: leave IMAGE out to build it.")
    return program.labels(image)


def _labels_to_be(asked: argparse.Namespace) -> Mapping[str, str]:
    return {VERSION: asked.version, REVISION: commit().revision, BASE: asked.base}


# --- What can be told without asking the registry: all at once, each with what to do ----------------------------------


def _faults(asked: argparse.Namespace) -> Iterator[str]:
    if not asked.registry:
        yield "REGISTRY is required: a host, and what comes before the names, such as registry.example.org/team."
    if not BOTH.fullmatch(asked.version):
        yield f"{asked.version} is no version of both an image and a chart: make it like 1.2.3 or 1.2.3-rc.1."
    for variable, file in {"CAREWAY_REGISTRY_CA": asked.authority, "SBOM": asked.sbom}.items():
        if file and not file.is_file():
            yield f"{variable} names {file}, and there is no such file."
    if asked.sign and "{}" not in asked.sign:
        yield "CAREWAY_SIGN does not say where the name goes: put {} there, as in cosign sign --key cosign.key {}."


def _faults_of_a_release(asked: argparse.Namespace, labels: Mapping[str, str]) -> Iterator[str]:
    image = asked.image or "The image"
    if (version := labels.get(VERSION)) != asked.version:
        yield f"{image} says that it is version {version}, and this is {asked.version}: build it again, or set TAG."
    if not COMMIT.fullmatch(labels.get(REVISION, "")):
        yield f"{image} is of no commit, so nobody could find its source: commit everything, then build it. {TRIAL}"
    if not PINNED.fullmatch(labels.get(BASE, "")):
        yield f"{image} needs a base by digest, BASE=docker.io/library/python:3.13-slim-trixie@sha256:…: a tag moves. {TRIAL}"
    if not PINNED.fullmatch(asked.postgres):
        yield f"POSTGRES needs a digest, POSTGRES=docker.io/library/postgres:18@sha256:…: a tag moves. {TRIAL}"


# --- What the registry has, and what it gets --------------------------------------------------------------------------


@dataclass
class Publication:
    """`labels` are what the image has or is about to get."""

    asked: argparse.Namespace
    program: Builder
    registry: Registry
    folder: Path
    labels: Mapping[str, str]

    def run(self) -> None:
        image, chart = (self.registry.manifest(name, self.asked.version) for name in (NAME, helm.NAME))
        self._refuse_to_overwrite(image, chart)
        # Until here nothing was pushed; from here on nothing can be in the way.
        image = image or self._push_image()
        document = self._sbom(image)
        chart = chart or self._push_chart(image)
        names = [f"{self.registry.repository(name)}@{it.digest}" for name, it in ((NAME, image), (helm.NAME, chart))]
        for name in names:
            self._sign(name)
        sys.stdout.write(
            f"{self.asked.version} is published:\nimage  {names[0]}\nsbom   {document}, a referrer of the image\n"
            f"chart  {names[1]}\nTo install it: helm install NAME oci://{names[1]} --values YOURS.yaml\n"
        )

    def _refuse_to_overwrite(self, image: Manifest | None, chart: Manifest | None) -> None:
        """The image may be one of the same commit on the same base, and the chart of the same files: nothing to push."""
        if image:
            theirs = self._published_labels(image)
            of, on = theirs.get(REVISION, ""), theirs.get(BASE, "")
            same = COMMIT.fullmatch(of) and of == self.labels.get(REVISION) and self.labels.get(BASE) in {on, "", None}
            if not same:
                raise SystemExit(self._taken(NAME, f"as an image of {of or 'no commit'} on {on or 'an unknown base'}"))
        if chart:
            published = self.registry.blob(helm.NAME, chart.content["layers"][0]["digest"])
            other = helm.differences(self._package(image).read_bytes(), published) if image else ["image"]
            if other:
                raise SystemExit(self._taken(helm.NAME, f"with another {', '.join(other)}"))

    def _taken(self, name: str, what: str) -> str:
        return (
            f"{self.registry.repository(name)}:{self.asked.version} is published already, {what}. What is published is not "
            "overwritten, and nothing was pushed: raise the version in pyproject.toml, or set TAG."
        )

    def _published_labels(self, image: Manifest) -> Mapping[str, str]:
        content = image.content
        if "manifests" in content:  # Docker's, with the image first and then what it tells of the build
            inner = self.registry.manifest(NAME, content["manifests"][0]["digest"])
            content = inner.content if inner else {}
        configuration = json.loads(self.registry.blob(NAME, content["config"]["digest"]))
        return configuration.get("config", {}).get("Labels") or {}

    def _push_image(self) -> Manifest:
        address = f"{self.registry.repository(NAME)}:{self.asked.version}"
        asked = self.asked
        image = asked.image or built(name_of("", asked.version), asked.version, asked.base, asked.source, asked.flags)
        self.registry.run(NAME, self.program.name, "tag", image, address)
        self.registry.run(NAME, self.program.name, "push", "--quiet", address)
        return self._pushed(NAME)

    def _sbom(self, image: Manifest) -> str:
        """Read from the image as it was published: what is built here need not be the same as an earlier run's."""
        if found := self.registry.referrers(NAME, image.digest, CYCLONEDX):
            return found[0]
        document = self.asked.sbom
        if not document:
            address = f"{self.registry.repository(NAME)}:{self.asked.version}"
            self.registry.run(NAME, self.program.name, "pull", "--quiet", address)
            document = sbom.written(address)
        return self.registry.attach(NAME, image, document, CYCLONEDX)

    def _package(self, image: Manifest) -> Path:
        values = {helm.REPOSITORY: self.registry.repository(NAME), helm.DIGEST: image.digest}
        if self.asked.postgres:
            values[helm.TRIAL_IMAGE] = self.asked.postgres
        return helm.package(self.folder, self.asked.version, values)

    def _push_chart(self, image: Manifest) -> Manifest:
        trust = ["--ca-file", str(self.asked.authority)] if self.asked.authority else []
        where = f"oci://{self.registry.repository(helm.FOLDER)}"
        self.registry.run(helm.NAME, helm.PROGRAM, "push", str(self._package(image)), where, *trust)
        return self._pushed(helm.NAME)

    def _pushed(self, name: str) -> Manifest:
        found = self.registry.manifest(name, self.asked.version)
        if not found:
            raise SystemExit(f"{self.registry.repository(name)}:{self.asked.version} was pushed, and is not there.")
        return found

    def _sign(self, name: str) -> None:
        words = [word.replace("{}", name) for word in shlex.split(self.asked.sign)]
        if words and subprocess.run(words, check=False).returncode:
            raise SystemExit(f"{name} is published, and could not be signed: mend that, and repeat this.")


if __name__ == "__main__":
    main(sys.argv[1:])
