"""`make publish` into a real registry with TLS and a login: what is there afterwards, and what is never overwritten."""

from __future__ import annotations

import base64
import difflib
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from docker import helm
from docker.build import ROOT
from tests.publish.publisher import BASE, BUILDAH, COMMIT, POSTGRES, VERSION, Publisher
from tests.publish.registry import PROGRAM, DockerRegistry, Strict, own_name

MISSING = [name for name, there in {"docker-registry": PROGRAM, "buildah": BUILDAH}.items() if not there] + (
    [] if own_name() else ["name of this machine that only it can reach"]
)
if MISSING:
    pytest.skip(f"no {', no '.join(MISSING)} here: nothing is published", allow_module_level=True)
CYCLONEDX = "application/vnd.cyclonedx+json"
DIGEST = r"sha256:[0-9a-f]{64}"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with DockerRegistry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(registry: DockerRegistry, tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    somebody = Publisher(tmp_path_factory.mktemp("publisher"), registry.host, registry.authority)
    somebody.log_in()
    return somebody


@pytest.fixture(scope="module")
def first(publisher: Publisher) -> subprocess.CompletedProcess[str]:
    """One run into an empty registry."""
    return publisher.publish(image=publisher.build("hello:1", "one"))


def served(registry: DockerRegistry, name: str, reference: str) -> tuple[str, dict[str, Any]]:
    """The digest and the manifest, as a stranger gets them."""
    answer = registry.ask(f"team/{name}/manifests/{reference}")
    assert answer.status_code == 200, answer.text
    digest = f"sha256:{sha256(answer.content).hexdigest()}"
    assert answer.headers["Docker-Content-Digest"] == digest
    return digest, answer.json()


def told(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The digests that it prints, by what they are of."""
    assert run.returncode == 0, run.stderr
    return dict(re.findall(rf"^(image|sbom|chart) .*?({DIGEST})", run.stdout, re.MULTILINE))


class TestARunIntoAnEmptyRegistry:
    def test_it_prints_the_digests_that_the_registry_has(
        self, first: subprocess.CompletedProcess[str], registry: DockerRegistry
    ) -> None:
        image, chart = served(registry, "careway", VERSION)[0], served(registry, "charts/careway", VERSION)[0]
        assert told(first) | {"sbom": ""} == {"image": image, "sbom": "", "chart": chart}
        assert f"oci://{registry.host}/team/charts/careway@{chart}" in first.stdout

    def test_the_image_is_the_one_that_was_given(
        self, first: subprocess.CompletedProcess[str], registry: DockerRegistry
    ) -> None:
        _, manifest = served(registry, "careway", told(first)["image"])
        configuration = registry.ask(f"team/careway/blobs/{manifest['config']['digest']}").json()
        assert configuration["config"]["Labels"]["org.opencontainers.image.revision"] == COMMIT

    def test_the_chart_is_tied_to_the_image_and_keeps_all_else(
        self, first: subprocess.CompletedProcess[str], publisher: Publisher, tmp_path: Path
    ) -> None:
        address = f"oci://{publisher.registry}/charts/careway"
        publisher.helm("pull", address, "--version", VERSION, "--destination", str(tmp_path))
        with tarfile.open(tmp_path / f"careway-{VERSION}.tgz") as archive:
            archive.extractall(tmp_path, filter="data")
        ours, theirs = ((folder / "values.yaml").read_text() for folder in (ROOT / "chart", tmp_path / "careway"))
        changes = [line for line in difflib.ndiff(ours.splitlines(), theirs.splitlines()) if line[0] in "+-"]
        assert [line for line in changes if line.startswith("+")] == [
            f'+   repository: "{publisher.registry}/careway"',
            f'+   digest: "{told(first)["image"]}"',
            f'+   trialImage: "{POSTGRES}"',
        ]
        assert len(changes) == 6
        chart = (tmp_path / "careway" / "Chart.yaml").read_text()
        assert re.search(rf"^version: {VERSION}$", chart, re.MULTILINE)
        assert re.search(rf"^appVersion: {VERSION}$", chart, re.MULTILINE)

    def test_its_chart_renders_the_image_by_digest(
        self, first: subprocess.CompletedProcess[str], publisher: Publisher
    ) -> None:
        address = f"oci://{publisher.registry}/charts/careway"
        trial = ("--set", f"service={settings.SERVICES[0]}", "--set", "database.trial=true")
        rendered = publisher.helm("template", "any", address, "--version", VERSION, *trial)
        images = set(re.findall(r"image: \"?([^\"\s]+)", rendered))
        assert images == {f"{publisher.registry}/careway@{told(first)['image']}", POSTGRES}

    def test_the_sbom_belongs_to_the_image_by_its_digest(
        self, first: subprocess.CompletedProcess[str], registry: DockerRegistry, publisher: Publisher
    ) -> None:
        image, found = told(first)["image"], told(first)["sbom"]
        _, manifest = served(registry, "careway", found)
        assert manifest["subject"]["digest"] == image
        assert manifest["artifactType"] == CYCLONEDX
        (layer,) = manifest["layers"]
        assert registry.ask(f"team/careway/blobs/{layer['digest']}").content == publisher.sbom.read_bytes()
        # This registry lists no referrers, so the list is where OCI 1.1 has its clients look then.
        _, index = served(registry, "careway", image.replace(":", "-"))
        (entry,) = index["manifests"]
        assert (entry["digest"], entry["artifactType"]) == (found, CYCLONEDX)


class TestWhatIsPublished:
    @pytest.fixture(autouse=True)
    def _published(self, first: subprocess.CompletedProcess[str]) -> None:
        assert first.returncode == 0, first.stderr

    def test_a_repeat_changes_nothing(
        self, first: subprocess.CompletedProcess[str], publisher: Publisher, registry: DockerRegistry
    ) -> None:
        before = registry.held
        assert told(publisher.publish(image="hello:1")) == told(first)
        assert registry.held == before

    def test_another_build_of_the_same_commit_is_no_other_content(
        self, first: subprocess.CompletedProcess[str], publisher: Publisher, registry: DockerRegistry
    ) -> None:
        before = registry.held
        again = publisher.build("hello:again", "one", {"created": "later"})
        assert told(publisher.publish(image=again)) == told(first)
        assert registry.held == before

    @pytest.mark.parametrize("label", ["revision", "base.name"])
    def test_an_image_of_something_else_is_refused(
        self, label: str, publisher: Publisher, registry: DockerRegistry
    ) -> None:
        other = {"revision": "d" * 40, "base.name": BASE.replace("b" * 64, "e" * 64)}[label]
        image, before = publisher.build("hello:other", "two", {label: other}), registry.held
        run = publisher.publish(image=image)
        assert (run.returncode, run.stdout) == (1, "")
        assert run.stderr == (
            f"{publisher.registry}/careway:{VERSION} is published already, as an image of {COMMIT} on {BASE}. What is "
            "published is not overwritten, and nothing was pushed: raise the version in pyproject.toml, or set TAG.\n"
        )
        assert registry.held == before

    def test_a_chart_with_another_content_is_refused(self, publisher: Publisher, registry: DockerRegistry) -> None:
        before = registry.held
        run = publisher.publish("--postgres", POSTGRES.replace("a" * 64, "f" * 64), image="hello:1")
        assert (run.returncode, run.stdout) == (1, "")
        assert "charts/careway:0.0.0-test.1 is published already, with another careway/values.yaml." in run.stderr
        assert registry.held == before

    def test_a_chart_without_its_image_is_refused(self, publisher: Publisher, registry: DockerRegistry) -> None:
        version = "0.0.0-test.2"
        publisher.run(helm.PROGRAM, "package", "chart", "--version", version, "--destination", str(publisher.folder))
        publisher.helm("push", str(publisher.folder / f"careway-{version}.tgz"), f"oci://{publisher.registry}/charts")
        before = registry.held
        run = publisher.publish("--trial", "yes", image="hello:1", version=version)
        assert run.returncode == 1
        assert f"charts/careway:{version} is published already, with another image." in run.stderr
        assert registry.held == before

    def test_an_interrupted_run_is_finished_by_the_next(self, publisher: Publisher, registry: DockerRegistry) -> None:
        """As after a run that ended when the image was there. What is built again since is not what was pushed."""
        labels = {"version": (version := "0.0.0-test.3")}
        before = told(publisher.publish(image=publisher.build("hello:3", "three", labels), version=version))
        index, _ = served(registry, "careway", before["image"].replace(":", "-"))
        for gone in (f"charts/careway/manifests/{before['chart']}", f"careway/manifests/{index}"):
            assert registry.ask(f"team/{gone}", "DELETE").status_code == 202
        again = publisher.build("hello:3-again", "three, again", labels)
        after = told(publisher.publish(image=again, version=version))
        assert (after["image"], after["sbom"]) == (before["image"], before["sbom"])
        assert served(registry, "charts/careway", version)[0] == after["chart"]
        assert served(registry, "careway", before["image"].replace(":", "-"))[0] == index

    def test_an_image_that_came_as_an_index_is_known_again(
        self, publisher: Publisher, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Docker pushes it: beside the image lies what it tells of the build."""
        image = publisher.build("hello:4", "four", {"version": (version := "0.0.0-test.4")})
        there = f"docker://{publisher.registry}/careway:{version}"
        known = ("--authfile", publisher.variables["HELM_REGISTRY_CONFIG"])
        monkeypatch.setitem(publisher.variables, "SSL_CERT_FILE", str(registry.authority))
        for words in (
            ("create", "index:4"),
            ("add", "index:4", f"containers-storage:localhost/{image}"),
            ("push", "--all", *known, "index:4", there),
        ):
            done = publisher.run("buildah", "manifest", *words)
            assert done.returncode == 0, done.stderr
        index, content = served(registry, "careway", version)
        assert "manifests" in content
        assert told(publisher.publish(image=image, version=version))["image"] == index

    def test_both_are_signed_by_digest_again_and_again(
        self, first: subprocess.CompletedProcess[str], publisher: Publisher
    ) -> None:
        signed = publisher.folder / "signed by nobody"
        run = publisher.publish("--sign", f"sh -c 'echo {{}} >> \"{signed}\"'", image="hello:1")
        digests = told(run)
        assert signed.read_text().splitlines() == [
            f"{publisher.registry}/careway@{digests['image']}",
            f"{publisher.registry}/charts/careway@{digests['chart']}",
        ]

    def test_a_signature_that_fails_is_no_success(self, publisher: Publisher) -> None:
        run = publisher.publish("--sign", "false {}", image="hello:1")
        assert run.returncode == 1
        assert run.stderr.endswith("could not be signed: mend that, and repeat this.\n")


class TestARegistryThatRefuses:
    """Each time one sentence, and nothing in the registry."""

    @pytest.fixture
    def stranger(self, registry: DockerRegistry, publisher: Publisher, tmp_path: Path) -> Publisher:
        """Has the images of the other, and no login."""
        somebody = Publisher(tmp_path, registry.host, registry.authority)
        somebody.variables["CONTAINERS_STORAGE_CONF"] = publisher.variables["CONTAINERS_STORAGE_CONF"]
        publisher.build("hello:refused", "refused", {"version": "0.0.0-test.9"})
        return somebody

    def refused(self, somebody: Publisher, registry: DockerRegistry) -> str:
        before = registry.held
        run = somebody.publish(image="hello:refused", version="0.0.0-test.9")
        assert (run.returncode, run.stdout) == (1, "")
        assert registry.held == before
        return run.stderr

    def test_it_says_how_to_log_in(self, stranger: Publisher, registry: DockerRegistry) -> None:
        said = self.refused(stranger, registry)
        command = f"helm registry login {registry.host} --ca-file {registry.authority}"
        assert said == f"{registry.host} refuses whoever has no login: {command}\n"

    def test_it_says_whose_login_is_refused(self, stranger: Publisher, registry: DockerRegistry) -> None:
        stranger.log_in()
        file = Path(stranger.variables["HELM_REGISTRY_CONFIG"])
        known = json.loads(file.read_text())
        known["auths"][registry.host]["auth"] = base64.b64encode(b"careway:made-up-and-wrong").decode()
        file.write_text(json.dumps(known))
        said = self.refused(stranger, registry)
        assert said.startswith(
            f"{registry.host} refuses the login of careway, which may have ended: helm registry login"
        )

    def test_it_says_how_to_name_the_authority(self, stranger: Publisher, registry: DockerRegistry) -> None:
        stranger.log_in()
        stranger.authority = None
        said = self.refused(stranger, registry)
        assert said.startswith(f"The certificate of {registry.host} is of an authority that is not known here:")
        assert "CAREWAY_REGISTRY_CA" in said

    def test_it_says_when_nobody_answers(self, stranger: Publisher, registry: DockerRegistry) -> None:
        stranger.host = "registry.invalid:1"
        assert self.refused(stranger, registry).startswith("registry.invalid:1 does not answer: ")

    def test_dockers_own_login_will_do(self, stranger: Publisher, registry: DockerRegistry) -> None:
        stranger.log_in()
        (stranger.folder / ".docker").mkdir()
        Path(stranger.variables["HELM_REGISTRY_CONFIG"]).rename(stranger.folder / ".docker" / "config.json")
        assert told(stranger.publish(image="hello:refused", version="0.0.0-test.9"))


class TestARegistryLikeECR:
    """Repositories have to be there, tags are immutable, and referrers are listed."""

    VERSION = "0.0.0-test.5"

    @pytest.fixture
    def strict(self, registry: DockerRegistry) -> Iterator[Strict]:
        with Strict(registry, "team/careway") as running:
            yield running

    @pytest.fixture
    def its(self, strict: Strict, publisher: Publisher, tmp_path: Path) -> Publisher:
        somebody = Publisher(tmp_path, strict.host, strict.authority)
        somebody.variables["CONTAINERS_STORAGE_CONF"] = publisher.variables["CONTAINERS_STORAGE_CONF"]
        somebody.log_in()
        publisher.build("hello:5", "five", {"version": self.VERSION})
        return somebody

    def test_a_missing_repository_is_named_and_then_the_rest_is_pushed(
        self, its: Publisher, strict: Strict, registry: DockerRegistry
    ) -> None:
        run = its.publish(image="hello:5", version=self.VERSION)
        assert (run.returncode, run.stdout) == (1, "")
        assert run.stderr.startswith(
            f"There is no repository {its.registry}/charts/careway, and {strict.host} makes none"
        )
        strict.repositories.add("team/charts/careway")
        digests = told(its.publish(image="hello:5", version=self.VERSION))
        assert [each["digest"] for each in strict.referrers[digests["image"]]] == [digests["sbom"]]
        # Nothing but the version is a tag, so nothing of it can be in the way of one that cannot be moved.
        assert self.VERSION in (tags := registry.ask("team/careway/tags/list").json()["tags"])
        assert digests["image"].replace(":", "-") not in tags
